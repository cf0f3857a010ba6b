"""Wrapping the key of every dataset anew, under the newest master of its class. No row is read."""

from families_first.governance.durable import PART_SUFFIX, write_durably
from families_first.governance.home import Home
from families_first.governance.keys import KeyProvider
from families_first.governance.sealed import damaged
from families_first.governance.vault.dataset import MANIFEST_FILE, rewrapped_manifest
from families_first.governance.vault.holdings import folder_of, index_of, master_of


def rewrap_datasets(home: Home, retention_class: str, keys: KeyProvider) -> int:
    """Wrap the key of every dataset of a class under its newest master; return how many there are.

    Each manifest is replaced in one step, and both masters open until all are done. What is wrapped by the
    newest already is passed over, so that a run that was cut short goes on where it stopped. The home must be
    held.

    Raises
    ------
    UserError
        VAULT, when a manifest is damaged or gone: it stays under the old master, which must then not be
        destroyed; RESOURCE, when the disk is full.
    """
    newest = keys.masters(retention_class)[-1]
    entries = [each for each in index_of(home).entries if each.retention_class == retention_class]
    for entry in entries:
        folder = folder_of(home, entry.dataset_id)
        for part in folder.glob(f".*{PART_SUFFIX}"):
            part.unlink()  # left by a rotation that was cut short
        path = folder / MANIFEST_FILE
        try:
            document = path.read_bytes()
        except FileNotFoundError:
            raise damaged(f"{entry.kind} {entry.name}") from None
        if master_of(document) != newest:
            write_durably(path, rewrapped_manifest(document, entry, keys))
    return len(entries)
