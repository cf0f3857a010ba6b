"""The linker tries to read payload with everything that it holds: keys, programs, parcels. It cannot."""

import base64
import itertools
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pyrage
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.identity import receiver_of
from families_first.governance.parcels import Addressee, Contents, open_parcel, seal_parcel
from families_first.governance.parcels.column_keys import FOOTER, opened_key
from families_first.governance.parcels.container import ParcelFile, read_parcel_file
from families_first.governance.study import Split
from made_up_parcels import refusals_in_log, resealed
from made_up_study import Study, study_in, write_sources

SEALED_KEY = re.compile(r"[A-Za-z0-9+/=]{40,}")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = study_in(tmp_path_factory.mktemp("payload") / "study", owners=("council", "education"))
    write_sources(study, families=6, others=4)
    return study


@pytest.fixture(scope="module")
def splits(study: Study) -> dict[str, Split]:
    return study.split_all()


@pytest.fixture(scope="module")
def payload(splits: dict[str, Split]) -> list[Path]:
    """Every payload parcel, open and locked."""
    found = [parcel.path for split in splits.values() for parcel in split.parcels[1:]]
    assert len(found) == 5
    return found


def secrets_of(home: Home, study: Study) -> list[bytes]:
    """Return every run of 32 bytes that a home's files could hold a key in, plain or in base64 or as hex."""
    desk = study.desk("linkage")
    found: set[bytes] = set()
    for path in home.root.rglob("*"):
        if not path.is_file() or path.suffix == ".parcel":
            continue
        content = path.read_bytes()
        if path.is_relative_to(home.keys):
            found.update(content[at : at + 32] for at in range(len(content) - 31))
        for run in SEALED_KEY.findall(content.decode("latin-1")):
            for decode in (base64.b64decode, bytes.fromhex):
                try:
                    raw = decode(run)
                except ValueError:
                    continue
                found.update(raw[at : at + 32] for at in (0, 1, 4, 8, 12) if len(raw) >= at + 32)
    assert desk.home == home
    return sorted(found)


class ThisKey(pe.KmsClient):
    """Answers every request for a column's key by opening it with a key, or with what lies in the file."""

    def __init__(self, serial: str, keys: Mapping[str, bytes]) -> None:
        super().__init__()
        self.serial, self.keys = serial, keys

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        raw = base64.b64decode(wrapped_key)
        bound = f"families-first parcel\n{self.serial}\n{master_key_identifier}".encode()
        try:
            return AESGCM(self.keys[master_key_identifier]).decrypt(raw[:12], raw[12:], bound)
        except InvalidTag:
            return raw[:32]  # perhaps it was not wrapped at all


def test_the_policy_and_the_manifest_refuse_payload_at_the_linkers(study: Study, payload: list[Path]) -> None:
    for path in payload:
        with pytest.raises(UserError) as refused:
            open_parcel(study.desk("linkage"), path)
        assert refused.value.code is ExitCode.PARCEL
    assert refusals_in_log(study.desk("linkage"))[-len(payload) :] == ["recipient"] * len(payload)


def test_no_key_of_the_manifest_opens_with_the_linkers_receiving_key(
    study: Study, payload: list[Path]
) -> None:
    mine = receiver_of(study.linkage)
    for path in payload:
        manifest = read_parcel_file(path).manifest
        keys = {FOOTER: manifest.footer_key} | {each.name: each.key for each in manifest.groups}
        for group, sealed in keys.items():
            assert opened_key(sealed, manifest.serial, group, mine) is None
            raw = base64.b64decode(sealed)
            with pytest.raises(pyrage.DecryptError):
                pyrage.decrypt(raw, [mine])


