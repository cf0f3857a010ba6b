"""A dataset that is being written, and does not exist yet."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import flush_folder, write_durably
from families_first.governance.keys import KeyContext, KeyProvider, new_key
from families_first.governance.vault.dataset import DATASET_KINDS, MANIFEST_FILE, manifest_document
from families_first.governance.vault.table_file import TableInfo, TableWriter

_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_DATASET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Draft:
    """A dataset that is being written: :meth:`write` rows, fill ``about``.

    Attributes
    ----------
    about
        What is to be said of the dataset: JSON values; may be changed until the draft is finished.
    """

    def __init__(self, folder: Path, dataset_id: str, retention_class: str, keys: KeyProvider) -> None:
        self.about: dict[str, Any] = {}
        self._folder = folder
        self._context = KeyContext(dataset_id, retention_class)
        self._keys = keys
        self._key = new_key()
        self._writers: dict[str, TableWriter] = {}

    def write(self, table: str, rows: pa.Table | pa.RecordBatch | pa.RecordBatchReader) -> None:
        """Add rows to a table, which begins with the first rows (or the empty piece) written to it."""
        if not _TABLE_NAME.fullmatch(table):
            raise _refused_name("table")
        writer = self._writers.get(table)
        if writer is None:
            writer = TableWriter(self._folder, self._context.dataset_id, table, self._key, rows.schema)
            self._writers[table] = writer
        pieces = rows if isinstance(rows, pa.RecordBatchReader) else (rows,)
        for piece in pieces:
            writer.write(piece)

    def finish(self) -> None:
        """Complete every file and flush it to the disk; the caller then makes the dataset exist."""
        tables: Mapping[str, TableInfo] = {name: writer.close() for name, writer in self._writers.items()}
        wrapped = self._keys.wrap(self._key, self._context)
        document = manifest_document(self._context, self._key, wrapped, tables, self.about)
        write_durably(self._folder / MANIFEST_FILE, document)
        flush_folder(self._folder)

    def close(self) -> None:
        """Let go of every file, finished or not."""
        for writer in self._writers.values():
            writer.release()


def check_words(kind: str, name: str) -> None:
    """Refuse a kind that does not exist or a name that would not be safe as a word."""
    if kind not in DATASET_KINDS:
        raise _refused_name("kind")
    if not _DATASET_NAME.fullmatch(name):
        raise _refused_name("name")


def _refused_name(what: str) -> UserError:
    return UserError(
        f"This is not a {what} that a dataset can have",
        fix=f"Kinds are: {', '.join(DATASET_KINDS)}. Names are letters, digits, dots and hyphens.",
        code=ExitCode.VAULT,
    )
