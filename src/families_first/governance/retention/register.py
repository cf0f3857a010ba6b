"""The retention register: every signed record of a home that says how long things are kept, in order.

A record is a signed note of its own in ``retention/``. The register lists each with its hash and what it
does to the day of destruction, and the home signs the list. It is kept twice, in ``retention/`` for everybody
and in ``keys/``, so that deleting or altering a record, or one copy, is seen at the next act of anybody.

A record is written first, then the copy in ``keys/``, then the public one. Whatever is cut short in between,
the longer copy counts, and a record that no copy names was never entered.

The register also holds the rule of each retention class as the zone file had it when somebody first acted in
the home with it, which is before anything of the class can have been kept. A rule that was entered is never
taken out and never lengthened: only a signed record makes the day a later one.
"""

import functools
import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import PRIVATE_FILE, write_durably
from families_first.governance.home import Home
from families_first.governance.identity import (
    IDENTITY_FILE,
    ensure_identity,
    read_identity,
    signer_of,
)
from families_first.governance.notes import Verifier, read_note, sign_note
from families_first.governance.retention.classes import Rule
from families_first.governance.retention.toml_text import as_toml

REGISTER_FILE = "register.note"
RECORD_SUFFIX = ".note"

_PRIVATE_COPY = "_retention-register.note"  # no retention class can be called so
SIGNING_FILE = "_home-signing.key"
_ABOUT = (
    "The retention register of this home: the rule of each class as it was first known, and each signed "
    "record beside it, in the order in which it was entered.",
    "Signed by the home. Never edit: a register that does not agree with its other copy is refused.",
)


class RecordKind(StrEnum):
    """What a record of the register is."""

    PROGRAMME_END = "programme-end"
    EXTENSION = "extension"
    EARLIER = "earlier-destruction"
    PLAN = "destruction-plan"
    SHARE_DESTROYED = "share-destroyed"
    CERTIFICATE = "certificate"


class Line(BaseModel):
    """A record as the register lists it.

    Attributes
    ----------
    file, sha256
        The note in ``retention/`` and its SHA-256 (hexadecimal).
    keys
        The verifier keys whose signatures were found good when it was entered.
    ended
        The day on which a programme ended; only for that kind.
    days
        The day of destruction that it sets, by retention class.
    receipt_years
        The years for which classes counted from receipt may be kept, as they stood when it was signed.
    destroys
        Retention classes of which the destruction begins with this record.
    certifies
        The plan (its SHA-256) that was carried out; only of certificates.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: Annotated[str, Field(pattern=r"^[0-9]{4,8}-[a-z0-9-]{1,120}\.note$")]
    kind: Annotated[RecordKind, Field(strict=False)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    entered: date
    keys: Annotated[tuple[str, ...], Field(strict=False)] = ()
    ended: date | None = None
    days: Mapping[str, date] = Field(default_factory=dict)
    receipt_years: Mapping[str, int] = Field(default_factory=dict)
    destroys: Annotated[tuple[str, ...], Field(strict=False)] = ()
    certifies: str = ""


class _RegisterText(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    register_of: str
    version: Annotated[int, Field(ge=1, le=1)]
    rules: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    records: Annotated[tuple[Line, ...], Field(strict=False)] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """The retention register of a home.

    Attributes
    ----------
    lines
        The records in order.
    rules
        The rules of the classes, in the order in which they were entered.
    faults
        What is wrong with one of the two copies, in words.
    rules_cut_short
        Whether entering a rule was cut short, so that one copy has it and the other has not.
    """

    lines: tuple[Line, ...] = ()
    rules: tuple[Rule, ...] = ()
    faults: tuple[str, ...] = ()
    rules_cut_short: bool = False

    def of_kind(self, *kinds: RecordKind) -> list[Line]:
        """Return the records of some kinds, oldest first."""
        return [line for line in self.lines if line.kind in kinds]


def read_register(home: Home) -> Register:
    """Return the retention register of a home; an empty one where nothing was ever decided.

    One damaged or missing copy is told among the ``faults``, and the other counts.

    Raises
    ------
    UserError
        PROMISE, when no copy can be relied upon, or there are signed records and no register: nobody can then
        say until when anything may be kept, so nothing is read.
    """
    copies = {name: path for name, path in _copies(home).items() if path.exists()}
    if not copies:
        if any(home.retention.glob(f"[0-9]*{RECORD_SUFFIX}")):
            raise _unreliable("There are signed retention records, and the register of them is gone")
        return Register()
    verifier = home_verifier(home)
    found: dict[str, _RegisterText] = {}
    faults = [f"the copy in {name}/ is gone" for name in _copies(home) if name not in copies]
    for name, path in copies.items():
        try:
            found[name] = _parse(path.read_text(encoding="utf-8"), home.name, verifier)
        except (OSError, UnicodeDecodeError, UserError):
            faults.append(f"the copy in {name}/ is damaged or not signed by this home")
    if not found:
        raise _unreliable("The retention register is damaged or was not signed by this home")
    longest = max(found.values(), key=_length)
    for name, copy in found.items():
        if (copy.records, copy.rules) != (
            longest.records[: len(copy.records)],
            longest.rules[: len(copy.rules)],
        ):
            raise _unreliable("The two copies of the retention register contradict one another")
        if copy != longest:
            faults.append(f"the copy in {name}/ lacks the last {_length(longest) - _length(copy)}")
    return Register(
        longest.records,
        longest.rules,
        tuple(faults),
        # Before the first record a copy says nothing but the rules, and the other copy says them too.
        any(len(copy.rules) < len(longest.rules) for copy in found.values())
        or (len(copies) == 1 and not longest.records),
    )


def enter(home: Home, line: Line, note: str) -> Register:
    """Enter a record: its note, then both copies of the register. The home must be held.

    Raises
    ------
    UserError
        PROMISE, as :func:`read_register`; RESOURCE, when the disk is full: the record is then not entered.
    """
    register = read_register(home)
    lines = (*register.lines, line)
    ensure_identity(home)
    write_durably(home.retention / line.file, note.encode(), mode=0o644)
    write_copies(home, lines, register.rules)
    return Register(lines, register.rules)


def mend(home: Home, register: Register, line: Line, note: str) -> None:
    """Put back an entered record, and a copy of the register that is behind. The home must be held."""
    if not is_whole(home, line):
        write_durably(home.retention / line.file, note.encode(), mode=0o644)
    if register.faults:
        write_copies(home, register.lines, register.rules)


def write_copies(home: Home, lines: tuple[Line, ...], rules: tuple[Rule, ...]) -> None:
    """Write both copies of the register, that in ``keys/`` first. The home must be held and have its keys."""
    text = _text(home, lines, rules).encode()
    for path in reversed(_copies(home).values()):
        write_durably(path, text, mode=PRIVATE_FILE if path.parent == home.keys else 0o644)


def next_file(register: Register, words: str) -> str:
    """Return the name of the next record's file: its number and what it is."""
    return f"{len(register.lines) + 1:04}-{words}{RECORD_SUFFIX}"


