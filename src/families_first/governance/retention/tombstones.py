"""Tombstones: what must stay dead when a backup is restored. A signed list without personal data.

It names the classes destroyed, the datasets destroyed or removed for somebody's rights, and the masters that
were retired or destroyed: a person who was forgotten stays so because the master that could open their key is
among them. It is public: a copy outside the home is what makes an old backup harmless, since the backup's own
list is as old as the backup.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.notes import Verifier, read_note, sign_note
from families_first.governance.retention.register import home_verifier, read_register
from families_first.governance.retention.toml_text import as_toml

TOMBSTONES_FILE = "tombstones.note"

_ABOUT = (
    "Tombstones: what must stay dead when a backup of this home is restored. Nothing here names anybody.",
    "Signed by the home. Keep a copy outside the home: the newest is needed to restore a backup.",
)

Ids = Annotated[tuple[str, ...], Field(strict=False)]


class Tombstones(BaseModel):
    """The list.

    Attributes
    ----------
    tombstones_of
        The name of the home.
    number
        Grows with each change; the larger of two lists is the newer.
    classes, datasets, masters
        Ids of destroyed classes and datasets, fingerprints of retired and destroyed masters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    tombstones_of: str
    version: Annotated[int, Field(ge=1, le=1)] = 1
    number: Annotated[int, Field(ge=0)] = 0
    changed: date | None = None
    classes: Ids = ()
    datasets: Ids = ()
    masters: Ids = ()

    def with_all_of(self, other: "Tombstones") -> "Tombstones":
        """Return the dead of both lists, under the larger number."""
        merged = {
            name: tuple(sorted({*getattr(self, name), *getattr(other, name)}))
            for name in ("classes", "datasets", "masters")
        }
        newer = max(self, other, key=lambda each: each.number)
        return newer.model_copy(update=merged)


def read_tombstones(home: Home) -> Tombstones:
    """Return the tombstones of a home; an empty list where nothing died yet.

    Raises
    ------
    UserError
        PROMISE, when the list is damaged or not signed by the home.
    """
    path = home.retention / TOMBSTONES_FILE
    if not path.exists():
        return Tombstones(tombstones_of=home.name)
    return parse_tombstones(path.read_bytes(), home.name, [home_verifier(home)])


def parse_tombstones(content: bytes, home_name: str, known: Iterable[Verifier]) -> Tombstones:
    """Read a list of tombstones that came from anywhere. Raises as :func:`read_tombstones`."""
    try:
        text = read_note(content.decode("utf-8"), known, where=TOMBSTONES_FILE).text
        found = Tombstones.model_validate(tomllib.loads(text))
    except (UnicodeDecodeError, UserError, tomllib.TOMLDecodeError, ValidationError):
        found = None
    if found is None or found.tombstones_of != home_name:
        raise UserError(
            "The list of tombstones is damaged, or this home did not sign it",
            where=TOMBSTONES_FILE,
            fix="Put the newest copy back from outside the home; nothing is restored without it.",
            code=ExitCode.PROMISE,
        )
    return found


def bury(home: Home, *, on: date, datasets: Iterable[str] = (), also: Tombstones | None = None) -> Tombstones:
    """Add to the tombstones, together with every class and master that the registers know to be dead.

    Whoever removes a dataset for somebody's rights calls this before it is done, and whoever rotates a master
    afterwards. May be repeated. Raises as :func:`read_tombstones`.
    """
    with home.locked():
        before = read_tombstones(home)
        dead = before.with_all_of(
            Tombstones(
                tombstones_of=home.name,
                classes=tuple(each for line in read_register(home).lines for each in line.destroys),
                datasets=tuple(datasets),
                masters=tuple(
                    m.fingerprint for m in MastersRegister(home.keys).masters() if m.state != "in use"
                ),
            )
        )
        if also is not None:
            dead = dead.with_all_of(also)
        if dead == before and (home.retention / TOMBSTONES_FILE).exists():
            return before
        after = dead.model_copy(update={"number": dead.number + 1, "changed": on})
        ensure_identity(home)
        text = as_toml(_ABOUT, after.model_dump())
        write_durably(home.retention / TOMBSTONES_FILE, sign_note(text, signer_of(home)).encode(), mode=0o644)
        return after
