"""Destroying the master of a class: everything under it is then gone, wherever copies of the files lie."""

from collections.abc import Collection

from families_first.governance.home import Home
from families_first.governance.keys.master_files import MasterFiles
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.retention.rules import check_known


def destroy_master(home: Home, class_id: str) -> str:
    """Destroy every master of a class, and its file of subjects' keys; may be repeated after a crash.

    Returns the fingerprint of the newest master, empty when the class never had one. The register then knows
    the class as destroyed, and it never gets a master again. Shares are for their holders to destroy.

    Raises
    ------
    UserError
        HOME, when the home has no such class; RESOURCE, when the key service does not answer or another
        command is writing.
    """
    check_known(home, class_id)
    with home.locked():
        keys = provider_of(home)
        keys.destroy_masters(class_id)
        SubjectKeys(home, class_id, keys).destroy()
        masters = MastersRegister(home.keys).masters(class_id)
        return masters[-1].fingerprint if masters else ""


def remove_masters(home: Home, class_id: str, dead: Collection[str]) -> int:
    """Remove those masters of a class that are dead, and let the others go on; return how many they were.

    For a copy of ``keys/`` that is brought back: a key service and custodians have no copy in it. The home
    must be held.

    Parameters
    ----------
    dead
        Fingerprints of masters that were retired or destroyed.

    Raises
    ------
    UserError
        VAULT, when a key file or the register is damaged.
    """
    keys = provider_of(home)
    gone = set(keys.masters(class_id)).intersection(dead)
    if isinstance(keys, MasterFiles):
        keys.remove_masters(class_id, gone)
    MastersRegister(home.keys).retire(gone)
    return len(gone)
