"""The question that comes before any file is opened: may this be read?"""

from collections.abc import Iterable
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements.model import AgreedFile, Agreement, Contents


def check_read(
    agreement: Agreement,
    *,
    sender: str,
    purpose: str,
    mapping_id: str,
    columns: Iterable[str],
    on: date,
    used: Iterable[str] | None = None,
) -> None:
    """Refuse to read a file unless the agreement allows all of it.

    Parameters
    ----------
    sender
        Who sent the file; must be a party.
    purpose
        What it is to be read for.
    mapping_id
        The mapping that is to read it.
    columns
        Every column that the file has.
    on
        The day of the reading.
    used
        The columns of which values will be taken; all of ``columns`` when not given. Columns that the
        agreement lists as not taken may be in the file and not among these.

    Raises
    ------
    UserError
        AGREEMENT, with every reason at once.
    """
    reasons = [
        *_of_the_dates(agreement, on),
        *_of_the_sender(agreement, sender),
        *_of_the_purpose(agreement, purpose),
    ]
    agreed = agreement.files.get(mapping_id)
    if agreed is None:
        reasons.append(f"it covers no file read by the mapping '{mapping_id}'")
    elif agreed.contents != Contents.RECORDS:
        reasons.append(f"[files.{mapping_id}] is for {agreed.contents}, which come in parcels alone")
    else:
        present = list(columns)
        reasons += _of_the_columns(agreed, present, present if used is None else list(used))
    if reasons:
        raise UserError(
            f"The agreement '{agreement.id}' does not allow this file to be read: {'; '.join(reasons)}",
            where=agreement.title,
            fix=(
                "Ask the sender for a file that keeps to the agreement, or have those who signed it add the "
                f"columns under [files.{mapping_id}.columns], or those that may come along unused under "
                f"[files.{mapping_id}.not_taken]; nothing was read."
            ),
            code=ExitCode.AGREEMENT,
        )


def _of_the_dates(agreement: Agreement, on: date) -> list[str]:
    if on < agreement.in_force_from:
        return [f"it is not in force until {agreement.in_force_from.isoformat()}"]
    if on > agreement.in_force_to:
        return [f"it expired on {agreement.in_force_to.isoformat()}"]
    return []


def _of_the_sender(agreement: Agreement, sender: str) -> list[str]:
    names = [party.name for party in agreement.parties]
    return [] if sender in names else [f"'{sender}' is not a party to it ({', '.join(names)} are)"]


def _of_the_purpose(agreement: Agreement, purpose: str) -> list[str]:
    agreed = [each.value for each in agreement.purposes]
    return [] if purpose in agreed else [f"its purposes are {', '.join(agreed)}, and not '{purpose}'"]


def _of_the_columns(agreed: AgreedFile, present: list[str], used: list[str]) -> list[str]:
    unlisted = sorted(set(present) - set(agreed.columns) - set(agreed.not_taken))
    # A column the mapping wants and the agreement does not list is refused even if this file lacks it.
    beyond = sorted((set(used) - set(agreed.columns)) - set(unlisted))
    reasons = []
    if unlisted:
        reasons.append(f"the file has columns that are not agreed: {', '.join(unlisted)}")
    if beyond:
        reasons.append(f"columns would be used that are not agreed to be taken: {', '.join(beyond)}")
    return reasons
