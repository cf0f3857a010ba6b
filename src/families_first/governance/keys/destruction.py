"""Destroying the master of a class: everything under it is then gone, wherever copies of the files lie."""

from families_first.governance.home import Home
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.subjects import SubjectKeys


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
    home.retention_class(class_id)
    with home.locked():
        keys = provider_of(home)
        keys.destroy_masters(class_id)
        SubjectKeys(home, class_id, keys).destroy()
        masters = MastersRegister(home.keys).masters(class_id)
        return masters[-1].fingerprint if masters else ""
