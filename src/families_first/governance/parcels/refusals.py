"""Why a parcel is not sealed or not opened: a word for the audit log, a sentence and a remedy for people."""

from enum import StrEnum

from families_first.errors import ExitCode, UserError


class Reason(StrEnum):
    """What was wrong, as the audit log keeps it; in the order in which an opening checks."""

    FORM = "form"
    SENDER = "sender"
    SIGNATURE = "signature"
    RECIPIENT = "recipient"
    PURPOSE = "purpose"
    AGREEMENT = "agreement"
    SERIAL = "serial"
    LOCKED = "locked"
    PROTOCOL = "protocol"
    BODY = "body"
    ROWS = "rows"
    KEY = "key"


class ParcelRefusedError(UserError):
    """A refusal of a parcel; ``reason`` is what the audit log keeps of it."""

    def __init__(
        self, reason: Reason, what: str, *, where: str, fix: str, code: ExitCode = ExitCode.PARCEL
    ) -> None:
        super().__init__(what, where=where, fix=fix, code=code)
        self.reason = reason


def damaged_parcel(what: str, where: str) -> ParcelRefusedError:
    """Return the refusal of a file that has not the form of a parcel."""
    return ParcelRefusedError(
        Reason.FORM,
        what,
        where=where,
        fix="Nothing was opened. Fetch the parcel again; if that is no help, ask the sender for a new one.",
    )


def false_body(what: str, where: str, *, reason: Reason = Reason.BODY) -> ParcelRefusedError:
    """Return the refusal of a body that is not the one that the manifest speaks of."""
    return ParcelRefusedError(
        reason,
        what,
        where=where,
        fix="Nothing was kept. Ask the sender for a new parcel, and find out how this one came.",
    )


def distrusted(reason: Reason, what: str, where: str) -> ParcelRefusedError:
    """Return the refusal of a parcel that is not from, or not for, whom it should be."""
    return ParcelRefusedError(
        reason,
        what,
        where=where,
        fix="Nothing was opened. Ring the sender by a number that you know, and ask what they sent to whom.",
    )


def not_released(serial: str, released_by: str, where: str) -> ParcelRefusedError:
    """Return the refusal of a parcel of which this home can open nothing before another home releases it."""
    return ParcelRefusedError(
        Reason.LOCKED,
        f"Every column of this parcel is locked until '{released_by}' releases it",
        where=where,
        fix="Nothing was opened, and the parcel can be opened later. Seal the protocol, ask for the release "
        f"of {serial} with `families-first study request-release`, and take the answer in with "
        "`families-first study accept-release`.",
    )
