"""Attempts to put together again what a split has parted, by owners, linker and researchers."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyrage
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.home import Home
from families_first.governance.parcels import (
    Addressee,
    ParcelRefusedError,
    Reason,
    SealedParcel,
    open_parcel,
    seal_parcel,
)
from families_first.governance.parcels.column_keys import opened_key
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.opening import TABLE
from families_first.governance.study import Split
from made_up_desk import vault_of
from made_up_study import LINKING, Study, agreement_text, study_at, study_in, write_agreement, write_sources


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("split") / "study"
    write_sources(study_in(root, owners=("council", "education")), families=5, others=3)
    return root


@pytest.fixture
def study(pattern: Path, tmp_path: Path) -> Study:
    shutil.copytree(pattern, tmp_path / "study")
    return study_at(tmp_path / "study")


def age_keys_of(home: Home) -> list[pyrage.x25519.Identity]:
    """Return every age key in a home's files, whatever the file is called."""
    found = []
    for path in home.root.rglob("*"):
        if path.is_file():
            for line in path.read_bytes().splitlines():
                if line.startswith(b"AGE-SECRET-KEY-1"):
                    found.append(pyrage.x25519.Identity.from_str(line.decode().strip()))
    return found


def opens_a_group(home: Home, parcel: SealedParcel) -> bool:
    keys = age_keys_of(home)
    assert keys
    return any(
        opened_key(group.key, parcel.serial, group.name, key) is not None
        for group in parcel.manifest.groups
        for key in keys
    )


def payload_of(split: Split) -> list[SealedParcel]:
    return [parcel for parcel in split.parcels if parcel is not split.identifiers]


def test_each_home_opens_its_own_part_and_no_key_in_it_opens_the_other(study: Study) -> None:
    for split in study.split_all().values():
        assert opens_a_group(study.linkage, split.identifiers)
        for payload in payload_of(split):
            assert not opens_a_group(study.linkage, payload)
            with pytest.raises(ParcelRefusedError) as refused:
                open_parcel(study.desk("linkage"), payload.path)
            assert refused.value.reason is Reason.RECIPIENT
        assert not opens_a_group(study.research, split.identifiers)
        with pytest.raises(ParcelRefusedError) as refused:
            open_parcel(study.desk("research"), split.identifiers.path)
        assert refused.value.reason is Reason.RECIPIENT


def test_an_owner_cannot_open_what_it_sent_and_keeps_no_row_key(study: Study) -> None:
    for owner, split in study.split_all().items():
        home = study.owners[owner]
        assert not any(opens_a_group(home, parcel) for parcel in split.parcels)
        open_parcel(study.desk("linkage"), split.identifiers.path)
        vault = vault_of(study.linkage)
        rows = vault.read(vault.find("parcel", split.identifiers.serial), TABLE)
        keys = rows["row_key"].to_pylist()
        assert len(keys) > 5
        for path in home.root.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not [key for key in keys if key.encode() in content or bytes.fromhex(key) in content]


def test_row_keys_of_one_owner_are_not_those_of_another(study: Study) -> None:
    found = []
    for split in study.split_all().values():
        open_parcel(study.desk("linkage"), split.identifiers.path)
        vault = vault_of(study.linkage)
        found.append(
            set(vault.read(vault.find("parcel", split.identifiers.serial), TABLE)["row_key"].to_pylist())
        )
    assert found[0].isdisjoint(found[1])


@pytest.mark.parametrize("recipient", ["council", "education"])
@pytest.mark.parametrize("sender", ["linkage", "research", "publication"])
@pytest.mark.parametrize(
    "contents", [Contents.SPINE, Contents.PAYLOAD, Contents.IDENTIFIERS, Contents.RELEASE]
)
def test_no_zone_of_the_study_sends_anything_back_to_an_owner_or_the_council(
    study: Study, sender: str, recipient: str, contents: Contents
) -> None:
    home = study.homes[sender]
    organisation = study.homes[recipient].organisation
    # An agreement that would allow it, if agreements could.
    parties = {home.organisation: "controller", organisation: "controller"}
    text = agreement_text("back-2026", parties, {"back": (contents, organisation, ["person"])})
    write_agreement(home, "back-2026", text)
    table = pa.table({"person": ["a" * 32]})
    with pytest.raises(UserError) as refused:
        seal_parcel(
            study.desk(sender),
            table.to_batches(),
            schema=table.schema,
            agreement="back-2026",
            to=[Addressee(study.homes[recipient].name, contents, "back")],
        )
    assert refused.value.code == ExitCode.REFUSED
    assert not list(home.outbox.glob("*.parcel"))


def test_an_owner_opens_no_parcel_even_one_that_was_sealed_for_it(study: Study) -> None:
    # Its own parcel, with its own name put in the place of the recipient, is not signed any more; and the
    # policy has no opening in the zone at all.
    split = study.split("education")
    with pytest.raises(UserError):
        open_parcel(study.desk("education"), split.identifiers.path)
    from families_first.governance.parcels.opening import OPENING
    from families_first.governance.parcels.routes import parcel_resource, route_is_open

    for sender in ("council", "linkage", "research", "publication", "owner"):
        for contents in Contents:
            resource = parcel_resource(
                split.identifiers.serial,
                sender_zone=sender,
                recipient_zone="owner",
                recipient_kind="school",
                contents=contents,
            )
            assert not route_is_open(study.desk("education"), OPENING, resource)


def test_the_linker_cannot_send_identifiers_on_to_the_researchers(study: Study) -> None:
    split = study.split("education")
    open_parcel(study.desk("linkage"), split.identifiers.path)
    table = pa.table({"row_key": ["a" * 32], "person": ["b" * 32]})
    for contents, file in ((Contents.IDENTIFIERS, "identifiers"), (Contents.PAYLOAD, "episode")):
        with pytest.raises(UserError) as refused:
            seal_parcel(
                study.desk("linkage"),
                table.to_batches(),
                schema=table.schema,
                agreement=LINKING,
                to=[Addressee(study.research.name, contents, file)],
            )
        assert refused.value.code in (ExitCode.REFUSED, ExitCode.AGREEMENT)
    assert not list(study.linkage.outbox.glob("*.parcel"))
    assert read_parcel_file(split.identifiers.path).manifest.recipient(study.research.name) is None


@pytest.mark.parametrize(
    "hidden",
    [
        "QQ200001A",
        "  qq 20 00 01 a ",
        "said by QQ200001A, see file",
        "A999000000001",
        "999 000 0018",
        "2020/0000001Z",
        "zz1 1qq",
        "somebody@example.org",
    ],
)
def test_identifiers_that_hide_in_a_column_of_payload_are_not_sent(study: Study, hidden: str) -> None:
    path = study.sources("education") / "episode.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    first = lines[1].split(",")
    lines[1] = ",".join([*first[:-1], f'"{hidden}"'])
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    with pytest.raises(UserError, match="tells who they are too: detail in row 1 ") as refusal:
        study.split("education")
    assert refusal.value.code == ExitCode.BAD_FILE
    assert hidden.strip() not in str(refusal.value)
    assert list(study.owners["education"].outbox.glob("*.parcel")) == []


def test_an_owners_reference_that_hides_in_a_column_of_payload_is_not_sent(study: Study) -> None:
    path = study.sources("education") / "episode.csv"
    heading, *lines = path.read_text(encoding="utf-8").splitlines()
    again = [",".join([*line.split(",")[:-1], line.split(",")[0]]) for line in lines]
    path.write_text("\n".join([heading, *again, ""]), encoding="utf-8")
    with pytest.raises(UserError, match="detail, which repeats the reference"):
        study.split("education")
