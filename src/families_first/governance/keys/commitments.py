"""Commitments: how the audit log speaks of a person without naming them.

A commitment is an HMAC-SHA256 (RFC 2104) of the subject's id under the subject's own key. Who holds the keys
can find the entries about a person; once the key is erased nobody can, and the log still verifies.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.subjects import SubjectKeys

_LEAD = b"families-first commitment\n"


class Commitments:
    """The commitments of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def of(self, subject_ids: Sequence[str]) -> tuple[str, ...]:
        """Return the commitment to each subject (64 hexadecimal digits), in the order asked.

        A subject named for the first time gets a key, in the first class of the home whose master was not
        destroyed.

        Raises
        ------
        UserError
            VAULT, when the keys are locked, gone or damaged.
        """
        keys = self._keys().of(subject_ids)
        return tuple(
            hmac.digest(key, _LEAD + subject.encode(), sha256).hex()
            for key, subject in zip(keys, subject_ids, strict=True)
        )

    def _keys(self) -> SubjectKeys:
        provider = provider_of(self._home)
        register = MastersRegister(self._home.keys)
        for each in self._home.retention_classes:
            states = {master.state for master in register.masters(each.id)}
            if not states or "in use" in states:
                return SubjectKeys(self._home, each.id, provider)
        raise UserError(
            "Every retention class of this home has been destroyed, so nobody can be named in its log",
            where="zone.toml",
            fix="Add a retention class to the zone file, if the home is to be used further.",
            code=ExitCode.VAULT,
        )
