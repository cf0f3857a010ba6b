"""An owner that sends field tokens in the place of identifiers is linked all the same."""

import hashlib
import hmac
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.parcels.opening import TABLE
from families_first.linkage.linking import Given, link_study
from families_first.linkage.plan import LinkPlan, OwnerPlan
from families_first.linkage.received import manifest_of
from families_first.linkage.sampling import draw_pairs
from made_up_desk import vault_of
from made_up_linking import TWO, Sent
from made_up_study import PROJECT, Study, owner_agreement, study_in, write_agreement, write_sources

KEY = b"made up, and shared by the owners alone"
ENCODED = ("forename", "surname", "date_of_birth", "sex", "postcode", "upn")
_TEXT = dict.fromkeys(
    ("reference", "family_reference", "date_of_birth", "upn", "nino", "shoe_size"), pa.string()
)


def token(name: str, value: str) -> str:
    """Return a field's token in the shape of the field: what an owner's own program would make of it."""
    digits = str(int.from_bytes(hmac.digest(KEY, f"{name}\n{value}".encode(), "sha256")[:12]))
    if name == "sex":
        return value
    if name == "date_of_birth":
        parts = zip(("year", "month", "day"), value.split("-"), (4, 2, 2), strict=True)
        return "".join(token(part, told)[:size] for part, told, size in parts)
    if name == "upn":
        return f"A{digits[-12:]}"
    if name in ("year", "month", "day"):
        return digits[-6:]
    return "".join(chr(ord("A") + int(each)) for each in digits[-14:])


def encoded_study(root: Path) -> Study:
    """Make a study in which education sends tokens alone, and the council both identifiers and tokens."""
    study = study_in(root, owners=TWO)
    write_sources(study, families=30, others=20)
    for owner in TWO:
        names = "\n".join(f'encoded_{name} = "Finds the person without naming them"' for name in ENCODED)
        text = owner_agreement(owner)
        heading = "[files.identifiers.columns]\n"
        before, _, rest = text.partition(heading)
        listed, _, after = rest.partition("\n[")
        if owner == "education":
            listed = "\n".join(line for line in listed.splitlines() if line.startswith("row_key"))
        write = f"{before}{heading}{listed}\n{names}\n[{after}"
        for home in (study.owners[owner], study.linkage, study.research, study.publication):
            write_agreement(home, f"study-{owner}-2026", write)
        path = study.sources(owner) / "people.csv"
        rows = pa.csv.read_csv(path, convert_options=pa.csv.ConvertOptions(column_types=_TEXT)).to_pylist()
        for row in rows:
            row |= {f"encoded_{name}": token(name, row[name]) if row[name] else None for name in ENCODED}
        pa.csv.write_csv(pa.Table.from_pylist(rows), path)
    return study


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    from families_first.governance.parcels import open_parcel

    study = encoded_study(tmp_path_factory.mktemp("encoded") / "study")
    splits = study.split_all()
    for each in splits.values():
        open_parcel(study.desk("linkage"), each.identifiers.path)
    return Sent(study, splits)


def truth(study: Study) -> pa.Table:
    """Return who each row is of, by the token of their UPN."""
    vault = vault_of(study.linkage)
    parts = []
    for dataset in vault.list("parcel"):
        owner = manifest_of(dataset).agreement.id.removeprefix("study-").removesuffix("-2026")
        rows = vault.read(dataset, TABLE)
        owners = pa.repeat(owner, rows.num_rows)
        parts.append(pa.table({"owner": owners, "row_key": rows["row_key"], "person": rows["encoded_upn"]}))
    return pa.concat_tables(parts)


def test_the_linker_gets_tokens_and_no_name_of_the_encoded_owner(sent: Sent) -> None:
    columns = {each.name for each in sent.splits["education"].identifiers.manifest.columns}
    assert columns == {"row_key", *(f"encoded_{name}" for name in ENCODED)}


def test_records_are_linked_by_their_tokens(sent: Sent) -> None:
    run = sent.link(given=Given(truth=truth(sent.study)), again=True)
    education = run.owners[0]
    assert education.links > 40
    assert education.true_precision is not None
    assert education.true_precision.value > 0.95
    assert education.true_recall is not None
    assert education.true_recall.value > 0.9
    words = " ".join(each["words"] for each in run.quality.to_pylist())
    assert "Field tokens" in words


def test_a_sample_of_tokens_is_not_drawn_because_nobody_could_decide(sent: Sent) -> None:
    with pytest.raises(UserError, match="encoded: nobody can tell") as refused:
        draw_pairs(sent.study.desk("linkage"), PROJECT, "education", plan=LinkPlan(project=PROJECT))
    assert refused.value.code is ExitCode.REFUSED


def test_a_plan_that_takes_tokens_for_identifiers_is_refused(sent: Sent) -> None:
    plan = LinkPlan(project=PROJECT, owners={"education": OwnerPlan(encoded=False)})
    with pytest.raises(UserError, match="no identifiers to link on"):
        link_study(sent.study.desk("linkage"), PROJECT, plan=plan, again=True)


def test_the_key_is_nowhere_at_the_linkers(sent: Sent) -> None:
    digests = {KEY, hashlib.sha256(KEY).digest(), KEY.hex().encode()}
    for path in sent.study.linkage.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(each in content for each in digests)
