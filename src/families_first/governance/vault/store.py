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
import pyarrow.compute as pc
import pyarrow.parquet as pq

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import PART_SUFFIX, disk_refusals, flush_folder, make_private_folder
from families_first.governance.home import Home
from families_first.governance.keys import (
    KeyProvider,
    make_key_file,
    provider_of,
    read_key_file,
)
from families_first.governance.sealed import damaged
from families_first.governance.vault.access import Access, check_reads, check_writes
from families_first.governance.vault.dataset import (
    MANIFEST_FILE,
    DatasetInfo,
    DatasetKind,
    read_manifest,
)
from families_first.governance.vault.draft import Draft, check_words
from families_first.governance.vault.index import (
    DATASETS,
    INDEX_FILE,
    INDEX_KEY,
    INDEX_KEY_FILE,
    Entry,
    Index,
    read_index,
    write_index,
)
from families_first.governance.vault.narrowing import FAMILY, columns_needed, narrowed
from families_first.governance.vault.table_file import TABLE_SUFFIX, TableInfo, open_table

Datasets = list[DatasetInfo]
Names = list[str]

# Datasets that this process is writing: a sweep from within must leave them alone.
_BEING_WRITTEN: set[str] = set()


class Vault:
    """The datasets of one home, as far as one act reaches.

    Parameters
    ----------
    access
        The act under way: it was decided and logged, and says which kinds of dataset it reads and writes.
    keys
        Who holds the masters; the provider that the home's zone file names unless another is given.

    Every method raises UserError REFUSED where the act does not reach, or has come to its end. What is due
    for destruction is not there: lists pass over it, and reading it is refused.
    """

    def __init__(self, access: Access, keys: KeyProvider | None = None) -> None:
        access.check_open()
        self._access = access
        self._home = access.home
        self._keys: KeyProvider = keys or provider_of(self._home)
        self._folder = self._home.vault
        with contextlib.suppress(UserError), self._home.locked(wait_seconds=0):
            self._sweep()

    @property
    def home(self) -> Home:
        """The home whose vault this is."""
        return self._home

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
        kept = self._named(kind, name)
        if kept is None:
            raise damaged(INDEX_FILE)
        return kept

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
        replaced = tuple(replaces)
        check_writes(self._access, kind)
        self._check_replaceable(replaced)
        self._home.retention_class(retention_class)
        with self._home.locked():
            going = frozenset(each.dataset_id for each in replaced)
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
        check_reads(self._access, kind)
        found = (self._manifest(entry)[0] for entry in self._index().entries if entry.kind == kind)
        return [each for each in found if not self._is_due(each)]

    def latest(self, kind: DatasetKind) -> DatasetInfo | None:
        """Return the last committed dataset of a kind, or None."""
        check_reads(self._access, kind)
        for entry in reversed(self._index().entries):
            if entry.kind == kind and not self._is_due(found := self._manifest(entry)[0]):
                return found
        return None

    def find(self, kind: DatasetKind, name: str) -> DatasetInfo | None:
        """Return the dataset of this kind and name, or None."""
        check_reads(self._access, kind)
        found = self._named(kind, name)
        return None if found is None or self._is_due(found) else found

    def read(self, dataset: DatasetInfo, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a table of a dataset, or some of its columns.

        Raises
        ------
        UserError
            VAULT, when the dataset or table is not there, or its file is not the file that was written.
        """
        with self._opened(dataset, table) as (file, kept):
            self._check_readable(kept)
            return self._narrowed(file, table, columns)

    def batches(
        self, dataset: DatasetInfo, table: str, columns: Sequence[str] | None = None, *, rows: int = 131_072
    ) -> Iterator[pa.RecordBatch]:
        """Yield a table of a dataset in pieces of at most ``rows`` rows. Raises as :meth:`read`."""
        with self._opened(dataset, table) as (file, kept):
            self._check_readable(kept)
            if self._access.scope is not None:
                yield from self._narrowed(file, table, columns).to_batches(max_chunksize=rows)
                return
            pieces = file.iter_batches(batch_size=rows, columns=None if columns is None else list(columns))
            for piece in pieces:
                self._access.check_open()
                yield piece

    def remove(self, *datasets: DatasetInfo) -> None:
        """Remove datasets, all in one step; those that are gone already are passed over.

        The files and the wrapped keys beside them are deleted. Copies in backups stay readable until the
        master of the class is destroyed.
        """
        self._check_replaceable(datasets)
        self._forget(frozenset(each.dataset_id for each in datasets))

    def remove_named(self, kind: DatasetKind, *names: str) -> None:
        """Remove datasets by name, as :meth:`remove` does; also those too damaged to be listed."""
        check_writes(self._access, kind)
        with self._home.locked():
            entries = [entry for entry in self._index().entries if entry.kind == kind]
            self._forget(frozenset(entry.dataset_id for entry in entries if entry.name in names))

    def names(self, kind: DatasetKind) -> Names:
        """Return the names of the datasets of a kind, oldest commit first, without opening any."""
        check_reads(self._access, kind)
        return [entry.name for entry in self._index().entries if entry.kind == kind]

    def check(self) -> None:
        """Read every file of every dataset and check it against what was written.

        Raises
        ------
        UserError
            VAULT, at the first file that is damaged, missing or of which the key is not here.
        """
        self._access.check_open()
        for entry in self._index().entries:
            dataset = self._manifest(entry)[0]
            for table in dataset.tables:
                with self._opened(dataset, table) as (file, _):
                    for _ in file.iter_batches():
                        pass

    def _check_replaceable(self, datasets: Iterable[DatasetInfo]) -> None:
        """Refuse to remove what the act may not write; the index says what a dataset is, not the caller."""
        going = {each.dataset_id for each in datasets}
        for entry in self._index().entries if going else ():
            if entry.dataset_id in going:
                check_writes(self._access, entry.kind)

    def _narrowed(self, file: pq.ParquetFile, name: str, columns: Sequence[str] | None) -> pa.Table:
        scope = self._access.scope
        read = file.read(columns=columns_needed(scope, file.schema_arrow.names, columns))
        table = narrowed(read, name, scope, self._people_of)
        return table if columns is None else table.select(list(columns))

    def _people_of(self, family_id: str) -> pa.Array:
        """Return the person ids of a family, as families were last formed."""
        for entry in reversed(self._index().entries):
            if entry.kind == "families" and not self._is_due(found := self._manifest(entry)[0]):
                with self._opened(found, "membership") as (file, _):
                    table = file.read(columns=[FAMILY, "person_id"])
                members = table.filter(pc.equal(table[FAMILY], family_id))["person_id"]
                return members.combine_chunks()
        return pa.array([], pa.string())

    def _check_readable(self, dataset: DatasetInfo) -> None:
        check_reads(self._access, dataset.kind)
        if self._is_due(dataset):
            raise UserError(
                "The day on which this is destroyed has come, so it is no longer read",
                where=f"{dataset.kind} {dataset.name}, class {dataset.retention_class}",
                fix="Destroy it: `families-first retention destroy`.",
                code=ExitCode.REFUSED,
            )

    def _forget(self, dataset_ids: frozenset[str]) -> None:
        with self._home.locked():
            index = self._sweep()
            kept = index.without(dataset_ids)
            if kept != index:
                write_index(self._folder, kept, self._index_key())
                self._sweep()

    @contextlib.contextmanager
    def _opened(self, dataset: DatasetInfo, table: str) -> Iterator[tuple[pq.ParquetFile, DatasetInfo]]:
        """Open a table of the dataset that has this id; what it is comes from its manifest, whoever asks."""
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
            yield file, kept
        except OSError as fault:
            raise damaged(f"{kept.kind} {kept.name}, table {table}") from fault
        finally:
            file.close()

    def _manifest(self, entry: Entry) -> tuple[DatasetInfo, bytes]:
        document = self._manifest_document(entry)
        try:
            return read_manifest(document, entry, self._keys)
        except UserError:
            # Readers do not hold the home, so the master may have been rotated since the file was read.
            again = self._manifest_document(entry)
            if again == document:
                raise
            return read_manifest(again, entry, self._keys)

    def _manifest_document(self, entry: Entry) -> bytes:
        try:
            return (self._folder_of(entry.dataset_id) / MANIFEST_FILE).read_bytes()
        except FileNotFoundError as fault:
            raise damaged(f"{entry.kind} {entry.name}") from fault

    def _named(self, kind: str, name: str) -> DatasetInfo | None:
        for entry in self._index().entries:
            if entry.kind == kind and entry.name == name:
                return self._manifest(entry)[0]
        return None

    def _is_due(self, dataset: DatasetInfo) -> bool:
        if self._access.is_due(dataset.retention_class, dataset.committed_at.date()):
            return True
        # Whoever makes it anew may look at the old one, so that people and families keep their ids.
        made_from = () if dataset.kind in self._access.writes else dataset.about.get("made_from", ())
        return self._access.is_derived_due(made_from)

    def _index(self) -> Index:
        index = read_index(self._folder, self._index_key)
        if index is not None:
            return index
        # The index is written before the first dataset, so datasets without one mean that it was lost.
        if any((self._folder / DATASETS).glob("*")):
            raise damaged(INDEX_FILE)
        return Index()

    def _index_key(self) -> bytes:
        return read_key_file(self._home.keys / INDEX_KEY_FILE, belongs_to=INDEX_KEY)

    def _prepare(self, index: Index, retention_class: str) -> None:
        """Make what the first dataset needs. A master that was ever used is never made anew."""
        if not (self._folder / INDEX_FILE).exists():
            make_key_file(self._home.keys / INDEX_KEY_FILE, belongs_to=INDEX_KEY)
            write_index(self._folder, index, self._index_key())
        if retention_class not in index.classes_used:
            self._keys.make_master(retention_class)

    def _sweep(self) -> Index:
        """Delete what the index does not name; the home must be held. Returns the index."""
        index = self._index()
        named = _BEING_WRITTEN.union(entry.dataset_id for entry in index.entries)
        for folder in (self._folder / DATASETS).glob("*"):
            if folder.name not in named:
                shutil.rmtree(folder, ignore_errors=True)
        for private in (self._folder, self._home.keys):
            for part in private.glob(f".*{PART_SUFFIX}"):
                part.unlink(missing_ok=True)
        return index

    def _folder_of(self, dataset_id: str) -> Path:
        return self._folder / DATASETS / dataset_id


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
