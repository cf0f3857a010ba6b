"""A holder of one column group cannot read another, with any program: tried with the raw libraries."""

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pyrage
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.governance.identity import receiver_of
from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.column_keys import decrypting, opened_key
from families_first.governance.parcels.container import ParcelFile, read_parcel_file
from families_first.governance.vault import Vault
from made_up_desk import vault_of
from made_up_parcels import ROWS, Circle, circle_in

MARKERS = (b"Zyxmarkersurname", b"QQ999123C")


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Circle:
    return circle_in(tmp_path_factory.mktemp("groups"))


@pytest.fixture(scope="module")
def parcel(circle: Circle) -> ParcelFile:
    return read_parcel_file(circle.send().path)


def keys_that_open(parcel: ParcelFile, identity: pyrage.x25519.Identity) -> dict[str, bytes]:
    """Return every key of a parcel that an identity opens, whatever the manifest says of who may."""
    serial = parcel.manifest.serial
    sealed = {"_footer": parcel.manifest.footer_key} | {
        each.name: each.key for each in parcel.manifest.groups
    }
    opened = {group: opened_key(key, serial, group, identity) for group, key in sealed.items()}
    return {group: key for group, key in opened.items() if key is not None}


def test_each_home_opens_its_own_keys_and_a_stranger_none(circle: Circle, parcel: ParcelFile) -> None:
    assert set(keys_that_open(parcel, receiver_of(circle.linkage.home))) == {
        "_footer",
        "row-key",
        "identifiers",
    }
    assert set(keys_that_open(parcel, receiver_of(circle.research.home))) == {"_footer", "row-key", "payload"}
    assert keys_that_open(parcel, pyrage.x25519.Identity.generate()) == {}
    assert keys_that_open(parcel, receiver_of(circle.council.home)) == {}, "not even the sender keeps one"


@pytest.mark.parametrize(
    ("holder", "readable", "shut"),
    [("linkage", ["c0", "c1", "c2"], ["c3"]), ("research", ["c0", "c3"], ["c1", "c2"])],
)
def test_a_holder_reads_the_columns_of_its_groups_and_no_other(
    circle: Circle, parcel: ParcelFile, holder: str, readable: list[str], shut: list[str]
) -> None:
    keys = keys_that_open(parcel, receiver_of(getattr(circle, holder).home))

    def opened() -> pq.ParquetFile:
        return pq.ParquetFile(
            pa.BufferReader(parcel.body), decryption_properties=decrypting(parcel.manifest.serial, keys)
        )

    names = {f"c{number}": name for number, name in enumerate(ROWS.schema.names)}
    got = opened().read(columns=readable)
    assert got.rename_columns([names[each] for each in readable]).equals(
        ROWS.select([names[each] for each in readable])
    )
    for column in shut:
        with pytest.raises(PermissionError):
            opened().read(columns=[column])


class OneKeyForAll(pe.KmsClient):
    """Answers every request for a key with the one it has, as a holder who wants more might."""

    def __init__(self, serial: str, footer: bytes, key: bytes) -> None:
        super().__init__()
        self.serial, self.footer, self.key = serial, footer, key

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        raw = base64.b64decode(wrapped_key)
        key = self.footer if master_key_identifier == "_footer" else self.key
        bound = f"families-first parcel\n{self.serial}\n{master_key_identifier}".encode()
        return AESGCM(key).decrypt(raw[:12], raw[12:], bound)


def test_the_key_of_one_group_given_for_another_opens_nothing(circle: Circle, parcel: ParcelFile) -> None:
    keys = keys_that_open(parcel, receiver_of(circle.research.home))
    footer = keys.pop("_footer")
    own_column = {"row-key": "c0", "payload": "c3"}

    def reads(key: bytes, column: str) -> bool:
        factory = pe.CryptoFactory(lambda _: OneKeyForAll(parcel.manifest.serial, footer, key))
        properties = factory.file_decryption_properties(pe.KmsConnectionConfig())
        file = pq.ParquetFile(pa.BufferReader(parcel.body), decryption_properties=properties)
        try:
            return file.read(columns=[column]).num_rows == ROWS.num_rows
        except (InvalidTag, OSError):
            return False

    for group, key in keys.items():
        opened = [column for column in ("c0", "c1", "c2", "c3") if reads(key, column)]
        assert opened == [own_column[group]]


def test_the_body_does_not_open_without_a_key_and_tells_no_column_name(parcel: ParcelFile) -> None:
    with pytest.raises(OSError, match=r"decrypt|encrypted"):
        pq.ParquetFile(pa.BufferReader(parcel.body))
    body = parcel.body.to_pybytes()
    assert [name for name in ROWS.schema.names if name.encode() in body] == []


def test_no_value_stands_in_plain_text_in_the_parcel_or_anywhere_in_the_homes(
    circle: Circle, parcel: ParcelFile
) -> None:
    open_parcel(circle.linkage, parcel.path)
    told = [
        path.name
        for path in circle.council.home.root.parent.rglob("*")
        if path.is_file() and any(marker in path.read_bytes() for marker in MARKERS)
    ]
    assert told == []
    vault: Vault = vault_of(circle.linkage.home)
    [kept] = vault.list("parcel")
    assert vault.read(kept, "rows")["surname"][0].as_py().encode() == MARKERS[0]


def test_two_parcels_opened_by_one_process_use_no_key_of_each_other(circle: Circle) -> None:
    """Arrow can keep keys beyond a file; a group of the same name must have another key each time."""
    one, two = (read_parcel_file(circle.send().path) for _ in range(2))
    identity = receiver_of(circle.linkage.home)
    keys = keys_that_open(one, identity)
    pq.ParquetFile(
        pa.BufferReader(one.body), decryption_properties=decrypting(one.manifest.serial, keys)
    ).read(columns=["c1"])
    assert keys["identifiers"] != keys_that_open(two, identity)["identifiers"]
    with pytest.raises(PermissionError):
        pq.ParquetFile(
            pa.BufferReader(two.body), decryption_properties=decrypting(two.manifest.serial, keys)
        ).read(columns=["c1"])


def test_the_file_is_named_by_its_serial_alone(circle: Circle, tmp_path: Path) -> None:
    sealed = circle.send()
    assert sealed.path.name == f"{sealed.serial}.parcel"
    assert sealed.path.stat().st_mode & 0o077 == 0
