"""Locked column groups: what opens before a release and after, and what manifest, register and log say."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.identity import receiver_of, signer_of
from families_first.governance.parcels import (
    Addressee,
    ColumnGroup,
    Contents,
    ParcelRefusedError,
    Reason,
    SealedParcel,
    inspect_parcel,
    open_parcel,
    reading_parcel,
    seal_parcel,
)
from families_first.governance.parcels.column_keys import released_key
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.manifest import FIRST_LINE, FIRST_LINE_OF_STUDIES, parse_manifest
from families_first.governance.parcels.register import Register
from families_first.governance.parcels.releases import Release, keep_release, protocol_file
from families_first.governance.study.protocols import keep_protocol
from made_up_desk import vault_of
from made_up_parcels import LINKAGE, RESEARCH, ROWS, Circle, circle_in, refusals_in_log

PAYLOAD = ROWS.select(["row_key", "exclusions"])
TO_RESEARCH = (Addressee(RESEARCH, Contents.PAYLOAD),)
OUTCOMES = ColumnGroup("outcomes", ("exclusions",), (RESEARCH,), LINKAGE)
OPEN_KEY = ColumnGroup("row-key", ("row_key",), (RESEARCH,))
ALL = ColumnGroup("outcomes", ("row_key", "exclusions"), (RESEARCH,), LINKAGE)
PROTOCOL = b'id = "made-up"\n'


@pytest.fixture
def circle(tmp_path: Path) -> Circle:
    return circle_in(tmp_path)


def sealed(circle: Circle, *groups: ColumnGroup, **more: object) -> SealedParcel:
    return circle.send(table=PAYLOAD, to=TO_RESEARCH, groups=groups, **more)


def release(circle: Circle, parcel: SealedParcel, *, protocol: bytes = PROTOCOL) -> Release:
    """Release a parcel as linkage, which stands for the home that releases, and keep it at research's."""
    keep_protocol(circle.research.home, "made-up", protocol)
    sha256 = hashlib.sha256(protocol).hexdigest()
    identity = receiver_of(circle.linkage.home)
    keys = {
        each.name: released_key(each.key, parcel.serial, each.name, identity)
        for each in parcel.manifest.locked
    }
    given = Release(parcel.serial, "made-up", sha256, keys)
    keep_release(circle.research.home, given, given.signed(signer_of(circle.linkage.home)))
    return given


def test_a_parcel_that_is_locked_whole_is_refused_and_does_not_count_as_opened(circle: Circle) -> None:
    parcel = sealed(circle, ALL)
    with pytest.raises(ParcelRefusedError) as refused:
        open_parcel(circle.research, parcel.path)
    assert refused.value.reason is Reason.LOCKED
    assert refused.value.code == ExitCode.PARCEL
    assert LINKAGE in refused.value.what
    assert parcel.serial in refused.value.fix
    assert Register.read(circle.research.home).openings == {}
    assert refusals_in_log(circle.research) == ["locked"]
    assert vault_of(circle.research.home).list("parcel") == []


def test_a_parcel_opens_whole_once_it_was_released_and_no_second_time(circle: Circle) -> None:
    parcel = sealed(circle, ALL)
    given = release(circle, parcel)
    opened = open_parcel(circle.research, parcel.path)
    assert opened.rows == PAYLOAD.num_rows
    dataset = vault_of(circle.research.home).find("parcel", parcel.serial)
    assert vault_of(circle.research.home).read(dataset, "rows").equals(PAYLOAD)
    last = list(circle.research.log.entries())[-1].event
    assert last.details["protocol"] == "made-up"
    assert last.details["protocol_sha256"] == given.protocol_sha256
    with pytest.raises(UserError, match="opened here already"):
        open_parcel(circle.research, parcel.path)


def test_without_a_release_the_columns_that_are_not_locked_open(circle: Circle) -> None:
    parcel = sealed(circle, OPEN_KEY, OUTCOMES)
    with reading_parcel(circle.research, parcel.path) as rows:
        assert [each.name for each in rows.columns] == ["row_key"]
        assert [each.name for each in rows.locked] == ["exclusions"]
        assert rows.release is None
        assert pa.Table.from_batches(rows.batches()).equals(PAYLOAD.select(["row_key"]))


