"""Sealed protocols of a home: the text, and the entry of the audit log that says when it was fixed.

What a protocol says is for the research zone to check; here it is a text with a hash, sealed once.
"""

import hashlib
from dataclasses import dataclass

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.entry import Entry
from families_first.governance.audit.event import Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.desk import Desk
from families_first.governance.durable import disk_refusals, make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.parcels.releases import is_protocol_id, protocol_file, protocol_sha256
from families_first.governance.policy import Resource

SEALING = "seal-protocol"
RESOURCE = "Protocol"
HASH_DETAIL = "protocol_sha256"
LARGEST = 1 << 20  # bytes; a value of a parcel


@dataclass(frozen=True, slots=True)
class RegisteredProtocol:
    """A sealed protocol: id, SHA-256 of its text (hexadecimal), index of the log's entry that sealed it."""

    id: str
    sha256: str
    entry: int


def register_sealed_protocol(desk: Desk, text: bytes, protocol_id: str) -> RegisteredProtocol:
    """Seal a text as the protocol of an id: kept in ``protocols/``, its hash in the audit log. Once.

    To seal the same text again changes nothing.

    Raises
    ------
    UserError
        BAD_FILE, when it is no text in UTF-8, is too large, or the id is none; REFUSED, when another text was
        sealed under this id, or the policy says no.
    """
    _check_text(text, protocol_id)
    sha256 = hashlib.sha256(text).hexdigest()
    home, resource = desk.home, Resource(RESOURCE, protocol_id)
    with desk.act(SEALING, resource, details={HASH_DETAIL: sha256}) as act, home.locked():
        # By the log too: a file could have been changed or removed first.
        before = sealing_of(desk.log, protocol_id)
        kept = {protocol_sha256(home, protocol_id), _hash_in(before) if before else ""} - {""}
        if kept - {sha256}:
            raise _sealed_otherwise(home, protocol_id)
        keep_protocol(home, protocol_id, text)
        act.note(**{HASH_DETAIL: sha256})
    sealed = before or sealing_of(desk.log, protocol_id, start=act.entry)
    if sealed is None:
        raise _not_sealed(home, protocol_id)
    return RegisteredProtocol(protocol_id, sha256, sealed.index)


def registered_protocol(home: Home, log: AuditLog, protocol_id: str) -> RegisteredProtocol:
    """Return a protocol that was sealed in a home and is as it was then.

    Raises
    ------
    UserError
        NOT_FOUND, when none was sealed under this id; REFUSED, when its file was changed since, or is gone.
    """
    sealing = sealing_of(log, protocol_id)
    if sealing is None:
        raise _not_sealed(home, protocol_id)
    now, then = protocol_sha256(home, protocol_id), _hash_in(sealing)
    if now != then:
        raise UserError(
            f"The protocol '{protocol_id}' {'was changed after it was sealed' if now else 'is gone'}",
            where=f"{protocol_id}.toml",
            fix="Put it back as it was sealed. A deviation is a new version under an id of its own, which "
            "says under [[deviations]] what changed and why.",
            code=ExitCode.REFUSED,
        )
    return RegisteredProtocol(protocol_id, then, sealing.index)


def sealing_of(log: AuditLog, protocol_id: str, *, start: int = 0) -> Entry | None:
    """Return the first entry of a log that says that a protocol was sealed; None where none does."""
    return next((each for each in log.entries(start) if seals(each, protocol_id)), None)


def seals(entry: Entry, protocol_id: str) -> bool:
    """Whether an entry says that the protocol of an id was sealed."""
    event = entry.event
    return (
        event.action == SEALING
        and event.resource_kind == RESOURCE
        and event.resource_id == protocol_id
        and event.outcome is Outcome.DONE
        and bool(_hash_in(entry))
    )


def keep_protocol(home: Home, protocol_id: str, text: bytes) -> None:
    """Keep the text of a protocol in a home."""
    path = protocol_file(home, protocol_id)
    with disk_refusals(path.name):
        make_private_folder(path.parent)
    write_durably(path, text)


def _hash_in(entry: Entry) -> str:
    return str(entry.event.details.get(HASH_DETAIL) or "")


def _check_text(text: bytes, protocol_id: str) -> None:
    fault = ""
    if not 0 < len(text) <= LARGEST:
        fault = f"A protocol is a text of at most {LARGEST:,} bytes, and not empty"
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        fault = "This protocol is not text in UTF-8"
    if not is_protocol_id(protocol_id):
        fault = "The id of a protocol has small letters, digits and hyphens, 63 at most"
    if fault:
        raise UserError(
            fault, where="protocol", fix="Correct it. Nothing was sealed.", code=ExitCode.BAD_FILE
        )


def _sealed_otherwise(home: Home, protocol_id: str) -> UserError:
    return UserError(
        f"Another text was sealed as the protocol '{protocol_id}' before",
        where=protocol_file(home, protocol_id).name,
        fix="What was sealed is not changed. A deviation is a new version under an id of its own, which says "
        "under [[deviations]] what changed and why.",
        code=ExitCode.REFUSED,
    )


def _not_sealed(home: Home, protocol_id: str) -> UserError:
    return UserError(
        "No protocol of this id was sealed in this home",
        where=home.root.name,
        fix="Seal it first: `families-first protocol seal`.",
        code=ExitCode.NOT_FOUND,
    )
