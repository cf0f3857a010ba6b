"""What a vault holds, said without reading a row: for destruction, backup and rotation."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from families_first.governance.home import Home
from families_first.governance.keys import KeyProvider, read_key_file
from families_first.governance.sealed import damaged
from families_first.governance.vault.dataset import MANIFEST_FILE, read_manifest
from families_first.governance.vault.index import (
    DATASETS,
    INDEX_KEY,
    INDEX_KEY_FILE,
    Entry,
    Index,
    read_index,
    write_index,
)


@dataclass(frozen=True, slots=True)
class Holding:
    """A dataset as it lies on the disk.

    ``master`` is the fingerprint of the master under which its key is wrapped; empty where its manifest is
    gone or cannot be read.
    """

    entry: Entry
    files: int
    bytes: int
    master: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Whence a dataset comes.

    Attributes
    ----------
    received
        The day on which it was committed.
    made_from
        The retention class and the day of receipt (ISO 8601) of each delivery that it was made from, as its
        ``about`` says under ``made_from``; empty for a delivery itself.
    """

    received: date
    made_from: tuple[tuple[str, ...], ...]


def index_of(home: Home) -> Index:
    """Return the index of a home's vault; an empty one where nothing was ever kept.

    Raises
    ------
    UserError
        VAULT, when it is damaged or its key is gone.
    """
    index = read_index(home.vault, lambda: read_key_file(home.keys / INDEX_KEY_FILE, belongs_to=INDEX_KEY))
    return index or Index()


def holdings_of(home: Home, retention_class: str = "") -> list[Holding]:
    """Return the datasets of a class (of all when empty), oldest first. Raises as :func:`index_of`."""
    return [
        _holding(home, entry)
        for entry in index_of(home).entries
        if not retention_class or entry.retention_class == retention_class
    ]


def origin_of(home: Home, entry: Entry, keys: KeyProvider) -> Origin:
    """Return when a dataset was received, and what it was made from.

    Raises
    ------
    UserError
        VAULT, when its manifest is damaged or gone, or its master is not here.
    """
    try:
        document = (folder_of(home, entry.dataset_id) / MANIFEST_FILE).read_bytes()
    except FileNotFoundError:
        raise damaged(f"{entry.kind} {entry.name}") from None
    info = read_manifest(document, entry, keys)[0]
    made_from = tuple(tuple(map(str, each)) for each in info.about.get("made_from", ()))
    return Origin(info.committed_at.date(), made_from)


def forget(home: Home, dataset_ids: Iterable[str]) -> None:
    """Take datasets out of the index, then delete their files; may be repeated. The home must be held.

    Raises as :func:`index_of`.
    """
    going = frozenset(dataset_ids)
    index = index_of(home)
    kept = index.without(going)
    if kept != index:
        write_index(home.vault, kept, read_key_file(home.keys / INDEX_KEY_FILE, belongs_to=INDEX_KEY))
    for each in going:
        shutil.rmtree(folder_of(home, each), ignore_errors=True)


def folder_of(home: Home, dataset_id: str) -> Path:
    """Return the folder of a dataset."""
    return home.vault / DATASETS / dataset_id


def master_of(document: bytes) -> str:
    """Return the fingerprint of the master that a sealed document names; empty when it names none."""
    try:
        return str(json.loads(document.partition(b"\n")[0])["key"]["master"])
    except (ValueError, KeyError, TypeError):
        return ""


def _holding(home: Home, entry: Entry) -> Holding:
    files = [each for each in folder_of(home, entry.dataset_id).glob("*") if each.is_file()]
    manifest = folder_of(home, entry.dataset_id) / MANIFEST_FILE
    master = master_of(manifest.read_bytes()) if manifest.is_file() else ""
    return Holding(entry, len(files), sum(each.stat().st_size for each in files), master)
