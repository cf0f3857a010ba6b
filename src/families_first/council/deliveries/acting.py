"""Doing something with a delivery: under an agreement in force, decided and logged before it is opened."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from families_first.council.deliveries.mapping_file import SourceMapping
from families_first.council.deliveries.report import DeliveryReport
from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, check_read
from families_first.governance.desk import Act, Desk
from families_first.governance.policy import Resource


@contextmanager
def acting_on_delivery(
    desk: Desk, action: str, mapping: SourceMapping, agreement: Agreement, on: date
) -> Iterator[Act]:
    """Do something with a delivery; where no agreement is in force, its file is not even opened."""
    resource = Resource("Delivery", mapping.content.id)
    try:
        _check_in_force(agreement, mapping, on=on, today=desk.today)
    except UserError as error:
        raise desk.refuse(action, resource, error) from None
    details = {
        "agreement": agreement.id,
        "agreement_text": hashlib.sha256(agreement.model_dump_json().encode()).hexdigest()[:16],
        "mapping_text": mapping.sha256[:16],
        "as_of": on.isoformat(),
    }
    with desk.act(action, resource, agreement_in_force=True, details=details) as act:
        yield act


def _check_in_force(agreement: Agreement, mapping: SourceMapping, *, on: date, today: date) -> None:
    """Refuse unless the agreement is in force on the day asked for and on the day that it is.

    A made-up agreement covers nobody, so that examples can be read as of their own day whenever it is.
    """
    if not agreement.in_force(on):
        header = mapping.content.mapping
        check_read(
            agreement,
            sender=header.sender,
            purpose=header.purpose,
            mapping_id=mapping.content.id,
            columns=(),
            on=on,
        )
    if not (agreement.made_up or agreement.in_force(today)):
        raise UserError(
            f"The agreement '{agreement.id}' is not in force today, whatever day is asked for",
            where=agreement.title,
            fix="Have it renewed by those who signed it; nothing was read.",
            code=ExitCode.AGREEMENT,
        )


def note_report(act: Act, report: DeliveryReport) -> None:
    """Tell the log what came of a delivery: counts, and its id."""
    act.note(
        delivery=report.delivery_id,
        rows=report.rows,
        landed=report.landed,
        quarantined=report.quarantined_rows,
        already_landed=report.already_landed,
    )
