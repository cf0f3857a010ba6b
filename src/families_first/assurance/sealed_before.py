"""What a home's log says was done by a protocol, held against what it says was sealed before."""

from collections.abc import Collection

from families_first.assurance.bench import called
from families_first.assurance.check import Tally
from families_first.governance.audit.event import Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.study.protocols import HASH_DETAIL, SEALING


def hold_sealed_before(tally: Tally, home: Home, actions: Collection[str], *, did: str) -> None:
    """Count each act of these kinds that names a protocol: it must have been sealed by then.

    ``did`` says in the past tense what was done where it was not.
    """
    sealed: set[str] = set()
    for entry in AuditLog.open(home).entries():
        event = entry.event
        named = str(event.details.get(HASH_DETAIL) or "")
        if event.outcome is not Outcome.DONE or not named:
            continue
        if event.action == SEALING:
            sealed.add(named)
        elif event.action in actions:
            tally.holds(named in sealed, f"{called(home)} {did} by a protocol that was not sealed before")
