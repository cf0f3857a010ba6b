"""What a backup says of itself: the last file in it, signed by the home."""

import tomllib
from collections import Counter
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.identity import signer_of
from families_first.governance.notes import Verifier, read_note, sign_note
from families_first.governance.retention.toml_text import as_toml
from families_first.governance.vault.holdings import index_of

MANIFEST_NAME = "backup.note"

_ABOUT = (
    "What this backup holds: SHA-256, size and name of each file. Signed by the home. It holds no keys.",
)


class Manifest(BaseModel):
    """A backup's manifest.

    ``files`` are lines of SHA-256, size in bytes and name, ``counts`` lines of a kind of dataset and how
    many.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    backup_of: str
    version: Annotated[int, Field(ge=1, le=1)] = 1
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    made: date
    expires: date
    audit_size: int
    audit_root: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    tombstones: int
    counts: Annotated[tuple[str, ...], Field(strict=False)] = ()
    files: Annotated[tuple[str, ...], Field(strict=False)] = ()


def manifest_note(manifest: Manifest, home: Home) -> str:
    """Return the manifest, signed by the home."""
    return sign_note(as_toml(_ABOUT, manifest.model_dump()), signer_of(home))


def read_manifest_note(note: bytes, verifier: Verifier) -> Manifest:
    """Read a backup's manifest.

    Raises
    ------
    UserError
        BAD_FILE, when it is not one, or another than the home has signed it.
    """
    try:
        text = read_note(note.decode("utf-8"), [verifier], where=MANIFEST_NAME).text
        found = Manifest.model_validate(tomllib.loads(text))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError):
        found = None
    if found is None or found.backup_of != verifier.name:
        raise UserError(
            "This is not the manifest of a backup of this home",
            where=MANIFEST_NAME,
            fix="Use another backup; this one was damaged or changed.",
            code=ExitCode.BAD_FILE,
        )
    return found


def counts_of(home: Home) -> tuple[str, ...]:
    """Return how many datasets of each kind a vault holds, as lines of kind and number."""
    counted = Counter(entry.kind for entry in index_of(home).entries)
    return tuple(f"{kind} {number}" for kind, number in sorted(counted.items()))


def file_line(sha256: str, size: int, name: str) -> str:
    """Return a file as the manifest lists it."""
    return f"{sha256} {size} {name}"
