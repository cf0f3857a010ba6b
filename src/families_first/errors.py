"""The errors of the house.

Every error that a user can cause is a :class:`UserError`: it says what happened, where, and what to do next,
and it carries the exit code of its kind. No error text ever holds a value from anybody's record.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line, one for each kind of cause; the reference page is made from them."""

    OK = 0
    FAILED_UNEXPECTEDLY = 1
    USAGE = 2
    BAD_FILE = 10
    BAD_MAPPING = 11
    AGREEMENT = 12
    QUARANTINE_LIMIT = 13
    HOME = 14
    VAULT = 15
    CRITERIA = 16
    NOT_FOUND = 17
    RESOURCE = 18
    REFUSED = 19
    AUDIT = 20
    PARCEL = 21
    PROMISE = 22


class FamiliesFirstError(Exception):
    """Root of every error that this project raises on purpose."""


class UserError(FamiliesFirstError):
    """A refusal that a person can act upon.

    Parameters
    ----------
    what
        One sentence: what happened. Never a value from a record.
    where
        The file (its name only), line, column, rule or agreement concerned; empty when there is none.
    fix
        What to do next, as an instruction.
    code
        The exit code of this kind of cause.
    """

    def __init__(self, what: str, *, where: str = "", fix: str, code: ExitCode) -> None:
        self.what = what
        self.where = where
        self.fix = fix
        self.code = code
        place = f" ({where})" if where else ""
        super().__init__(f"{what}{place}. {fix}")

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by their positional arguments, and this one has none but the first.
        return _again, (self.what, self.where, self.fix, self.code)

    def as_dict(self) -> dict[str, str | int]:
        """Return the error as it appears under ``error`` in ``--json`` output."""
        return {"what": self.what, "where": self.where, "fix": self.fix, "exit_code": int(self.code)}


def _again(what: str, where: str, fix: str, code: ExitCode) -> UserError:
    """Make the same error again, in another process."""
    return UserError(what, where=where, fix=fix, code=code)
