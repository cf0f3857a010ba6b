"""What would have to be otherwise for an answer to be yes: each single change, tried."""

from collections.abc import Iterator
from dataclasses import replace

from families_first.governance.policy.promises import Request
from families_first.governance.policy.schema import ZONES
from families_first.governance.policy.table import ask
from families_first.governance.vocabulary import vocabulary

_INDEPENDENT = "research-body"


def what_would_change(asked: Request) -> tuple[str, ...]:
    """Return the single changes with which a refused request would be allowed; empty when no single one is
    enough.
    """
    return tuple(dict.fromkeys(words for words, other in _changes(asked) if ask(other).allowed))


def _changes(asked: Request) -> Iterator[tuple[str, Request]]:
    person, context, words = asked.principal, asked.context, vocabulary()
    for role, term in words.roles.items():
        yield (
            f"as {term.label.lower()}",
            replace(asked, principal=replace(person, roles=frozenset({role}))),
        )
    yield "with a second factor", replace(asked, principal=replace(person, second_factor=True))
    yield "with an agreement in force", replace(asked, context=replace(context, agreement_in_force=True))
    yield "before the day of destruction", replace(asked, context=replace(context, destroy_due=False))
    yield "with the glass broken", replace(asked, context=replace(context, break_glass=True))
    if asked.resource.kind == "CaseRecord":
        own = replace(person, caseload=person.caseload | {asked.resource.id})
        yield "for a family of the caseload", replace(asked, principal=own)
    for purpose, term in words.purposes.items():
        yield f"for the purpose '{term.label}'", replace(asked, context=replace(context, purpose=purpose))
    for zone in ZONES:
        yield f"in the {zone} zone", replace(asked, principal=replace(person, zone=zone))
    yield (
        "by somebody who is not of a public agency",
        replace(asked, principal=replace(person, organisation=_INDEPENDENT)),
    )
