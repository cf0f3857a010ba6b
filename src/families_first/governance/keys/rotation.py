"""Rotating a master, and rotating to forget: after it, no copy of an old file opens any more.

A rotation makes a newer master beside the old one, wraps every dataset key and every subject's key anew, and
then destroys the old one. Until that last step both open, so that whatever kills the machine, everything
stays readable and the next run goes on. Erasing one subject is a rotation that leaves the subject's key out:
a backup of the old files cannot open it, because the master that could is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.keys.wrapping import KeyProvider, no_master
from families_first.governance.retention.rules import check_known, classes_known
from families_first.governance.vault.rewrapping import rewrap_datasets


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did in one class.

    Attributes
    ----------
    retention_class
        The class.
    master
        Fingerprint of the master that now wraps.
    retired
        Fingerprints of the masters that were destroyed.
    datasets, subjects
        How many keys of datasets and of subjects are wrapped by it.
    erased
        How many subjects' keys were left out.
    """

    retention_class: str
    master: str
    retired: tuple[str, ...]
    datasets: int
    subjects: int
    erased: int


def rotate(home: Home, class_id: str, keys: KeyProvider | None = None) -> Rotation:
    """Give a class a new master and destroy the old one; goes on with a rotation that was cut short.

    In a home of custodians ``keys`` is a provider that was given a ceremony, in which the new master is made.

    Raises
    ------
    UserError
        VAULT, when the class has no master, the keys are locked, or a file is damaged; RESOURCE, when the
        disk is full or another command is writing. Everything then stays readable.
    """
    check_known(home, class_id)
    with home.locked():
        return _rotate(home, class_id, keys or provider_of(home), ())


def forget(home: Home, subject_ids: Sequence[str], keys: KeyProvider | None = None) -> list[Rotation]:
    """Erase the keys of subjects in every class in which they have one, and rotate each such class.

    Every class that the home has had counts, also one that the zone file no longer names.

    The ids' records in datasets are another matter: a dataset that names them is to be made anew without them
    before, so that the rotation ends its old copies too.

    Raises
    ------
    UserError
        NOT_FOUND, when no class has a key for any of them and no rotation was to be ended; otherwise as
        :func:`rotate`.
    """
    done = []
    with home.locked():
        provider = keys or provider_of(home)
        for each in classes_known(home):
            held = provider.masters(each)
            if not held:
                continue
            # A rotation that was cut short is ended first: copies of the files may have been taken since it
            # began, and what they hold opens with its master.
            if len(held) > 1:
                done.append(_rotate(home, each, provider, ()))
            else:
                provider.retire_masters(each)
            if SubjectKeys(home, each, provider).has_any(subject_ids):
                done.append(_rotate(home, each, provider, subject_ids))
    if not done:
        raise UserError(
            "None of these ids has a key in this home, so there is nothing to forget",
            where="keys",
            fix="The id is what `families-first families show FAMILY` prints; a person whom nobody looked at "
            "one by one has no key, and nothing to forget.",
            code=ExitCode.NOT_FOUND,
        )
    return done


def _rotate(home: Home, class_id: str, keys: KeyProvider, erased: Sequence[str]) -> Rotation:
    if not keys.masters(class_id):
        raise no_master(class_id, where="keys")
    master = keys.add_master(class_id)
    kept, gone = SubjectKeys(home, class_id, keys).renew(erased=erased)
    datasets = rewrap_datasets(home, class_id, keys)
    return Rotation(class_id, master, keys.retire_masters(class_id), datasets, kept, gone)
