"""Is a parcel from whom it says, and for this home? What is checked before any policy or key is asked."""

from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.governance.identity import Identity, partners_of
from families_first.governance.notes import read_note
from families_first.governance.parcels.container import ParcelFile
from families_first.governance.parcels.manifest import Recipient
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason, distrusted
from families_first.governance.purposes import Purpose


def check_sender(home: Home, parcel: ParcelFile) -> Identity:
    """Return the partner that sealed a parcel.

    Raises
    ------
    ParcelRefusedError
        SENDER, when this home does not know the sender; SIGNATURE, when the manifest was not signed by it.
    """
    sender, where = parcel.manifest.sender, parcel.path.name
    partner = partners_of(home).get(sender.name)
    if partner is None:
        raise distrusted(
            Reason.SENDER, f"This parcel says that it comes from '{sender.name}', which is no partner", where
        )
    if partner.organisation != sender.organisation:
        raise distrusted(
            Reason.SENDER,
            f"The sender '{sender.name}' gives another organisation than the one that this home knows it by",
            where,
        )
    if parcel.signed_by != sender.name:
        raise distrusted(
            Reason.SIGNATURE,
            f"This parcel says that it comes from '{sender.name}', and was signed by '{parcel.signed_by}'",
            where,
        )
    try:
        read_note(parcel.note, [partner.verifier], where=where)
        signed = True
    except UserError:
        signed = False
    if not signed or not parcel.manifest.serial.startswith(partner.verifier.key_id.hex()):
        raise distrusted(
            Reason.SIGNATURE, f"The signature on this parcel is not that of '{sender.name}'", where
        )
    return partner


def check_recipient(home: Home, parcel: ParcelFile) -> Recipient:
    """Return what a parcel says of this home as its recipient.

    Raises
    ------
    ParcelRefusedError
        RECIPIENT, when it is not for this home or not for its organisation.
    """
    recipient = parcel.manifest.recipient(home.name)
    if recipient is None:
        names = ", ".join(each.name for each in parcel.manifest.recipients)
        raise distrusted(
            Reason.RECIPIENT, f"This parcel is for {names}, and this home is {home.name}", parcel.path.name
        )
    if recipient.organisation != home.organisation:
        raise distrusted(
            Reason.RECIPIENT,
            "The sender knows this home by another organisation than the one that runs it",
            parcel.path.name,
        )
    return recipient


def check_purpose(parcel: ParcelFile, purpose: Purpose) -> None:
    """Refuse to open a parcel for another purpose than the one for which it was sent (PURPOSE)."""
    sent_for = parcel.manifest.purpose
    if sent_for != purpose:
        raise ParcelRefusedError(
            Reason.PURPOSE,
            f"This parcel was sent for the purpose '{sent_for}', and you act for '{purpose}'",
            where=parcel.path.name,
            fix="Nothing was opened. Open it for the purpose for which it was sent, if that is your work.",
        )
