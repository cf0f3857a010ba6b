"""What a dataset of the vault says of itself: its manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from families_first.errors import ExitCode, UserError
from families_first.governance.keys import KeyContext, KeyProvider, WrappedKey, derived_key
from families_first.governance.sealed import damaged, seal, unseal
from families_first.governance.vault.index import Entry
from families_first.governance.vault.table_file import TableInfo

DatasetKind = Literal[
    "delivery",
    "people",
    "decisions",
    "families",
    "findings",
    "break-glass",
    "parcel",
    "objections",
    "spine",
    "linked",
    "extract",
    "outcomes",
    "results",
]
DATASET_KINDS: tuple[str, ...] = get_args(DatasetKind)
MANIFEST_FILE = "manifest"

_VERSION = 1
_MANIFEST_USE = "manifest"


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """A dataset of the vault.

    Attributes
    ----------
    kind, name
        What it is and its name, unique within the kind; a delivery's name is its delivery id.
    sequence
        The order of commits, across kinds: a later commit has a larger number.
    dataset_id
        32 hexadecimal digits, random; names its folder and is bound into its encryption.
    retention_class
        The class whose master wraps its key.
    committed_at
        When it was committed, UTC.
    tables
        Its tables by name.
    about
        What the writer said of it: JSON values, kept encrypted.
    """

    kind: str
    name: str
    sequence: int
    dataset_id: str
    retention_class: str
    committed_at: datetime
    tables: Mapping[str, TableInfo]
    about: Mapping[str, Any]

    def table(self, name: str) -> TableInfo:
        """Return what is known of one table.

        Raises
        ------
        UserError
            VAULT, when the dataset has no such table.
        """
        try:
            return self.tables[name]
        except KeyError:
            raise UserError(
                f"This dataset has no table '{name}'",
                where=f"{self.kind} {self.name}",
                fix=f"It has: {', '.join(sorted(self.tables)) or 'none'}.",
                code=ExitCode.VAULT,
            ) from None


def manifest_document(
    context: KeyContext,
    key: bytes,
    wrapped: WrappedKey,
    tables: Mapping[str, TableInfo],
    about: Mapping[str, Any],
) -> bytes:
    """Return a dataset's manifest: a readable line with its wrapped key, and all else encrypted.

    Raises
    ------
    TypeError, ValueError
        When ``about`` holds something that JSON cannot say.
    """
    body = {
        "committed_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "tables": {name: [info.rows, info.bytes, info.sha256] for name, info in tables.items()},
        "about": dict(about),
    }
    line = {
        "what": "families-first dataset",
        "version": _VERSION,
        "dataset": context.dataset_id,
        "retention_class": context.retention_class,
        "key": wrapped.as_json(),
    }
    return seal(
        line,
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode(),
        derived_key(key, _MANIFEST_USE),
    )


def read_manifest(document: bytes, entry: Entry, keys: KeyProvider) -> tuple[DatasetInfo, bytes]:
    """Return the dataset that an index entry names, and its key.

    Raises
    ------
    UserError
        VAULT, when the manifest is damaged, belongs to another dataset or class, or its key does not open.
    """
    _, body, dataset_key = _opened(document, entry, keys)
    said = json.loads(body)
    info = DatasetInfo(
        kind=entry.kind,
        name=entry.name,
        sequence=entry.sequence,
        dataset_id=entry.dataset_id,
        retention_class=entry.retention_class,
        committed_at=datetime.fromisoformat(said["committed_at"]),
        tables={name: TableInfo(*facts) for name, facts in said["tables"].items()},
        about=said["about"],
    )
    return info, dataset_key


def rewrapped_manifest(document: bytes, entry: Entry, keys: KeyProvider) -> bytes:
    """Return a manifest that says the same, its dataset's key wrapped by the newest master of its class.

    Raises
    ------
    UserError
        VAULT, as :func:`read_manifest`.
    """
    line, body, dataset_key = _opened(document, entry, keys)
    wrapped = keys.wrap(dataset_key, KeyContext(entry.dataset_id, entry.retention_class))
    return seal({**line, "key": wrapped.as_json()}, body, derived_key(dataset_key, _MANIFEST_USE))


def _opened(document: bytes, entry: Entry, keys: KeyProvider) -> tuple[dict[str, Any], bytes, bytes]:
    """Return the line and the body of a manifest, and the key of its dataset."""
    where = f"{entry.kind} {entry.name}"
    context = KeyContext(entry.dataset_id, entry.retention_class)
    dataset_key = b""

    def key_of(line: dict[str, Any]) -> bytes:
        nonlocal dataset_key
        if line["dataset"] != entry.dataset_id or line["retention_class"] != entry.retention_class:
            raise damaged(where)
        dataset_key = keys.unwrap(WrappedKey.from_json(line["key"]), context)
        return derived_key(dataset_key, _MANIFEST_USE)

    line, body = unseal(document, key_of, where=where)
    return line, body, dataset_key
