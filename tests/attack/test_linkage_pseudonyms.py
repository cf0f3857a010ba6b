"""Attempts to get from a pseudonym back to a row key or a person, or from one project's to another's."""

import hashlib
import hmac
import itertools
import shutil
from pathlib import Path

import pyarrow.compute as pc
import pytest

from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.opening import TABLE
from families_first.governance.vault import Vault
from families_first.linkage.plan import LinkPlan
from made_up_desk import vault_of
from made_up_linking import TWO, Sent, sent_in, spine_in, truth_of_rows
from made_up_study import LINKING, PROJECT, owner_agreement, study_at, write_agreement

OTHER = "another-2027"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    sent = sent_in(tmp_path_factory.mktemp("pseudonyms") / "study")
    sent.link()
    return sent


@pytest.fixture(scope="module")
def second(first: Sent, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """The same people in another project, agreed, split and linked anew in copies of the same homes."""
    root = tmp_path_factory.mktemp("second") / "study"
    shutil.copytree(first.study.root, root)
    study = study_at(root)
    vault = vault_of(study.linkage)
    vault.remove(*vault.list("parcel"))
    for owner in TWO:
        text = owner_agreement(owner).replace(PROJECT, OTHER)
        for home in (study.owners[owner], study.linkage):
            write_agreement(home, f"study-{owner}-2026", text)
    again = Sent(study, study.split_all())
    for split in again.splits.values():
        open_parcel(study.desk("linkage"), split.identifiers.path)
    again.link(OTHER, plan=LinkPlan(project=OTHER))
    return again


def test_two_projects_have_no_pseudonym_and_no_row_key_in_common(first: Sent, second: Sent) -> None:
    one, other = spine_in(first.study), spine_in(second.study, OTHER)
    people = truth_of_rows(first.study)["person"].to_pylist()
    assert set(people) == set(truth_of_rows(second.study)["person"].to_pylist()), "they are the same people"
    for column, also in itertools.product(("person", "family", "row_key"), repeat=2):
        assert not set(one[column].to_pylist()) & set(other[also].to_pylist())


def test_the_order_of_rows_joins_nobody_either(first: Sent, second: Sent) -> None:
    found = []
    for sent, project in ((first, PROJECT), (second, OTHER)):
        truth = truth_of_rows(sent.study)
        person = dict(zip(truth["row_key"].to_pylist(), truth["person"].to_pylist(), strict=True))
        rows = spine_in(sent.study, project)
        found.append([person[key] for key in rows["row_key"].to_pylist()])
    together = sum(left == right for left, right in zip(*found, strict=False))
    # By chance a row in every hundred or so stands where it stood; an order carried over would be all.
    assert together < len(found[0]) / 10


def test_no_key_in_the_home_and_no_word_makes_a_pseudonym_again(first: Sent) -> None:
    study, spine = first.study, spine_in(first.study)
    pseudonyms = set(spine["person"].to_pylist()) | set(spine["family"].to_pylist())
    rows = spine["row_key"].to_pylist()
    keys = {PROJECT.encode(), study.linkage.name.encode(), b"", *(each.encode() for each in rows[:20])}
    for path in study.linkage.keys.iterdir():
        content = path.read_bytes()
        keys.update((content, content.strip(), content[-32:], content[:32]))
    numbers = [str(number) for number in range(len(set(spine["person"].to_pylist())))]
    for key, told in itertools.product(keys, [*numbers, *rows]):
        for text in (told, f"{PROJECT}\nperson\n{told}", f"{PROJECT}\nfamily\n{told}"):
            made = hmac.digest(key, text.encode(), "sha256").hex()
            assert made[:32] not in pseudonyms
            assert hashlib.sha256(key + text.encode()).hexdigest()[:32] not in pseudonyms


def test_the_spine_holds_no_identifier(first: Sent) -> None:
    spine = spine_in(first.study)
    told = {value for name in spine.schema.names for value in map(str, spine[name].to_pylist())}
    vault = vault_of(first.study.linkage)
    for dataset in vault.list("parcel"):
        rows = vault.read(dataset, TABLE)
        for column in set(rows.column_names) - {"row_key"}:
            assert not told & {str(each) for each in rows[column].to_pylist() if each is not None}


def test_the_spine_is_not_in_the_order_of_what_came(first: Sent) -> None:
    spine = spine_in(first.study)
    vault = vault_of(first.study.linkage)
    for dataset in vault.list("parcel"):
        came = vault.read(dataset, TABLE)["row_key"].to_pylist()
        kept = [key for key in spine["row_key"].to_pylist() if key in set(came)]
        place = {key: number for number, key in enumerate(came)}
        numbers = [place[key] for key in kept]
        assert sum(b == a + 1 for a, b in itertools.pairwise(numbers)) < len(numbers) / 5


def test_research_gets_no_identifier_with_the_spine(first: Sent, tmp_path: Path) -> None:
    from families_first.linkage.sealing import seal_spine

    shutil.copytree(first.study.root, tmp_path / "study")
    study = study_at(tmp_path / "study")
    sealed = seal_spine(study.desk("linkage"), PROJECT, LINKING)
    open_parcel(study.desk("research"), sealed.spine.path)
    open_parcel(study.desk("research"), sealed.quality.path)
    names = {
        each
        for dataset in vault_of(study.linkage).list("parcel")
        for column in ("surname", "forename", "upn", "nino")
        if column in (rows := vault_of(study.linkage).read(dataset, TABLE)).column_names
        for each in rows[column].to_pylist()
        if each
    }
    assert len(names) > 20
    vault = vault_of(study.research)
    for dataset in vault.list("parcel"):
        table = vault.read(dataset, TABLE)
        for column in table.column_names:
            if table.schema.field(column).type == "string":
                assert not names & set(pc.unique(table[column]).to_pylist())
    with (
        study.desk("research").act("open-parcel", _parcel_from_linkage(), agreement_in_force=True) as act,
        pytest.raises(Exception, match="does not reach"),
    ):
        Vault(act).list("parcel")


def _parcel_from_linkage() -> object:
    from families_first.governance.agreements import Contents
    from families_first.governance.parcels.routes import parcel_resource

    return parcel_resource(
        "00000000-000001-000000000000",
        sender_zone="linkage",
        recipient_zone="research",
        recipient_kind="research-body",
        contents=Contents.SPINE,
    )