def test_a_parcel_that_was_opened_in_part_opens_again_once_it_is_released(circle: Circle) -> None:
    parcel = sealed(circle, OPEN_KEY, OUTCOMES)
    assert [each.name for each in open_parcel(circle.research, parcel.path).columns] == ["row_key"]
    assert Register.read(circle.research.home).openings[parcel.serial].in_part
    with pytest.raises(UserError, match="opened here already"):
        open_parcel(circle.research, parcel.path)
    release(circle, parcel)
    opened = open_parcel(circle.research, parcel.path)
    assert [each.name for each in opened.columns] == ["row_key", "exclusions"]
    vault = vault_of(circle.research.home)
    (dataset,) = vault.list("parcel")
    assert vault.read(dataset, "rows").equals(PAYLOAD)
    assert not Register.read(circle.research.home).openings[parcel.serial].in_part
    with pytest.raises(UserError, match="opened here already"):
        open_parcel(circle.research, parcel.path)


def test_a_protocol_that_was_changed_after_the_release_opens_nothing_until_it_is_put_back(
    circle: Circle,
) -> None:
    parcel = sealed(circle, ALL)
    release(circle, parcel)
    file = protocol_file(circle.research.home, "made-up")
    file.write_bytes(PROTOCOL + b"# only a comment\n")
    with pytest.raises(ParcelRefusedError, match="changed after it was sealed") as refused:
        open_parcel(circle.research, parcel.path)
    assert refused.value.reason is Reason.PROTOCOL
    file.unlink()
    with pytest.raises(ParcelRefusedError, match="gone from this home"):
        open_parcel(circle.research, parcel.path)
    file.write_bytes(PROTOCOL)
    assert open_parcel(circle.research, parcel.path).rows == 3


def test_an_inspection_says_that_a_parcel_is_locked_and_then_that_it_would_open(circle: Circle) -> None:
    parcel = sealed(circle, ALL)
    before = inspect_parcel(parcel.path, circle.research)
    assert "locked until" in before.why_not
    assert before.columns == ()
    release(circle, parcel)
    after = inspect_parcel(parcel.path, circle.research)
    assert after.why_not == ""
    assert [each.name for each in after.columns] == ["row_key", "exclusions"]


def test_a_parcel_without_locks_and_splits_is_of_version_1_to_the_letter(circle: Circle) -> None:
    text = sealed(circle).manifest.text()
    assert text.startswith(FIRST_LINE)
    assert "released_by" not in text
    assert "splits" not in text


def test_a_parcel_of_a_split_is_of_version_2_and_says_of_which_split(circle: Circle) -> None:
    split = "0123456789abcdef" * 2
    parcel = sealed(circle, splits=[split])
    assert parcel.manifest.text().startswith(FIRST_LINE_OF_STUDIES)
    assert read_parcel_file(parcel.path).manifest.splits == (split,)
    assert open_parcel(circle.research, parcel.path).rows == 3


@pytest.mark.parametrize("first", [FIRST_LINE, FIRST_LINE_OF_STUDIES])
def test_a_manifest_of_the_wrong_version_for_what_it_has_is_refused(circle: Circle, first: str) -> None:
    parcel = sealed(circle, *((ALL,) if first == FIRST_LINE else ()))
    text = parcel.manifest.text()
    changed = first + text.split("\n", 1)[1]
    assert changed != text
    with pytest.raises(ParcelRefusedError, match="version"):
        parse_manifest(changed, where="made up")


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ((ColumnGroup("outcomes", ALL.columns, (RESEARCH,), RESEARCH),), "the sender or a recipient"),
        ((ColumnGroup("outcomes", ALL.columns, (RESEARCH,), "council.exampleshire"),), "the sender"),
        ((ColumnGroup("outcomes", ALL.columns, (RESEARCH,), "publication.nobody"),), "knows no partner"),
    ],
    ids=["recipient", "sender", "nobody"],
)
def test_a_group_is_released_by_a_partner_who_holds_nothing_of_the_parcel(
    circle: Circle, groups: Sequence[ColumnGroup], words: str
) -> None:
    with pytest.raises(ParcelRefusedError, match=words):
        sealed(circle, *groups)
    assert not list(circle.council.home.outbox.glob("*"))


def test_a_parcel_has_one_home_that_releases_it(circle: Circle) -> None:
    # Neither partner is a recipient here, so the third home takes no part but as another who releases.
    first = ColumnGroup("first", ("row_key",), (RESEARCH,), LINKAGE)
    second = ColumnGroup("second", ("exclusions",), (RESEARCH,), "linkage.another")
    with pytest.raises(ParcelRefusedError, match="more than one home"):
        seal_parcel(
            circle.council,
            PAYLOAD.to_batches(),
            schema=PAYLOAD.schema,
            agreement="study-2026",
            to=TO_RESEARCH,
            groups=(first, second),
        )
