"""Restored copies: a home brought back from a backup is a copy, until somebody says that it replaces the old.

Both sign with one key, and the copy's log goes on from the backup while the old home's went on without it.
A checkpoint of the copy, sent to the witnesses, would be evidence against the true log. So a copy makes none
before it takes the old home's place.
"""

import tomllib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.verifying import Verification, witnesses_of
from families_first.governance.durable import disk_refusals, flush_folder, write_durably
from families_first.governance.home import Home

MARKER = "restored-copy"
"""The file in ``audit/`` that says so; it is in no backup."""

TAKES_OVER = ("custodian", "data-protection-officer")
"""The roles that may say that a copy replaces the old home."""


class RestoredCopy(BaseModel):
    """Of which backup a home is a copy, and how many entries its log had in that."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    backup: str
    entries: Annotated[int, Field(ge=0)]


def mark_restored_copy(home: Home, copy: RestoredCopy) -> None:
    """Write down that a home is a copy."""
    text = (
        "# This home was restored from a backup. Its audit log sends no checkpoint until somebody says that\n"
        "# it replaces the old home: families-first audit take-over\n"
        f'backup = "{copy.backup}"\nentries = {copy.entries}\n'
    )
    write_durably(home.audit / MARKER, text.encode())


def restored_copy(home: Home) -> RestoredCopy | None:
    """Return of which backup a home is a copy; None when it is none, or has taken the old home's place.

    Raises
    ------
    UserError
        AUDIT, when the marker is damaged: the home is a copy all the same.
    """
    try:
        return RestoredCopy.model_validate(tomllib.loads((home.audit / MARKER).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError):
        raise UserError(
            "This home is a restored copy, and the file that says of what is damaged",
            where=MARKER,
            fix="Restore the backup again.",
            code=ExitCode.AUDIT,
        ) from None


def check_sends_checkpoints(home: Home) -> None:
    """Refuse to make a checkpoint in a restored copy.

    Raises
    ------
    UserError
        AUDIT.
    """
    if (home.audit / MARKER).exists():
        raise UserError(
            "This home is a restored copy, so its audit log makes no checkpoint: the witnesses would hold "
            "two logs of one home",
            where=home.root.name,
            fix="If it was restored to practise, remove it afterwards. If it replaces the old home, a "
            "custodian or the data protection officer says so: `families-first audit take-over`.",
            code=ExitCode.AUDIT,
        )


def take_over(home: Home, roles: tuple[str, ...]) -> RestoredCopy:
    """Have a copy take the old home's place: from now on its log is the one that is witnessed.

    Raises
    ------
    UserError
        REFUSED, when whoever acts is neither a custodian nor the data protection officer; USAGE, when the
        home is no copy; AUDIT, when the marker is damaged.
    """
    if not set(roles).intersection(TAKES_OVER):
        raise UserError(
            "A custodian or the data protection officer says whether a restored copy replaces the old home",
            where=home.root.name,
            fix="Ask one of them.",
            code=ExitCode.REFUSED,
        )
    copy = restored_copy(home)
    if copy is None:
        raise UserError(
            "This home is no restored copy, so there is nothing to take over",
            where=home.root.name,
            fix="Run this in the folder that `families-first backup restore` made.",
            code=ExitCode.USAGE,
        )
    with disk_refusals(MARKER):
        (home.audit / MARKER).unlink()
        flush_folder(home.audit)
    return copy


def differs_by_age_alone(home: Home, log: AuditLog, copy: RestoredCopy, found: Verification) -> bool:
    """Whether a copy differs from its witnesses only in what the old home logged after the backup.

    Every checkpoint of no more entries than the backup had must be one of this log.
    """
    if found.faults or not any(each.outside and each.faults for each in found.verdicts):
        return False
    held = witnesses_of(home)
    if any(each.faults for each in found.verdicts if each.holder not in {one.name for one in held}):
        return False
    try:
        for each in held:
            for checkpoint in each.file.all():
                if checkpoint.size <= copy.entries:
                    log.check_has(checkpoint.size, checkpoint.root)
    except (UserError, OSError):
        return False
    return True
