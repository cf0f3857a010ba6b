"""Which backups of a home there are, and when each expires: a signed list in ``retention/``."""

import tomllib
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.notes import read_note, sign_note
from families_first.governance.retention.register import home_verifier
from families_first.governance.retention.toml_text import as_toml

CATALOGUE_FILE = "backups.note"
LONGEST_DAYS = 35
"""How long a backup may be kept: so long may it hold what was erased in the home."""

_ABOUT = (
    "The backups that were made of this home, and the day on which each must be gone. Signed by the home.",
)


class Backup(BaseModel):
    """A backup that was made: its id, days, size, and the masters that open what is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    made: date
    expires: date
    bytes: int
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    recipients: int
    masters: Annotated[tuple[str, ...], Field(strict=False)] = ()


class _Catalogue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    backups_of: str
    version: Annotated[int, Field(ge=1, le=1)]
    backups: Annotated[tuple[Backup, ...], Field(strict=False)] = ()


def read_catalogue(home: Home) -> tuple[Backup, ...]:
    """Return the backups of a home, oldest first.

    Raises
    ------
    UserError
        PROMISE, when the list is damaged or not signed by the home.
    """
    path = home.retention / CATALOGUE_FILE
    if not path.exists():
        return ()
    try:
        text = read_note(path.read_text(encoding="utf-8"), [home_verifier(home)], where=CATALOGUE_FILE).text
        found = _Catalogue.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, UserError, tomllib.TOMLDecodeError, ValidationError):
        found = None
    if found is None or found.backups_of != home.name:
        raise UserError(
            "The list of backups is damaged, or this home did not sign it",
            where=CATALOGUE_FILE,
            fix="Put it back from the newest backup; a certificate needs it to say when the last "
            "backup expires.",
            code=ExitCode.PROMISE,
        )
    return found.backups


def enter_backup(home: Home, backup: Backup) -> None:
    """Add a backup to the list. Raises as :func:`read_catalogue`."""
    with home.locked():
        ensure_identity(home)
        backups = (*read_catalogue(home), backup)
        text = as_toml(
            _ABOUT,
            {"backups_of": home.name, "version": 1, "backups": tuple(each.model_dump() for each in backups)},
        )
        write_durably(home.retention / CATALOGUE_FILE, sign_note(text, signer_of(home)).encode(), mode=0o644)


def last_expiry(home: Home) -> date | None:
    """Return the day on which the last backup expires; None when none was ever made."""
    return max((each.expires for each in read_catalogue(home)), default=None)


def opens_nothing(home: Home, backup: Backup) -> bool:
    """Whether every master that a backup needs has been retired or destroyed since."""
    live = {each.fingerprint for each in MastersRegister(home.keys).masters() if each.state == "in use"}
    return bool(backup.masters) and not live.intersection(backup.masters)
