"""Protocols as files: one TOML file a protocol, every fault told at once."""

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.faults import faults_in_words
from families_first.research.protocol.model import StudyProtocol

PROTOCOL_SUFFIX = ".toml"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ProtocolText:
    """A protocol as it was read: what it says, the bytes of its file, their SHA-256 (hexadecimal), and the
    name of the file."""

    protocol: StudyProtocol
    content: bytes
    sha256: str
    file_name: str


def load_protocol(path: Path) -> ProtocolText:
    """Read one protocol.

    Raises
    ------
    UserError
        BAD_FILE, with every fault of the file.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _faulty(["there is no such file"], where=path.name) from None
    except IsADirectoryError:
        raise _faulty(["it is a folder, not a file"], where=path.name) from None
    return read_protocol(content, file_name=path.name)


def read_protocol(content: bytes, *, file_name: str) -> ProtocolText:
    """Read a protocol from the bytes of its file. Raises as :func:`load_protocol`."""
    if len(content) > _MOST_BYTES:
        raise _faulty(["it is larger than a protocol can be (1 MiB)"], where=file_name)
    faults: list[str]
    try:
        text = content.decode("utf-8")
        protocol = StudyProtocol.model_validate(tomllib.loads(text.removeprefix("\ufeff")))
    except UnicodeDecodeError:
        faults = ["the file is not text in UTF-8"]
    except tomllib.TOMLDecodeError as fault:
        faults = [f"the file is not TOML: {fault}"]
    except ValidationError as fault:
        faults = [line for words in faults_in_words(fault) for line in words.split("\n")]
    else:
        return ProtocolText(protocol, content, hashlib.sha256(content).hexdigest(), file_name)
    raise _faulty(faults, where=file_name)


def _faulty(faults: list[str], *, where: str) -> UserError:
    if len(faults) == 1:
        what = f"The protocol has a fault: {faults[0]}"
    else:
        told = "".join(f"\n  {number}. {fault}" for number, fault in enumerate(faults, 1))
        what = f"The protocol has {len(faults)} faults:{told}\n"
    return UserError(
        what,
        where=where,
        fix="Correct each and try again; the reference page 'Protocol file' explains every word.",
        code=ExitCode.BAD_FILE,
    )