def is_whole(home: Home, line: Line) -> bool:
    """Whether a record is there as it was entered."""
    try:
        return sha256_of((home.retention / line.file).read_bytes()) == line.sha256
    except OSError:
        return False


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of a document (hexadecimal)."""
    return hashlib.sha256(content).hexdigest()


def home_verifier(home: Home) -> Verifier:
    """Return the key that checks this home's own signatures.

    It is taken from the private key, which only this account can replace; from ``identity.toml`` where a
    restored home has no private key yet.

    Raises
    ------
    UserError
        VAULT or BAD_FILE, when the key is damaged or gone.
    """
    if (home.keys / SIGNING_FILE).exists():
        return signer_of(home).verifier
    return read_identity(home.root / IDENTITY_FILE).verifier


def _copies(home: Home) -> dict[str, Path]:
    return {"retention": home.retention / REGISTER_FILE, "keys": home.keys / _PRIVATE_COPY}


def _length(copy: _RegisterText) -> int:
    return len(copy.records) + len(copy.rules)


# Every act of anybody reads the register, so the same text under the same key is checked once a process.
@functools.lru_cache(maxsize=8)
def _parse(note: str, home_name: str, verifier: Verifier) -> _RegisterText:
    text = read_note(note, [verifier], where=REGISTER_FILE).text
    try:
        found = _RegisterText.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError):
        raise _unreliable("The retention register is not one") from None
    if found.register_of != home_name:
        raise _unreliable("This is the retention register of another home")
    return found


def _text(home: Home, lines: tuple[Line, ...], rules: tuple[Rule, ...]) -> str:
    document: dict[str, object] = {
        "register_of": home.name,
        "version": 1,
        "rules": tuple(rule.model_dump() for rule in rules),
        "records": tuple(line.model_dump(exclude_defaults=True) for line in lines),
    }
    body = as_toml(_ABOUT, document)
    return sign_note(body, signer_of(home))


def _unreliable(what: str) -> UserError:
    return UserError(
        what,
        where=REGISTER_FILE,
        fix="Find out who changed it. Put retention/ back as it was from the newest backup or from "
        "where it is "
        "published; until then nobody can say how long anything may be kept, so nothing is read.",
        code=ExitCode.PROMISE,
    )
