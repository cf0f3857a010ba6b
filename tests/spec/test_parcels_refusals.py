"""What a home says of each parcel that it will not open: its own sentence, and a word in the log.

The same table stands in docs/reference/parcel-format.md.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, receiver_of, signer_of
from families_first.governance.parcels import (
    Addressee,
    ColumnGroup,
    Contents,
    SealedParcel,
    open_parcel,
    seal_parcel,
)
from families_first.governance.parcels.column_keys import released_key
from families_first.governance.parcels.register import Register
from families_first.governance.parcels.releases import Release, keep_release, protocol_file
from families_first.governance.purposes import Purpose
from families_first.governance.study.protocols import keep_protocol
from made_up_desk import open_desk
from made_up_parcels import (
    LINKAGE,
    RESEARCH,
    ROWS,
    SPLIT,
    TO_BOTH,
    Circle,
    circle_at,
    circle_in,
    refusals_in_log,
    resealed,
)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "parcel-format.md"


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("refusals") / "homes"
    circle_in(root)
    return root


@pytest.fixture
def circle(pattern: Path, tmp_path: Path) -> Circle:
    shutil.copytree(pattern, tmp_path / "homes")
    return circle_at(tmp_path / "homes")


def sent(circle: Circle) -> Path:
    return circle.send().path


def no_file(circle: Circle) -> Path:
    return circle.linkage.home.inbox / "nothing.parcel"


def a_letter(circle: Circle) -> Path:
    path = circle.linkage.home.inbox / "letter.parcel"
    path.write_text("Dear colleague, " * 20, encoding="utf-8")
    return path


def truncated(circle: Circle) -> Path:
    path = sent(circle)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def shortened_body(circle: Circle) -> Path:
    path = sent(circle)
    content = path.read_bytes()
    path.write_bytes(content[:100] + content[200:])
    return path


def overwritten(circle: Circle, old: bytes, new: bytes) -> Path:
    path = sent(circle)
    content = path.read_bytes()
    assert content.count(old) == 1
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new))
    return path


def contradictory(circle: Circle) -> Path:
    return overwritten(circle, b'"name": "nino"', b'"name": "unio"')


def unknown_sender(circle: Circle) -> Path:
    next(circle.linkage.home.partners.glob("council*")).unlink()
    return sent(circle)


def renamed_organisation(circle: Circle) -> Path:
    told = next(circle.linkage.home.partners.glob("council*"))
    told.write_text(
        told.read_text(encoding="utf-8").replace(
            'organisation = "Exampleshire"', 'organisation = "Elsewhere"'
        ),
        encoding="utf-8",
    )
    return sent(circle)


def signed_by_another(circle: Circle) -> Path:
    path = sent(circle)
    return resealed(path, path, by=circle.research.home)


def changed_manifest(circle: Circle) -> Path:
    return overwritten(circle, b'"purpose": "research"', b'"purpose":"research" ')


def for_another(circle: Circle) -> Path:
    return circle.send(table=ROWS.select(["row_key", "exclusions"]), to=TO_BOTH[1:], groups=()).path


def for_another_organisation(circle: Circle) -> Path:
    path = sent(circle)
    return resealed(
        path,
        path,
        by=circle.council.home,
        change=lambda manifest: manifest.model_copy(
            update={
                "recipients": tuple(
                    each.model_copy(update={"organisation": "Madeup University"})
                    for each in manifest.recipients
                )
            }
        ),
    )


def for_another_purpose(circle: Circle) -> Path:
    circle.linkage.purpose = Purpose.PROTECT_DATA
    return sent(circle)


def with_another_agreement(circle: Circle, old: str, new: str, *, both: bool = True) -> Path:
    """Change the agreement in linkage's home; in the council's too, after it has sealed, where ``both``."""
    path = sent(circle)
    theirs = circle.linkage.home.agreements / "study.toml"
    text = theirs.read_text(encoding="utf-8")
    assert old in text
    theirs.write_text(text.replace(old, new), encoding="utf-8")
    if both:
        digest = hashlib.sha256(theirs.read_bytes()).hexdigest()
        quoted = {"agreement": {"id": "study-2026", "sha256": digest}}
        return resealed(
            path,
            path,
            by=circle.council.home,
            change=lambda manifest: manifest.model_validate(
                {**manifest.model_dump(), **quoted}, strict=False
            ),
        )
    return path


def no_agreement(circle: Circle) -> Path:
    (circle.linkage.home.agreements / "study.toml").unlink()
    return sent(circle)


def opened_before(circle: Circle) -> Path:
    path = sent(circle)
    copy = shutil.copy(path, circle.linkage.home.inbox / "another name.parcel")
    open_parcel(circle.linkage, path)
    return Path(copy)


def serial_of_another(circle: Circle) -> Path:
    path = sent(circle)
    open_parcel(circle.linkage, path)
    return resealed(
        path,
        path,
        by=circle.council.home,
        change=lambda manifest: manifest.model_copy(update={"made_at": datetime(2026, 1, 1, tzinfo=UTC)}),
    )


def flipped(circle: Circle) -> Path:
    path = sent(circle)
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    return path


def wrong_count(circle: Circle) -> Path:
    path = sent(circle)
    return resealed(
        path,
        path,
        by=circle.council.home,
        change=lambda manifest: manifest.model_copy(
            update={"body": manifest.body.model_copy(update={"rows": 4})}
        ),
    )


def key_of_another(circle: Circle) -> Path:
    path, other = sent(circle), circle.send()
    return resealed(
        path,
        path,
        by=circle.council.home,
        change=lambda manifest: manifest.model_copy(update={"groups": other.manifest.groups}),
    )


def other_types(circle: Circle) -> Path:
    path = sent(circle)
    return resealed(
        path,
        path,
        by=circle.council.home,
        change=lambda manifest: manifest.model_copy(
            update={
                "columns": tuple(
                    each.model_copy(update={"type": "int32"}) if each.name == "nino" else each
                    for each in manifest.columns
                )
            }
        ),
    )


def body_of_another(circle: Circle) -> Path:
    path, other = sent(circle), circle.send()
    body = other.path.read_bytes()[: other.manifest.body.bytes]
    return resealed(path, path, by=circle.council.home, body=body)


def locked(circle: Circle) -> SealedParcel:
    """Return a parcel for linkage that research must release first."""
    group = ColumnGroup("all", ("row_key", "surname", "nino"), (LINKAGE,), RESEARCH)
    return circle.send(table=ROWS.select(list(group.columns)), to=TO_BOTH[:1], groups=(group,))


def released(circle: Circle, *, serial: str = "", protocol: bytes = b"made up", by: str = "research") -> Path:
    """Return a locked parcel whose release says this of it."""
    parcel = locked(circle)
    home, releasing = circle.linkage.home, circle.research.home
    keep_protocol(home, "made-up", protocol)
    (group,) = parcel.manifest.locked
    key = released_key(group.key, parcel.serial, group.name, receiver_of(releasing))
    given = Release(serial or parcel.serial, "made-up", hashlib.sha256(b"made up").hexdigest(), {"all": key})
    note = given.signed(signer_of(getattr(circle, by).home))
    keep_release(home, replace(given, serial=parcel.serial), note)
    return parcel.path


def released_by_another_homes_word(circle: Circle) -> Path:
    return released(circle, by="council")


def released_by_nobody_known(circle: Circle) -> Path:
    path = released(circle)
    next(circle.linkage.home.partners.glob("research*")).unlink()
    return path


def without_the_protocol(circle: Circle) -> Path:
    path = released(circle)
    protocol_file(circle.linkage.home, "made-up").unlink()
    return path


# what was done to it: what makes it, the sentence, the word in the log, the exit code
REFUSED: dict[str, tuple[Callable[[Circle], Path], str, str, ExitCode]] = {
    "there is no file": (no_file, "There is no such file", "form", ExitCode.PARCEL),
    "it is something else": (a_letter, "This is not a parcel", "form", ExitCode.PARCEL),
    "it was cut short": (
        truncated,
        "This parcel was cut short, or its end is damaged",
        "form",
        ExitCode.PARCEL,
    ),
    "a piece is missing": (
        shortened_body,
        "Something is missing from this parcel, or was put into it",
        "form",
        ExitCode.PARCEL,
    ),
    "its manifest contradicts itself": (
        contradictory,
        "The manifest of this parcel cannot be relied on: ",
        "form",
        ExitCode.PARCEL,
    ),
    "nobody knows the sender": (
        unknown_sender,
        "This parcel says that it comes from 'council.exampleshire', which is no partner",
        "sender",
        ExitCode.PARCEL,
    ),
    "the sender goes by another organisation": (
        renamed_organisation,
        "The sender 'council.exampleshire' gives another organisation than the one that this home knows it "
        "by",
        "sender",
        ExitCode.PARCEL,
    ),
    "another partner signed it": (
        signed_by_another,
        "This parcel says that it comes from 'council.exampleshire', and was signed by "
        "'research.madeup-university'",
        "signature",
        ExitCode.PARCEL,
    ),
    "its manifest was changed": (
        changed_manifest,
        "The signature on this parcel is not that of 'council.exampleshire'",
        "signature",
        ExitCode.PARCEL,
    ),
    "it is for another home": (
        for_another,
        "This parcel is for research.madeup-university, and this home is linkage.exampleton-linker",
        "recipient",
        ExitCode.PARCEL,
    ),
    "its recipient is another organisation": (
        for_another_organisation,
        "The sender knows this home by another organisation than the one that runs it",
        "recipient",
        ExitCode.PARCEL,
    ),
    "it was sent for another purpose": (
        for_another_purpose,
        "This parcel was sent for the purpose 'research', and you act for 'protect-data'",
        "purpose",
        ExitCode.PARCEL,
    ),
    "there is no agreement": (
        no_agreement,
        "There is no agreement 'study-2026' in this home to cover this parcel",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "the agreement has another text": (
        lambda circle: with_another_agreement(circle, "Whether", "How far", both=False),
        "The sender relies on another text of the agreement 'study-2026' than this home has",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "the agreement has expired": (
        lambda circle: with_another_agreement(circle, "2099-12-31", "2020-12-31"),
        "The agreement 'study-2026' does not allow this parcel: it expired on 2020-12-31",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "the agreement is for another purpose": (
        lambda circle: with_another_agreement(
            with_gateway(circle), 'purposes = ["research"]', 'purposes = ["identify-and-support"]'
        ),
        "The agreement 'study-2026' does not allow this parcel: its purposes are "
        "identify-and-support, and not 'research'",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "the sender is no party": (
        lambda circle: with_another_agreement(circle, 'name = "Exampleshire"', 'name = "Elsewhere"'),
        "The agreement 'study-2026' does not allow this parcel: 'Exampleshire' is not a party to it",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "a column is not agreed": (
        lambda circle: with_another_agreement(circle, "surname =", "forename ="),
        "The agreement 'study-2026' does not allow this parcel: "
        "[files.identifiers.columns] does not list surname",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "the contents are not agreed": (
        lambda circle: with_another_agreement(circle, "[files.payload", "[files.events"),
        "The agreement 'study-2026' does not allow this parcel: it has no [files.payload]",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "the file of the agreement has other contents": (
        lambda circle: with_another_agreement(circle, 'contents = "payload"', 'contents = "outputs"'),
        "The agreement 'study-2026' does not allow this parcel: "
        "[files.payload] is for outputs, and not for payload",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "the file of the agreement is for another": (
        lambda circle: with_another_agreement(
            circle, 'recipient = "Exampleton Linker"', 'recipient = "Madeup University"'
        ),
        "The agreement 'study-2026' does not allow this parcel: "
        "[files.identifiers] is for 'Madeup University', and not 'Exampleton Linker'",
        "agreement",
        ExitCode.AGREEMENT,
    ),
    "it was opened before, under another name": (
        opened_before,
        "This parcel was opened here already, under this name or another",
        "serial",
        ExitCode.PARCEL,
    ),
    "another parcel had its serial": (
        serial_of_another,
        "Another parcel with the serial of this one came here before",
        "serial",
        ExitCode.PARCEL,
    ),
    "nothing of it was released yet": (
        lambda circle: locked(circle).path,
        "Every column of this parcel is locked until 'research.madeup-university' releases it",
        "locked",
        ExitCode.PARCEL,
    ),
    "its release was signed by another": (
        released_by_another_homes_word,
        "This is no release that 'research.madeup-university' signed, or it was changed",
        "protocol",
        ExitCode.PARCEL,
    ),
    "its release is another parcel's": (
        lambda circle: released(circle, serial="00000000-000001-000000000000"),
        "This release is of another parcel",
        "protocol",
        ExitCode.PARCEL,
    ),
    "who releases it is no partner": (
        released_by_nobody_known,
        "This home knows no 'research.madeup-university', which releases this parcel",
        "protocol",
        ExitCode.PARCEL,
    ),
    "the protocol was changed after the release": (
        lambda circle: released(circle, protocol=b"made otherwise"),
        "The protocol 'made-up', for which these outcomes were released, was changed after it was sealed",
        "protocol",
        ExitCode.PARCEL,
    ),
    "the protocol is gone": (
        without_the_protocol,
        "The protocol 'made-up', for which these outcomes were released, is gone from this home",
        "protocol",
        ExitCode.PARCEL,
    ),
    "a bit of its body was flipped": (
        flipped,
        "The body of this parcel was changed or damaged: it is not the one that was signed for",
        "body",
        ExitCode.PARCEL,
    ),
    "its keys are another parcel's": (
        key_of_another,
        "A key in this parcel is not for this home, or belongs to another parcel",
        "key",
        ExitCode.PARCEL,
    ),
    "its body is another parcel's": (
        body_of_another,
        "The body of this parcel cannot be read with the keys that came with it",
        "body",
        ExitCode.PARCEL,
    ),
    "its columns are others": (
        other_types,
        "The columns of this parcel are not those that its manifest names",
        "body",
        ExitCode.PARCEL,
    ),
    "it has fewer rows than it says": (
        wrong_count,
        "This parcel does not have as many rows as its manifest says",
        "rows",
        ExitCode.PARCEL,
    ),
}


def with_gateway(circle: Circle) -> Circle:
    """Let the agreement rely on a power that carries both purposes."""
    for desk in (circle.council, circle.linkage):
        path = desk.home.agreements / "study.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("DEA64", "other"), encoding="utf-8")
    return circle


@pytest.mark.parametrize("what", REFUSED)
def test_a_parcel_is_refused_with_its_own_sentence_and_logged_and_nothing_is_kept(
    circle: Circle, what: str
) -> None:
    make, sentence, word, code = REFUSED[what]
    path = make(circle)
    before = refusals_in_log(circle.linkage)
    kept = sorted((circle.linkage.home.vault / "datasets").glob("*"))
    openings = Register.read(circle.linkage.home).openings
    with pytest.raises(UserError) as refusal:
        open_parcel(circle.linkage, path)
    assert sentence in refusal.value.what
    assert refusal.value.code == code
    assert str(circle.linkage.home.root) not in str(refusal.value)
    assert "Zyxmarker" not in str(refusal.value)
    assert refusals_in_log(circle.linkage) == [*before, word]
    assert sorted((circle.linkage.home.vault / "datasets").glob("*")) == kept
    assert Register.read(circle.linkage.home).openings == openings


@pytest.mark.parametrize("what", REFUSED)
def test_the_reference_page_tells_each_refusal(what: str) -> None:
    _, sentence, word, _ = REFUSED[what]
    page = PAGE.read_text(encoding="utf-8")
    told = sentence.replace("council.exampleshire", "SENDER").replace("research.madeup-university", "OTHER")
    told = (
        told.replace("linkage.exampleton-linker", "HERE").replace("study-2026", "ID").replace("made-up", "ID")
    )
    assert f"| {told.strip()}" in page, told
    assert word in page


def test_an_undamaged_parcel_is_opened(circle: Circle) -> None:
    assert open_parcel(circle.linkage, sent(circle)).rows == ROWS.num_rows
    assert refusals_in_log(circle.linkage) == []


NOT_SEALED: dict[str, tuple[dict[str, object], str, str]] = {
    "an unknown partner": (
        {"to": [Addressee("research.elsewhere", Contents.PAYLOAD)], "groups": ()},
        "This home knows no partner research.elsewhere",
        "recipient",
    ),
    "nobody": ({"to": [], "groups": ()}, "This parcel cannot be put together: ", "form"),
    "a column in no group": ({"groups": SPLIT[:2]}, "the column 'exclusions' is in no group", "form"),
    "a column in two groups": (
        {"groups": (*SPLIT, ColumnGroup("more", ("nino",), (LINKAGE,)))},
        "a column in the groups is there twice: nino",
        "form",
    ),
    "a group of a column that is not there": (
        {"groups": (*SPLIT, ColumnGroup("more", ("upn",), (LINKAGE,)))},
        "a group names 'upn', which is no column",
        "form",
    ),
    "a group for a stranger": (
        {"to": TO_BOTH[:1]},
        "a group is for 'research.madeup-university', which is no recipient",
        "form",
    ),
    "a partner who could read nothing": (
        {"groups": [ColumnGroup("all", tuple(ROWS.schema.names), (LINKAGE,))]},
        "'research.madeup-university' can open no group",
        "form",
    ),
    "a type that would not arrive as it is": (
        {"table": pa.table({"row_key": pa.array([1], pa.time32("s"))}), "to": TO_BOTH[:1], "groups": ()},
        "A parcel does not carry columns of these types: 'row_key' (time32[s])",
        "form",
    ),
    "times to the second, which Parquet makes finer": (
        {"table": pa.table({"row_key": pa.array([1], pa.timestamp("s"))}), "to": TO_BOTH[:1], "groups": ()},
        "A parcel does not carry columns of these types: 'row_key' (timestamp[s])",
        "form",
    ),
    "a value that is too long": (
        {
            "table": pa.table({"row_key": [1], "surname": ["x" * ((1 << 20) + 1)]}),
            "to": TO_BOTH[:1],
            "groups": (),
        },
        "There is a value or a row that is larger than a parcel carries",
        "form",
    ),
    "a list that is too long": (
        {"table": pa.table({"row_key": [[0] * 65_537]}), "to": TO_BOTH[:1], "groups": ()},
        "There is a value or a row that is larger than a parcel carries",
        "form",
    ),
    "a name that steers a terminal": (
        {"table": pa.table({"row_key": [1], "\x1b[2Jx": [1]}), "to": TO_BOTH[:1], "groups": ()},
        "The name of a column has control characters in it",
        "form",
    ),
    "a file of the agreement that steers a terminal": (
        {"to": [Addressee(LINKAGE, Contents.IDENTIFIERS, "\x1b[2J")], "groups": ()},
        "This parcel cannot be put together: file has control characters in it",
        "form",
    ),
    "identifiers as payload": (
        {
            "table": ROWS.select(["row_key", "nino"]),
            "to": [Addressee(RESEARCH, Contents.PAYLOAD, "identifiers")],
            "groups": (),
        },
        "[files.identifiers] is for identifiers, and not for payload",
        "agreement",
    ),
    "payload as identifiers": (
        {
            "table": ROWS.select(["row_key", "exclusions"]),
            "to": [Addressee(LINKAGE, Contents.IDENTIFIERS, "payload")],
            "groups": (),
        },
        "[files.payload] is for payload, and not for identifiers",
        "agreement",
    ),
    "no column": (
        {"table": pa.table({}), "to": TO_BOTH[:1], "groups": ()},
        "Each column of a parcel needs a name of its own",
        "form",
    ),
    "a column that is not agreed": (
        {"table": ROWS.append_column("upn", pa.nulls(3, pa.string())), "to": TO_BOTH[:1], "groups": ()},
        "[files.identifiers.columns] does not list exclusions, upn",
        "agreement",
    ),
    "an agreement that is not here": (
        {"agreement": "other-2026"},
        "There is no agreement 'other-2026' in this home to cover this parcel",
        "agreement",
    ),
}


@pytest.mark.parametrize("what", NOT_SEALED)
def test_what_may_not_be_sent_is_not_sealed_and_that_is_logged(circle: Circle, what: str) -> None:
    changes, sentence, word = NOT_SEALED[what]
    with pytest.raises(UserError) as refusal:
        circle.send(**changes)
    assert sentence in refusal.value.what
    assert refusals_in_log(circle.council) == [word]
    assert list(circle.council.home.outbox.iterdir()) == []


@pytest.mark.parametrize("title", ["Exampleshire", "Made-Up Police"])
def test_nothing_goes_from_linkage_to_a_public_agency_whatever_is_agreed(
    circle: Circle, tmp_path: Path, title: str
) -> None:
    kind = {"Exampleshire": "council", "Made-Up Police": "police"}[title]
    zone = {"Exampleshire": "council", "Made-Up Police": "research"}[title]
    home = Home.create(tmp_path / "agency", zone=zone, title=title, organisation_kind=kind)
    name = ensure_identity(home).name
    linkage = circle.linkage.home
    shutil.copy(home.root / "identity.toml", linkage.partners / f"{name}.toml")
    agreement = linkage.agreements / "study.toml"
    agreement.write_text(
        agreement.read_text(encoding="utf-8").replace(
            "[gateway]", '[[parties]]\nname = "Made-Up Police"\nrole = "controller"\n\n[gateway]'
        ),
        encoding="utf-8",
    )
    spine = pa.table({"row_key": [1], "pseudonym": ["p1"]})
    for person in (circle.linkage, open_desk(linkage, "linker", "data-lead", purpose=Purpose.RESEARCH)):
        with pytest.raises(UserError, match="will not be shared with or made available to") as refusal:
            seal_as(person, spine, name)
        assert refusal.value.code == ExitCode.REFUSED
    assert list(linkage.outbox.iterdir()) == []
    assert refusals_in_log(circle.linkage) == ["policy", "policy"]


def test_a_forbidden_way_is_told_before_an_agreement_that_has_expired(circle: Circle, tmp_path: Path) -> None:
    linkage = circle.linkage.home
    agreement = linkage.agreements / "study.toml"
    agreement.write_text(agreement.read_text(encoding="utf-8").replace("2099", "2020"), encoding="utf-8")
    with pytest.raises(UserError, match="will not be shared with or made available to"):
        seal_as(circle.linkage, pa.table({"row_key": [1], "pseudonym": ["p1"]}), "council.exampleshire")


def test_what_came_from_research_by_a_forbidden_way_is_not_opened_by_the_council(
    circle: Circle, tmp_path: Path
) -> None:
    """A home with other policies may have sealed it: the sender here is known by another zone than it has."""
    research = circle.research.home
    told = next(research.partners.glob("council*"))
    told.write_text(
        told.read_text(encoding="utf-8")
        .replace('zone = "council"', 'zone = "publication"')
        .replace('organisation_kind = "council"', 'organisation_kind = "publisher"'),
        encoding="utf-8",
    )
    for desk in (circle.research, circle.council):
        path = desk.home.agreements / "study.toml"
        path.write_text(path.read_text(encoding="utf-8").replace("spine", "outputs"), encoding="utf-8")
    parcel = seal_as(
        circle.research,
        pa.table({"row_key": [1], "pseudonym": ["p1"]}),
        "council.exampleshire",
        contents=Contents.OUTPUTS,
    )
    with pytest.raises(UserError, match="will not be shared with or made available to") as refusal:
        open_parcel(circle.council, parcel)
    assert refusal.value.code == ExitCode.REFUSED
    assert refusals_in_log(circle.council) == ["policy"]


def seal_as(desk: Desk, table: pa.Table, to: str, *, contents: Contents = Contents.SPINE) -> Path:
    return seal_parcel(
        desk,
        table.to_batches(),
        schema=table.schema,
        agreement="study-2026",
        to=[Addressee(to, contents)],
    ).path
