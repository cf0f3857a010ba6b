"""The vault of a home: datasets of encrypted tables, each there whole or not at all.

::

    vault/
      index                     which datasets exist; replacing it is the commit
      datasets/<dataset id>/    manifest, and one encrypted Parquet file a table

Whatever the index does not name is a left-over of something cut short, and is swept away when the vault is
next opened or written.
"""

import contextlib
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import PART_SUFFIX, disk_refusals, flush_folder, make_private_folder
from families_first.governance.home import Home
from families_first.governance.keys import (
    KEY_SUFFIX,
    KeyFiles,
    KeyProvider,
    make_key_file,
    read_key_file,
)
from families_first.governance.vault.dataset import (
    MANIFEST_FILE,
    DatasetInfo,
    DatasetKind,
    read_manifest,
)
from families_first.governance.vault.draft import Draft, check_words
from families_first.governance.vault.index import INDEX_FILE, Entry, Index, read_index, write_index
from families_first.governance.vault.sealed import damaged
from families_first.governance.vault.table_file import TABLE_SUFFIX, TableInfo, open_table

Datasets = list[DatasetInfo]
Names = list[str]

_DATASETS = "datasets"
_INDEX_KEY = "vault index"
_INDEX_KEY_FILE = f"_vault-index{KEY_SUFFIX}"  # no retention class can be called so

# Datasets that this process is writing: a sweep from within must leave them alone.
_BEING_WRITTEN: set[str] = set()


