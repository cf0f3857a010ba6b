"""Pseudonyms of one project: HMAC-SHA-256 of a person's number under a key that lives as long as the run.

The key is random, is written nowhere, and is overwritten when the run ends. So the pseudonyms of two projects
have nothing in common, nobody can make those of a project again, and none of them leads back to a row key or
to a name: numbers are given within the run and forgotten with it.

Sources: FIPS 198-1 (HMAC); ISO 25237:2017 (pseudonymisation with a secret that is kept apart).
"""

import hmac
import secrets
from types import TracebackType
from typing import Self

import pyarrow as pa

from families_first.governance.keys.unlocking import forbid_core_dumps

PSEUDONYM_DIGITS = 32
"""Hexadecimal digits of a pseudonym: the first 128 bits of the HMAC."""

_KEY_BYTES = 32


class ProjectKey:
    """The key of one project's pseudonyms, for the length of a ``with`` block and no longer.

    Parameters
    ----------
    project
        The project's id, which goes into every pseudonym.
    """

    def __init__(self, project: str) -> None:
        forbid_core_dumps()
        self._project = project.encode()
        self._key: bytearray | None = None

    def __enter__(self) -> Self:
        self._key = bytearray(secrets.token_bytes(_KEY_BYTES))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._key is not None:
            self._key[:] = bytes(len(self._key))
        self._key = None

    def pseudonyms(self, of: str, count: int) -> pa.Array:
        """Return the pseudonyms of the numbers 0 to ``count - 1`` of people or of families, as text.

        Parameters
        ----------
        of
            What the numbers are of, ``person`` or ``family``: the two never share a pseudonym.

        Raises
        ------
        RuntimeError
            When the block has ended: the key is gone.
        """
        key = self._key
        if key is None:
            raise RuntimeError("the key of this project is gone")
        start = self._project + b"\n" + of.encode() + b"\n"
        made = (hmac.digest(key, start + b"%d" % number, "sha256") for number in range(count))
        return pa.array([each.hex()[:PSEUDONYM_DIGITS] for each in made], pa.string())
