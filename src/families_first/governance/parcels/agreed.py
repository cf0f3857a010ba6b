"""Is this parcel agreed? Every party, the purpose, the day and every column, by a text that both hold."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode
from families_first.governance.agreements import Agreement, Contents, load_agreement, load_agreements
from families_first.governance.home import Home
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason
from families_first.governance.purposes import Purpose


@dataclass(frozen=True, slots=True)
class Share:
    """What one recipient gets: its organisation, what it is said to hold, the agreement's file that lists it,
    and the columns."""

    organisation: str
    contents: Contents
    file: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgreementText:
    """An agreement of a home and the SHA-256 (hexadecimal) of its file."""

    agreement: Agreement
    sha256: str


def find_agreed(
    home: Home,
    agreement_id: str,
    *,
    quoted_sha256: str = "",
    sender: str,
    purpose: Purpose,
    shares: Sequence[Share],
    on: date,
    where: str,
) -> AgreementText | ParcelRefusedError:
    """Return the agreement of a home that covers a parcel, or why none does.

    Parameters
    ----------
    quoted_sha256
        The hash of the agreement that the sender quoted; empty at sealing.
    sender
        The sender's organisation.
    on
        The day.

    Raises
    ------
    UserError
        AGREEMENT, when a file in the home's ``agreements/`` is faulty.
    """
    found = _agreement_text(home, agreement_id)
    if found is None:
        return _refused(f"There is no agreement '{agreement_id}' in this home to cover this parcel", where)
    if quoted_sha256 and quoted_sha256 != found.sha256:
        return _refused(
            f"The sender relies on another text of the agreement '{agreement_id}' than this home has", where
        )
    reasons = _reasons(found.agreement, sender, purpose, shares, on)
    if reasons:
        return _refused(
            f"The agreement '{agreement_id}' does not allow this parcel: {'; '.join(reasons)}", where
        )
    return found


def _refused(what: str, where: str) -> ParcelRefusedError:
    return ParcelRefusedError(
        Reason.AGREEMENT,
        what,
        where=where,
        fix="Nothing was sent or opened. Agree with the other side what may pass, and put the same agreement "
        "file into both homes.",
        code=ExitCode.AGREEMENT,
    )


def _agreement_text(home: Home, agreement_id: str) -> AgreementText | None:
    if agreement_id not in load_agreements(home.agreements):
        return None
    for path in sorted(home.agreements.glob("*.toml")):
        agreement = load_agreement(path)
        if agreement.id == agreement_id:
            return AgreementText(agreement, hashlib.sha256(path.read_bytes()).hexdigest())
    return None


def _reasons(
    agreement: Agreement, sender: str, purpose: Purpose, shares: Sequence[Share], on: date
) -> list[str]:
    reasons = []
    if on < agreement.in_force_from:
        reasons.append(f"it is not in force until {agreement.in_force_from.isoformat()}")
    if on > agreement.in_force_to:
        reasons.append(f"it expired on {agreement.in_force_to.isoformat()}")
    if purpose not in agreement.purposes:
        reasons.append(f"its purposes are {', '.join(agreement.purposes)}, and not '{purpose}'")
    parties = {party.name for party in agreement.parties}
    for organisation in dict.fromkeys([sender, *(each.organisation for each in shares)]):
        if organisation not in parties:
            reasons.append(f"'{organisation}' is not a party to it")
    for share in shares:
        agreed = agreement.files.get(share.file)
        if agreed is None:
            reasons.append(f"it has no [files.{share.file}]")
            continue
        if agreed.contents != share.contents:
            reasons.append(f"[files.{share.file}] is for {agreed.contents}, and not for {share.contents}")
        if agreed.recipient not in (None, share.organisation):
            reasons.append(
                f"[files.{share.file}] is for '{agreed.recipient}', and not '{share.organisation}'"
            )
        if unknown := [column for column in share.columns if column not in agreed.columns]:
            reasons.append(f"[files.{share.file}.columns] does not list {', '.join(unknown)}")
    return reasons
