"""What counts as opened, what the register and the log keep, and what an inspection tells."""

from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import UserError
from families_first.governance.desk import Act
from families_first.governance.identity import ensure_identity
from families_first.governance.parcels import (
    Addressee,
    Contents,
    ParcelRefusedError,
    Reason,
    fingerprint_of,
    inspect_parcel,
    open_parcel,
    reading_parcel,
    seal_parcel,
)
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.register import Register, take_number
from families_first.governance.vault import Vault
from made_up_desk import open_desk, vault_of
from made_up_parcels import LINKAGE, RESEARCH, ROWS, TO_BOTH, Circle, circle_in, refusals_in_log


@pytest.fixture
def circle(tmp_path: Path) -> Circle:
    return circle_in(tmp_path)


def test_a_parcel_of_which_nothing_was_taken_or_whose_reading_failed_can_be_read_again(
    circle: Circle,
) -> None:
    path = circle.send().path
    with reading_parcel(circle.linkage, path) as parcel:
        assert parcel.contents == "identifiers"
        assert not parcel.begun_before
    with pytest.raises(ZeroDivisionError), reading_parcel(circle.linkage, path) as parcel:
        _ = next(parcel.batches()).num_rows / 0
    with reading_parcel(circle.linkage, path) as parcel:
        assert parcel.begun_before
        assert sum(batch.num_rows for batch in parcel.batches()) == 3
    with pytest.raises(UserError, match="opened here already"), reading_parcel(circle.linkage, path):
        pass


def closings(circle: Circle) -> list[tuple[str, object, object]]:
    """Return how each reading in linkage's log ended: the outcome, rows given, whether begun before."""
    return [
        (event.outcome, event.details["rows_given"], event.details["begun_before"])
        for event in (entry.event for entry in circle.linkage.log.entries())
        if "rows_given" in event.details
    ]


def test_rows_that_were_all_taken_are_opened_though_nobody_asked_for_more(circle: Circle) -> None:
    path = circle.send().path
    with reading_parcel(circle.linkage, path) as parcel:
        assert next(parcel.batches()).num_rows == 3
    with pytest.raises(UserError, match="opened here already"), reading_parcel(circle.linkage, path):
        pass


def test_a_parcel_of_which_some_rows_were_taken_is_not_read_twice(circle: Circle) -> None:
    table = pa.concat_tables([ROWS] * 1_000)
    path = circle.send(table=table).path
    with reading_parcel(circle.linkage, path) as parcel:
        assert next(parcel.batches()).num_rows < table.num_rows
    with pytest.raises(UserError, match="opened here already"), reading_parcel(circle.linkage, path):
        pass
    given = closings(circle)[0][1]
    assert isinstance(given, int)
    assert 0 < given < table.num_rows


def test_a_reading_that_failed_and_the_one_after_it_are_both_in_the_log(circle: Circle) -> None:
    path = circle.send().path
    with pytest.raises(ZeroDivisionError), reading_parcel(circle.linkage, path) as parcel:
        _ = next(parcel.batches()).num_rows / 0
    open_parcel(circle.linkage, path)
    assert closings(circle) == [("failed", 3, False), ("done", 3, True)]


def test_no_row_is_given_once_the_act_has_ended(circle: Circle) -> None:
    table = pa.concat_tables([ROWS] * 1_000)
    path = circle.send(table=table).path
    with reading_parcel(circle.linkage, path) as parcel:
        untouched = parcel.batches()
    with pytest.raises(UserError, match="This act has come to its end"):
        next(untouched)
    with reading_parcel(circle.linkage, path) as parcel:
        begun = parcel.batches()
        next(begun)
    with pytest.raises(UserError, match="This act has come to its end"):
        next(begun)


def test_a_body_that_is_changed_in_place_after_its_hash_was_checked_gives_no_changed_row(
    circle: Circle,
) -> None:
    numbers = pa.array(range(50_000), pa.int64())
    path = circle.send(table=pa.table({"row_key": numbers}), to=TO_BOTH[:1], groups=()).path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1

    def change_and_read() -> None:
        with reading_parcel(circle.linkage, path) as parcel:
            with path.open("r+b") as file:
                file.write(content)
            list(parcel.batches())

    with pytest.raises(ParcelRefusedError) as refusal:
        change_and_read()
    assert refusal.value.reason == Reason.BODY


def test_a_parcel_without_rows_arrives_with_its_columns(circle: Circle) -> None:
    sealed = circle.send(table=ROWS.slice(0, 0))
    assert open_parcel(circle.linkage, sealed.path).rows == 0
    vault = vault_of(circle.linkage.home)
    [kept] = vault.list("parcel")
    assert vault.read(kept, "rows").schema == ROWS.select(["row_key", "surname", "nino"]).schema


def test_the_vault_keeps_the_signed_manifest_and_the_agreements_retention_class(circle: Circle) -> None:
    sealed = circle.send()
    opened = open_parcel(circle.linkage, sealed.path)
    [kept] = vault_of(circle.linkage.home).list("parcel")
    assert kept.name == opened.serial == sealed.serial
    assert kept.retention_class == "programme-2026"
    assert kept.about["manifest"] == read_parcel_file(sealed.path).note