def test_the_linker_and_the_publisher_together_do_not_open_locked_payload(
    study: Study, payload: list[Path]
) -> None:
    locked = [path for path in payload if read_parcel_file(path).manifest.locked]
    assert len(locked) == 2
    for path in locked:
        for group in read_parcel_file(path).manifest.locked:
            inner = pyrage.decrypt(base64.b64decode(group.key), [receiver_of(study.publication)])
            for identity in (receiver_of(study.linkage), receiver_of(study.publication)):
                for attempt in (inner, inner[: len(inner) // 2], _unwrapped(inner)):
                    with pytest.raises(pyrage.DecryptError):
                        pyrage.decrypt(attempt, [identity])


def _unwrapped(inner: bytes) -> bytes:
    """Return the age file within what the publisher's layer held, wherever in it that begins."""
    at = inner.find(b"age-encryption.org")
    if at >= 0:
        return inner[at:]
    run = SEALED_KEY.search(inner.decode("latin-1"))
    return base64.b64decode(run[0]) if run else inner


def test_no_run_of_bytes_in_the_linkers_home_opens_a_body(
    study: Study, splits: dict[str, Split], payload: list[Path]
) -> None:
    keys = secrets_of(study.linkage, study)
    assert len(keys) > 50
    for path in payload:
        parcel = read_parcel_file(path)
        for key in keys:
            with pytest.raises((OSError, PermissionError, pa.ArrowException)):
                _read(parcel, defaultdict(lambda key=key: key))
    # The very program reads a body once it has the right keys, so that the failures above mean something.
    mine = read_parcel_file(splits["education"].identifiers.path)
    manifest = mine.manifest
    sealed = {FOOTER: manifest.footer_key} | {each.name: each.key for each in manifest.groups}
    right = {
        group: opened_key(key, manifest.serial, group, receiver_of(study.linkage)) or b""
        for group, key in sealed.items()
    }
    assert _read(mine, right).num_rows == splits["education"].people


def _read(parcel: ParcelFile, keys: Mapping[str, bytes]) -> pa.Table:
    factory = pe.CryptoFactory(lambda _: ThisKey(parcel.manifest.serial, keys))
    properties = factory.file_decryption_properties(pe.KmsConnectionConfig())
    return pq.ParquetFile(pa.BufferReader(parcel.body), decryption_properties=properties).read()


def test_a_manifest_that_names_the_linker_is_not_the_owners(
    study: Study, payload: list[Path], tmp_path: Path
) -> None:
    def for_the_linker(manifest: object) -> object:
        mine = manifest.recipients[0].model_copy(
            update={"name": study.linkage.name, "organisation": study.linkage.organisation}
        )
        groups = tuple(
            each.model_copy(update={"recipients": (study.linkage.name,)}) for each in manifest.groups
        )
        return manifest.model_copy(update={"recipients": (mine,), "groups": groups})

    for number, path in enumerate(payload):
        forged = resealed(path, tmp_path / f"{number}.parcel", by=study.linkage, change=for_the_linker)
        with pytest.raises(UserError) as refused:
            open_parcel(study.desk("linkage"), forged)
        assert refused.value.code is ExitCode.PARCEL


@pytest.mark.parametrize("contents", [Contents.PAYLOAD, Contents.RECORDS, Contents.OUTPUTS])
def test_an_owner_that_would_send_the_linker_more_is_refused(study: Study, contents: Contents) -> None:
    rows = pa.table({"row_key": ["1"], "kind": ["exclusion"]})
    with pytest.raises(UserError) as refused:
        seal_parcel(
            study.desk("education"),
            rows.to_batches(),
            schema=rows.schema,
            agreement="study-education-2026",
            to=[Addressee(study.linkage.name, contents, "episode")],
        )
    assert refused.value.code in (ExitCode.REFUSED, ExitCode.AGREEMENT)


def test_what_the_linker_holds_after_linking_has_no_column_of_payload(
    study: Study, splits: dict[str, Split]
) -> None:
    payload = [parcel for split in splits.values() for parcel in split.parcels[1:]]
    sections = {column.name for parcel in payload for column in parcel.manifest.columns}
    identifiers = {column.name for split in splits.values() for column in split.identifiers.manifest.columns}
    assert identifiers & sections == {"row_key", "sex"}
    text = json.dumps([split.identifiers.manifest.model_dump(mode="json") for split in splits.values()])
    for column in sections - {"row_key", "sex"}:
        assert f'"{column}"' not in text


def test_no_copy_of_a_payload_parcel_under_another_name_opens(
    study: Study, payload: list[Path], tmp_path: Path
) -> None:
    for path, name in itertools.product(payload[:1], ("identifiers.parcel", "spine.parcel")):
        copied = Path(shutil.copy(path, tmp_path / name))
        with pytest.raises(UserError):
            open_parcel(study.desk("linkage"), copied)
