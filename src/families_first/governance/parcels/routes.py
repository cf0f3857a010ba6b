"""Where a parcel goes, in the words of the access policy; and what is logged when it may not."""

import contextlib
from collections.abc import Iterator

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.audit.event import Event, Outcome
from families_first.governance.desk import Act, Desk
from families_first.governance.parcels.agreed import AgreementText
from families_first.governance.parcels.refusals import ParcelRefusedError
from families_first.governance.policy import Context, Resource, decide
from families_first.governance.staff import account_name
from families_first.governance.vocabulary import vocabulary


def parcel_resource(
    serial: str, *, sender_zone: str, recipient_zone: str, recipient_kind: str, contents: Contents
) -> Resource:
    """Return a parcel on its way to one recipient as the policy sees it.

    ``recipient_kind`` is the kind of the recipient's organisation: a term of the vocabulary.

    Raises
    ------
    UserError
        HOME, when the vocabulary has no such kind.
    """
    kind = vocabulary().organisations.get(recipient_kind)
    if kind is None:
        raise UserError(
            f"There is no kind of organisation '{recipient_kind}'",
            where=serial,
            fix=f"Correct organisation_kind; use one of: {', '.join(vocabulary().organisations)}.",
            code=ExitCode.HOME,
        )
    return Resource(
        "Parcel",
        serial,
        {
            "sender_zone": sender_zone,
            "recipient_zone": recipient_zone,
            "recipient_public_agency": kind.public_agency,
            "contents": contents.value,
        },
    )


@contextlib.contextmanager
def allowed(
    desk: Desk, action: str, resource: Resource, found: AgreementText | ParcelRefusedError
) -> Iterator[Act]:
    """Begin the act if the policy opens the way and an agreement was found; otherwise refuse and log.

    Where the policy shuts the way whatever is agreed, it is the policy that answers, with the sentence of the
    notice that stands behind it; otherwise a missing agreement is told in its own words. A refusal inside the
    act is noted in the entry that closes it.

    Raises
    ------
    UserError
        REFUSED or AGREEMENT.
    """
    refusal = found if isinstance(found, ParcelRefusedError) else None
    if refusal is not None and route_is_open(desk, action, resource):
        _log_refusal(desk, action, resource.id, refusal)
        raise refusal
    with desk.act(action, resource, agreement_in_force=refusal is None) as act:
        if refusal is not None:
            raise refusal
        try:
            yield act
        except ParcelRefusedError as later:
            act.note(reason=later.reason.value)
            raise


def route_is_open(desk: Desk, action: str, resource: Resource) -> bool:
    """Whether the policy would let a parcel go this way under an agreement. Nothing is logged."""
    agreed = Context(purpose=desk.purpose.value, agreement_in_force=True)
    return decide(desk.person.principal(desk.home), action, resource, agreed).allowed


@contextlib.contextmanager
def refusals_logged(desk: Desk, action: str, serial: str) -> Iterator[None]:
    """Log a parcel that is refused before the policy is asked."""
    try:
        yield
    except ParcelRefusedError as refusal:
        _log_refusal(desk, action, serial, refusal)
        raise


def _log_refusal(desk: Desk, action: str, serial: str, refusal: ParcelRefusedError) -> None:
    desk.log.append(
        Event(
            action=action,
            resource_kind="Parcel",
            resource_id=serial,
            purpose=desk.purpose.value,
            outcome=Outcome.REFUSED,
            actor=desk.person.id,
            account=account_name(),
            details={"reason": refusal.reason.value},
        )
    )
