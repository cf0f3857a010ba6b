"""The index of a vault: which datasets exist. Replacing it is the one step that makes a change happen.

A dataset's folder is complete and flushed before the index names it, and is deleted only after the index has
forgotten it. Whatever kills the machine in between, the vault is as before the change or as after it.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from families_first.governance.durable import write_durably
from families_first.governance.keys import KEY_SUFFIX
from families_first.governance.sealed import damaged, seal, unseal

INDEX_FILE = "index"
INDEX_KEY = "vault index"
INDEX_KEY_FILE = f"_vault-index{KEY_SUFFIX}"  # no retention class can be called so
DATASETS = "datasets"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset as the index names it; ``sequence`` grows with each commit and is never used twice."""

    sequence: int
    dataset_id: str
    kind: str
    name: str
    retention_class: str


@dataclass(frozen=True, slots=True)
class Index:
    """All datasets of a vault, in the order of their commits."""

    entries: tuple[Entry, ...] = ()
    next_sequence: int = 1
    classes_used: frozenset[str] = frozenset()

    def added(self, dataset_id: str, kind: str, name: str, retention_class: str) -> Self:
        """Return the index with one more dataset, which takes the next sequence number."""
        entry = Entry(self.next_sequence, dataset_id, kind, name, retention_class)
        return type(self)(
            (*self.entries, entry), self.next_sequence + 1, self.classes_used | {retention_class}
        )

    def without(self, dataset_ids: Container[str]) -> Self:
        """Return the index without these datasets; their numbers and classes stay used."""
        kept = tuple(entry for entry in self.entries if entry.dataset_id not in dataset_ids)
        return type(self)(kept, self.next_sequence, self.classes_used)


def read_index(folder: Path, key: Callable[[], bytes]) -> Index | None:
    """Return the index in ``folder``, or None when there is none.

    Raises
    ------
    UserError
        VAULT, when the index is damaged or was sealed with another key.
    """
    try:
        document = (folder / INDEX_FILE).read_bytes()
    except FileNotFoundError:
        return None
    line, _ = unseal(document, lambda _: key(), where=INDEX_FILE)
    try:
        return _from_line(line)
    except (KeyError, TypeError, ValueError) as fault:
        raise damaged(INDEX_FILE) from fault


def write_index(folder: Path, index: Index, key: bytes) -> None:
    """Replace the index in one step."""
    line = {
        "what": "families-first vault index",
        "version": _VERSION,
        "next_sequence": index.next_sequence,
        "classes_used": sorted(index.classes_used),
        "datasets": [
            [entry.sequence, entry.dataset_id, entry.kind, entry.name, entry.retention_class]
            for entry in index.entries
        ],
    }
    write_durably(folder / INDEX_FILE, seal(line, b"", key))


def _from_line(line: dict[str, Any]) -> Index:
    if line["version"] != _VERSION:
        raise ValueError("another version")
    return Index(
        tuple(Entry(int(number), *map(str, rest)) for number, *rest in line["datasets"]),
        int(line["next_sequence"]),
        frozenset(map(str, line["classes_used"])),
    )
