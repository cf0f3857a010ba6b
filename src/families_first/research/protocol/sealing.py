"""Sealing a protocol: its hash goes into the audit log before outcomes can be seen, and stays what it is.

The first version is sealed under the protocol's id, each later one under that id with ``-version-2`` and so
on, because what was sealed is never replaced. A later version names what it changes.
"""

from dataclasses import dataclass
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.parcels.releases import protocol_file
from families_first.governance.policy import Resource
from families_first.governance.study import (
    RegisteredProtocol,
    register_sealed_protocol,
    registered_protocol,
)
from families_first.research.protocol.reading import ProtocolText, load_protocol, read_protocol

SEALING = "seal-protocol"
RESOURCE = "Protocol"
UNREADABLE = "unreadable"
"""Under which id a refusal is logged when the file does not say its own."""


@dataclass(frozen=True, slots=True)
class SealedProtocol:
    """A protocol that is sealed, as the audit log has it; ``before`` are its earlier versions in order."""

    text: ProtocolText
    seal: RegisteredProtocol
    before: tuple[RegisteredProtocol, ...]


def sealed_id(protocol_id: str, version: int) -> str:
    """Return the id under which a version is sealed."""
    return protocol_id if version == 1 else f"{protocol_id}-version-{version}"


def seal_protocol(desk: Desk, path: Path) -> SealedProtocol:
    """Seal a protocol; the same file again changes nothing.

    Raises
    ------
    UserError
        BAD_FILE, with every fault of the file; REFUSED, by the policy, or where another file was sealed as
        this version, or the version leaves out a deviation that an earlier one named.
    """
    protocol_id = UNREADABLE
    try:
        text = load_protocol(path)
        protocol_id = text.protocol.id
        versions = sealed_versions(desk, protocol_id)
        seal = next((each for each in versions if each.sha256 == text.sha256), None)
        if seal is None:
            _check_follows(desk, text, versions)
    except UserError as error:
        raise desk.refuse(SEALING, Resource(RESOURCE, protocol_id), error) from None
    version = text.protocol.version
    seal = register_sealed_protocol(desk, text.content, sealed_id(protocol_id, version))
    return SealedProtocol(text, seal, versions[: version - 1])


def sealed_versions(desk: Desk, protocol_id: str) -> tuple[RegisteredProtocol, ...]:
    """Return every version of a protocol that is sealed, oldest first; empty where none is.

    Raises
    ------
    UserError
        REFUSED, when the file of one was changed, or is gone.
    """
    found: list[RegisteredProtocol] = []
    while True:
        try:
            found.append(registered_protocol(desk.home, desk.log, sealed_id(protocol_id, len(found) + 1)))
        except UserError as error:
            if error.code != ExitCode.NOT_FOUND:
                raise
            return tuple(found)


def sealed_protocol(desk: Desk, protocol_id: str) -> SealedProtocol:
    """Return the protocol that is sealed under an id, in its last version.

    Raises
    ------
    UserError
        NOT_FOUND, when none is; REFUSED, when a file in the home is not the one that was sealed.
    """
    versions = sealed_versions(desk, protocol_id)
    if not versions:
        raise UserError(
            "No protocol is sealed under this id",
            where=protocol_id,
            fix="Seal it first: `families-first protocol seal FILE`.",
            code=ExitCode.NOT_FOUND,
        )
    text = _text_of(desk, versions[-1])
    if text.sha256 != versions[-1].sha256:
        raise _not_as_sealed(text.file_name)
    return SealedProtocol(text, versions[-1], versions[:-1])


def check_sealed(desk: Desk, path: Path) -> SealedProtocol:
    """Return the sealed protocol that a file is.

    Raises
    ------
    UserError
        As :func:`sealed_protocol`; REFUSED, when the file is another than the one that was sealed last.
    """
    text = load_protocol(path)
    sealed = sealed_protocol(desk, text.protocol.id)
    if sealed.seal.sha256 != text.sha256:
        raise _not_as_sealed(path.name)
    return sealed


def _text_of(desk: Desk, seal: RegisteredProtocol) -> ProtocolText:
    path = protocol_file(desk.home, seal.id)
    return read_protocol(path.read_bytes(), file_name=path.name)


def _check_follows(desk: Desk, text: ProtocolText, versions: tuple[RegisteredProtocol, ...]) -> None:
    """Refuse a version that does not follow the last one sealed, or leaves out what that one told."""
    protocol, last = text.protocol, len(versions)
    if protocol.version != last + 1:
        if protocol.version <= last:
            raise _refused(
                text,
                f"another file was sealed as version {protocol.version}, and what was sealed does not change",
                f"Take back what was changed, or make it version {last + 1} and say under [[deviations]] "
                "what was changed, when and why.",
            )
        raise _refused(
            text,
            f"it is version {protocol.version}, and {f'version {last}' if last else 'none'} was sealed last",
            f"Make it version {last + 1}.",
        )
    if not versions:
        return
    told = _text_of(desk, versions[-1]).protocol.deviations
    if protocol.deviations[: len(told)] != told or len(protocol.deviations) == len(told):
        raise _refused(
            text,
            f"it must name the {len(told)} deviations of version {last} as they were, and one more at least",
            "Keep those and add what is changed now.",
        )


def _refused(text: ProtocolText, why: str, fix: str) -> UserError:
    return UserError(
        f"This protocol cannot be sealed: {why}", where=text.file_name, fix=fix, code=ExitCode.REFUSED
    )


def _not_as_sealed(file_name: str) -> UserError:
    return UserError(
        "The protocol is not the file that was sealed, so nothing is done by it",
        where=file_name,
        fix="Put back the file that was sealed; the home keeps each version in protocols/. To change the "
        "plan, seal a new version that names its deviations.",
        code=ExitCode.REFUSED,
    )
