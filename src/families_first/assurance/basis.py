"""What a proof rests on: the policies, the program, the homes' own files. Where one changes, it is stale."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import families_first
from families_first.governance.home import Home
from families_first.governance.policy import policy_hash
from families_first.governance.staff import STAFF_FILE
from families_first.governance.zone_file import ZONE_FILE

_FILES = (ZONE_FILE, STAFF_FILE)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a proof rests on.

    Attributes
    ----------
    policies
        The hash of the access policy.
    program
        The hash of the package's own files.
    homes
        By the name of each home that was examined, the hash of its zone file and of its staff register by the
        file's name; empty where there is no such file. Hashes are SHA-256, hexadecimal.
    """

    policies: str
    program: str
    homes: Mapping[str, Mapping[str, str]]

    def changed(self, now: "Basis") -> str:
        """Return in a sentence what is otherwise now than it was for this proof; empty when nothing is."""
        if self.program != now.program:
            return "The program has changed since its last proof."
        if self.policies != now.policies:
            return "The access policy has changed since its last proof."
        for name, files in now.homes.items():
            before = self.homes.get(name)
            if before is None:
                return f"Its last proof did not examine {name}."
            for file, found in files.items():
                if before.get(file) != found:
                    return f"{file} of {name} has changed since its last proof."
        return ""

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> "Basis":
        """Read a basis as JSON holds it; KeyError, TypeError, ValueError or AttributeError if it is none."""
        return cls(
            str(document["policies"]),
            str(document["program"]),
            {str(name): dict(files) for name, files in document["homes"].items()},
        )


def basis_of(homes: Iterable[Home]) -> Basis:
    """Return what a proof rests on that is made now by examining some homes."""
    return Basis(policy_hash(), program_hash(), {home.name: _hashes(home) for home in homes})


@cache
def program_hash() -> str:
    """Return the SHA-256 (hexadecimal) of the package's own files and their names, as they lie on disk."""
    root = Path(families_first.__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{content} {path.relative_to(root).as_posix()}\n".encode())
    return total.hexdigest()


def _hashes(home: Home) -> dict[str, str]:
    return {name: _hash_of(home.root / name) for name in _FILES}


def _hash_of(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