class Vault:
    """The datasets of one home.

    Parameters
    ----------
    home
        The home whose vault this is.
    keys
        Who holds the masters; the key files of the home unless another provider is given.
    """

    def __init__(self, home: Home, keys: KeyProvider | None = None) -> None:
        self._home = home
        self._keys: KeyProvider = keys or KeyFiles(home.keys)
        self._folder = home.vault
        with contextlib.suppress(UserError), home.locked(wait_seconds=0):
            self._sweep()

    def commit(
        self,
        kind: DatasetKind,
        name: str,
        tables: Mapping[str, pa.Table | pa.RecordBatchReader],
        *,
        retention_class: str,
        about: Mapping[str, Any],
        replaces: Iterable[DatasetInfo] = (),
    ) -> DatasetInfo:
        """Keep tables as a new dataset; afterwards it is there whole, or the vault is as it was.

        ``tables`` may be streams; each is read to its end in turn. ``replaces`` are datasets that cease to
        exist in the same step.

        Raises
        ------
        UserError
            VAULT, when a dataset of this kind and name exists; HOME, when the home has no such retention
            class; RESOURCE, when the disk is full or another command is writing.
        """
        with self.draft(kind, name, retention_class=retention_class, replaces=replaces) as draft:
            for table, rows in tables.items():
                draft.write(table, rows)
            draft.about.update(about)
        return self._named(kind, name)

    @contextlib.contextmanager
    def draft(
        self,
        kind: DatasetKind,
        name: str,
        *,
        retention_class: str,
        replaces: Iterable[DatasetInfo] = (),
    ) -> Iterator[Draft]:
        """Write a dataset piece by piece; it comes to exist when the block ends without an error.

        For streams that fill several tables at once, and facts (``draft.about``) known only at the end. The
        home is held for writing throughout. Raises as :meth:`commit`.
        """
        check_words(kind, name)
        self._home.retention_class(retention_class)
        with self._home.locked():
            going = frozenset(each.dataset_id for each in replaces)
            self._prepare(_without(self._sweep(), going, kind, name), retention_class)
            dataset_id = secrets.token_hex(16)
            folder = self._folder_of(dataset_id)
            _BEING_WRITTEN.add(dataset_id)
            draft = Draft(folder, dataset_id, retention_class, self._keys)
            try:
                with disk_refusals(f"{kind} {name}"):
                    make_private_folder(folder.parent)
                    make_private_folder(folder)
                    yield draft
                    draft.finish()
                    flush_folder(folder.parent)
                # Read again: the block may itself have committed other datasets.
                kept = _without(self._index(), going, kind, name)
                added = kept.added(dataset_id, kind, name, retention_class)
                write_index(self._folder, added, self._index_key())
            finally:
                _BEING_WRITTEN.discard(dataset_id)
                draft.close()
                self._sweep()

    def list(self, kind: DatasetKind) -> Datasets:
        """Return the datasets of a kind, oldest commit first.

        Raises
        ------
        UserError
            VAULT, when the index or a manifest is damaged or its key is not here.
        """
        return [self._manifest(entry)[0] for entry in self._index().entries if entry.kind == kind]

    def latest(self, kind: DatasetKind) -> DatasetInfo | None:
        """Return the last committed dataset of a kind, or None."""
        entries = [entry for entry in self._index().entries if entry.kind == kind]
        return self._manifest(entries[-1])[0] if entries else None

    def find(self, kind: DatasetKind, name: str) -> DatasetInfo | None:
        """Return the dataset of this kind and name, or None."""
        for entry in self._index().entries:
            if entry.kind == kind and entry.name == name:
                return self._manifest(entry)[0]
        return None

    def read(self, dataset: DatasetInfo, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a table of a dataset, or some of its columns.

        Raises
        ------
        UserError
            VAULT, when the dataset or table is not there, or its file is not the file that was written.
        """
        with self._opened(dataset, table) as file:
            return file.read(columns=None if columns is None else list(columns))

    def batches(
        self, dataset: DatasetInfo, table: str, columns: Sequence[str] | None = None, *, rows: int = 131_072
    ) -> Iterator[pa.RecordBatch]:
        """Yield a table of a dataset in pieces of at most ``rows`` rows. Raises as :meth:`read`."""
        with self._opened(dataset, table) as file:
            yield from file.iter_batches(batch_size=rows, columns=None if columns is None else list(columns))

    def remove(self, *datasets: DatasetInfo) -> None:
        """Remove datasets, all in one step; those that are gone already are passed over.

        The files and the wrapped keys beside them are deleted. Copies in backups stay readable until the
        master of the class is destroyed.
        """
        self._forget(frozenset(each.dataset_id for each in datasets))

    def remove_named(self, kind: DatasetKind, *names: str) -> None:
        """Remove datasets by name, as :meth:`remove` does; also those too damaged to be listed."""
        with self._home.locked():
            entries = [entry for entry in self._index().entries if entry.kind == kind]
            self._forget(frozenset(entry.dataset_id for entry in entries if entry.name in names))

    def names(self, kind: DatasetKind) -> Names:
        """Return the names of the datasets of a kind, oldest commit first, without opening any."""
        return [entry.name for entry in self._index().entries if entry.kind == kind]

    def check(self) -> None:
        """Read every file of every dataset and check it against what was written.

        Raises
        ------
        UserError
            VAULT, at the first file that is damaged, missing or of which the key is not here.
        """
        for entry in self._index().entries:
            dataset = self._manifest(entry)[0]
            for table in dataset.tables:
                with self._opened(dataset, table) as file:
                    for _ in file.iter_batches():
                        pass

    def _forget(self, dataset_ids: frozenset[str]) -> None:
        with self._home.locked():
            index = self._sweep()
            kept = index.without(dataset_ids)
            if kept != index:
                write_index(self._folder, kept, self._index_key())
                self._sweep()

    @contextlib.contextmanager
    def _opened(self, dataset: DatasetInfo, table: str) -> Iterator[pq.ParquetFile]:
        entry = next((e for e in self._index().entries if e.dataset_id == dataset.dataset_id), None)
        if entry is None:
            raise UserError(
                "This dataset is no longer in the vault",
                where=f"{dataset.kind} {dataset.name}",
                fix="Run the command again, so that it sees what is kept now.",
                code=ExitCode.VAULT,
            )
        kept, key = self._manifest(entry)
        info: TableInfo = kept.table(table)
        path = self._folder_of(entry.dataset_id) / f"{table}{TABLE_SUFFIX}"
        file = open_table(path, entry.dataset_id, key, info, where=f"{kept.kind} {kept.name}, table {table}")
        try:
            yield file
        except OSError as fault:
            raise damaged(f"{kept.kind} {kept.name}, table {table}") from fault
        finally:
            file.close()

    def _manifest(self, entry: Entry) -> tuple[DatasetInfo, bytes]:
        try:
            document = (self._folder_of(entry.dataset_id) / MANIFEST_FILE).read_bytes()
        except FileNotFoundError as fault:
            raise damaged(f"{entry.kind} {entry.name}") from fault
        return read_manifest(document, entry, self._keys)

    def _named(self, kind: DatasetKind, name: str) -> DatasetInfo:
        dataset = self.find(kind, name)
        if dataset is None:
            raise damaged(INDEX_FILE)
        return dataset

    def _index(self) -> Index:
        index = read_index(self._folder, self._index_key)
        if index is not None:
            return index
        # The index is written before the first dataset, so datasets without one mean that it was lost.
        if any((self._folder / _DATASETS).glob("*")):
            raise damaged(INDEX_FILE)
        return Index()

    def _index_key(self) -> bytes:
        return read_key_file(self._home.keys / _INDEX_KEY_FILE, belongs_to=_INDEX_KEY)

    def _prepare(self, index: Index, retention_class: str) -> None:
        """Make what the first dataset needs. A master that was ever used is never made anew."""
        if not (self._folder / INDEX_FILE).exists():
            make_key_file(self._home.keys / _INDEX_KEY_FILE, belongs_to=_INDEX_KEY)
            write_index(self._folder, index, self._index_key())
        if retention_class not in index.classes_used:
            self._keys.make_master(retention_class)

    def _sweep(self) -> Index:
        """Delete what the index does not name; the home must be held. Returns the index."""
        index = self._index()
        named = _BEING_WRITTEN.union(entry.dataset_id for entry in index.entries)
        for folder in (self._folder / _DATASETS).glob("*"):
            if folder.name not in named:
                shutil.rmtree(folder, ignore_errors=True)
        for private in (self._folder, self._home.keys):
            for part in private.glob(f".*{PART_SUFFIX}"):
                part.unlink(missing_ok=True)
        return index

    def _folder_of(self, dataset_id: str) -> Path:
        return self._folder / _DATASETS / dataset_id


def _without(index: Index, going: frozenset[str], kind: str, name: str) -> Index:
    """Return the index without the datasets that are going; refuse when the name is then still taken."""
    kept = index.without(going)
    if any(entry.kind == kind and entry.name == name for entry in kept.entries):
        raise UserError(
            "A dataset of this kind and name is kept already",
            where=f"{kind} {name}",
            fix="Remove it first, or choose another name.",
            code=ExitCode.VAULT,
        )
    return kept
