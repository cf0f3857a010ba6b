"""Which master keys a home has had, and who holds shares of them: ``keys/register.toml``. Nothing secret.

The register outlives the masters: a class whose master was lost or destroyed stays in it, so that it never
gets another under the same name, and a certificate of destruction can list every share that was handed out.
Whoever writes it holds the home.
"""

import tomllib
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.keys.key_file import checked
from families_first.governance.retention import ClassId
from families_first.governance.zone_file import quoted

REGISTER_FILE = "register.toml"

State = Literal["in use", "retired", "destroyed"]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]

_HEAD = "# Which master keys this home has had, and who holds shares of them. Nothing here is secret.\n"
_CHECK = "# "


class ShareHeld(BaseModel):
    """A share of a master that was handed to somebody.

    ``id`` is a fingerprint of the share's words, printed on it; ``organisation`` a term of the vocabulary:
    the kind of organisation for which the holder works.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Fingerprint
    holder: Annotated[str, Field(min_length=1)]
    organisation: Annotated[str, Field(min_length=1)]


class Master(BaseModel):
    """A master key that a home has, or has had.

    ``ended`` is the day on which it was retired by a rotation or destroyed; ``threshold`` how many of its
    shares open it, 0 where it was never split.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    retention_class: ClassId
    fingerprint: Fingerprint
    state: State
    made: date
    ended: date | None = None
    threshold: int = 0
    shares: Annotated[tuple[ShareHeld, ...], Field(strict=False)] = ()


class _RegisterFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    masters: Annotated[tuple[Master, ...], Field(strict=False)] = ()


class MastersRegister:
    """The register of the masters of one home, in the home's folder of keys."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / REGISTER_FILE

    def masters(self, retention_class: str = "") -> tuple[Master, ...]:
        """Return the masters of a class (of all classes when empty), in the order in which they were made.

        Raises
        ------
        UserError
            VAULT, when the register is damaged.
        """
        try:
            text = self._file.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return ()
        except UnicodeDecodeError:
            raise _damaged() from None
        body, _, _ = text.rpartition(_CHECK)
        if checked(body + _CHECK) != text:
            raise _damaged()
        try:
            found = _RegisterFile.model_validate(tomllib.loads(text))
        except (tomllib.TOMLDecodeError, ValidationError):
            raise _damaged() from None
        return tuple(m for m in found.masters if not retention_class or m.retention_class == retention_class)

    def knows(self, retention_class: str) -> bool:
        """Whether the class has, or ever had, a master."""
        return bool(self.masters(retention_class))

    def in_use(self, retention_class: str) -> tuple[str, ...]:
        """Return the fingerprints of the masters of a class that are in use, older first."""
        return tuple(m.fingerprint for m in self.masters(retention_class) if m.state == "in use")

    def add(
        self, retention_class: str, master: str, *, threshold: int = 0, shares: Iterable[ShareHeld] = ()
    ) -> None:
        """Enter a master by its fingerprint, or further shares of one that is there already."""
        known = {each.fingerprint: each for each in self.masters()}
        entry = known.get(master) or Master(
            retention_class=retention_class, fingerprint=master, state="in use", made=_today()
        )
        further = tuple(shares)
        if further:
            entry = entry.model_copy(update={"threshold": threshold, "shares": (*entry.shares, *further)})
        if known.get(master) != entry:
            self._write({**known, master: entry}.values())

    def end(self, retention_class: str, state: State, *, but: str = "") -> tuple[str, ...]:
        """Enter that every master of a class in use, but one, is so no longer; return them."""
        masters = self.masters()
        ended = [
            each
            for each in masters
            if (each.retention_class, each.state) == (retention_class, "in use") and each.fingerprint != but
        ]
        if ended:
            update = {"state": state, "ended": _today()}
            self._write(each.model_copy(update=update) if each in ended else each for each in masters)
        return tuple(each.fingerprint for each in ended)

    def retire(self, fingerprints: Collection[str]) -> None:
        """Enter that masters in use, known by their fingerprints, are so no longer."""
        masters = self.masters()
        if any(each.fingerprint in fingerprints and each.state == "in use" for each in masters):
            update = {"state": "retired", "ended": _today()}
            self._write(
                each.model_copy(update=update)
                if each.fingerprint in fingerprints and each.state == "in use"
                else each
                for each in masters
            )

    def _write(self, masters: Iterable[Master]) -> None:
        body = _HEAD + "".join(map(_text, masters)) + "\n" + _CHECK
        write_durably(self._file, checked(body).encode())


def _text(master: Master) -> str:
    lines = [
        "",
        "[[masters]]",
        f"retention_class = {quoted(master.retention_class)}",
        f"fingerprint = {quoted(master.fingerprint)}",
        f"state = {quoted(master.state)}",
        f"made = {master.made.isoformat()}",
    ]
    if master.ended:
        lines.append(f"ended = {master.ended.isoformat()}")
    if master.threshold:
        lines.append(f"threshold = {master.threshold}")
    for share in master.shares:
        lines += ["[[masters.shares]]", f"id = {quoted(share.id)}", f"holder = {quoted(share.holder)}"]
        lines.append(f"organisation = {quoted(share.organisation)}")
    return "\n".join(lines) + "\n"


def _today() -> date:
    return datetime.now(UTC).date()


def _damaged() -> UserError:
    return UserError(
        "The register of master keys is damaged: it is not as it was written",
        where=REGISTER_FILE,
        fix="Put back the copy of it; without it nobody can say which keys and shares there are.",
        code=ExitCode.VAULT,
    )