def test_rows_can_come_out_of_the_vault_by_the_act_of_sealing(circle: Circle) -> None:
    vault_of(circle.council.home).commit(
        "people", "run-1", {"person": ROWS}, retention_class="programme-2026", about={}
    )

    def from_vault(act: Act) -> list[pa.RecordBatch]:
        vault = Vault(act)
        [kept] = vault.list("people")
        return list(vault.batches(kept, "person", ["row_key", "surname", "nino"]))

    sealed = seal_parcel(
        circle.council,
        from_vault,
        schema=ROWS.select(["row_key", "surname", "nino"]).schema,
        agreement="study-2026",
        to=[Addressee(LINKAGE, Contents.IDENTIFIERS)],
    )
    assert open_parcel(circle.linkage, sealed.path).rows == 3


def test_sealing_and_opening_are_logged_with_counts_and_hashes_and_no_value(circle: Circle) -> None:
    sealed = circle.send()
    open_parcel(circle.linkage, sealed.path)
    at_council = [entry.event for entry in circle.council.log.entries()]
    assert [(each.action, each.outcome, each.resource_id) for each in at_council] == [
        ("seal-parcel", "allowed", sealed.serial),
        ("seal-parcel", "allowed", sealed.serial),
        ("seal-parcel", "done", sealed.serial),
        ("seal-parcel", "done", sealed.serial),
    ]
    closing = list(circle.linkage.log.entries())[-1].event
    assert (closing.action, closing.outcome, closing.resource_id) == ("open-parcel", "done", sealed.serial)
    assert closing.details["rows"] == 3
    assert closing.details["body_sha256"] == sealed.manifest.body.sha256
    assert closing.details["agreement_sha256"] == sealed.manifest.agreement.sha256


def test_numbers_are_counted_up_and_never_given_out_again(circle: Circle) -> None:
    home = circle.council.home
    assert [take_number(home) for _ in range(3)] == [1, 2, 3]
    assert circle.send().serial.split("-")[1] == "000004"
    assert Register.read(home).next_number == 5


def test_a_person_without_the_role_seals_and_opens_nothing(circle: Circle) -> None:
    path = circle.send().path
    keyworker = open_desk(circle.linkage.home, "system-administrator", purpose=circle.linkage.purpose)
    with pytest.raises(UserError):
        open_parcel(keyworker, path)
    assert refusals_in_log(circle.linkage) == ["policy"]
    assert open_parcel(circle.linkage, path).rows == 3


def test_an_inspection_without_a_home_tells_the_manifest_and_judges_nothing(circle: Circle) -> None:
    found = inspect_parcel(circle.send().path)
    assert found.signed_by == "council.exampleshire"
    assert found.signature_holds is None
    assert found.why_not is None
    assert [each.name for each in found.manifest.columns_for(RESEARCH)] == ["row_key", "exclusions"]


def test_an_inspection_in_a_home_tells_whether_it_could_open_the_parcel_and_opens_nothing(
    circle: Circle,
) -> None:
    path = circle.send().path
    found = inspect_parcel(path, circle.linkage)
    assert (found.signature_holds, found.why_not) == (True, "")
    assert [each.name for each in found.columns] == ["row_key", "surname", "nino"]
    assert [entry.event.action for entry in circle.linkage.log.entries()] == ["inspect-parcel"] * 2
    open_parcel(circle.linkage, path)
    found = inspect_parcel(path, circle.linkage)
    assert found.why_not == "This parcel was opened here already, under this name or another"


def test_an_inspection_tells_what_stands_against_opening(circle: Circle) -> None:
    path = circle.send().path
    at_the_sender = inspect_parcel(path, circle.council)
    assert at_the_sender.signature_holds is False
    assert at_the_sender.why_not is not None
    assert "no partner" in at_the_sender.why_not
    for_research_alone = circle.send(
        table=ROWS.select(["row_key", "exclusions"]), to=[Addressee(RESEARCH, Contents.PAYLOAD)], groups=()
    )
    elsewhere = inspect_parcel(for_research_alone.path, circle.linkage)
    assert elsewhere.signature_holds is True
    assert "this home is linkage.exampleton-linker" in str(elsewhere.why_not)
    (circle.linkage.home.agreements / "study.toml").unlink()
    assert "no agreement 'study-2026'" in str(inspect_parcel(path, circle.linkage).why_not)


def test_a_fingerprint_covers_every_line_of_an_identity(circle: Circle) -> None:
    own = ensure_identity(circle.council.home)
    others = [
        own.model_copy(update={"title": "Elsewhere"}),
        own.model_copy(update={"zone": ensure_identity(circle.linkage.home).zone}),
        own.model_copy(update={"receiving": ensure_identity(circle.linkage.home).receiving}),
    ]
    assert len({fingerprint_of(each) for each in (own, *others)}) == 4
    assert len(fingerprint_of(own).split()) == 10
