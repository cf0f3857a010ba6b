"""What is wrong with a request, found before the engine is asked: unknown words and missing parts."""

from families_first.governance.policy.request import Context, Principal, Resource
from families_first.governance.policy.schema import ATTRIBUTES, ZONES, enumerations
from families_first.governance.vocabulary import vocabulary


def faults_of(principal: Principal, action: str, resource: Resource, context: Context) -> tuple[str, ...]:
    """Return what is wrong with a request, in words without its values; empty when nothing is."""
    try:
        return (
            *faults_of_request(principal, action, context),
            *_faults_of_kind(action, resource.kind),
            *_faults_of_attributes(resource),
        )
    except (AttributeError, TypeError):
        return ("the request is not made of words",)


def faults_of_request(principal: Principal, action: str, context: Context) -> tuple[str, ...]:
    """Return what is wrong with a request of which the thing is not known yet.

    Never from a cache: 1 equals True there, and would be taken for it or spoil the answer to it.
    """
    known = action in vocabulary().actions
    return (
        *_faults_of_person(principal),
        *(() if known else ("there is no such action",)),
        *_faults_of_circumstances(context),
    )


def _faults_of_person(principal: Principal) -> tuple[str, ...]:
    words = vocabulary()
    known = all(role in words.roles for role in principal.roles)
    named: object = principal.id
    factor: object = principal.second_factor
    found = []
    if not (isinstance(named, str) and named):
        found.append("the person has no id")
    if not principal.roles:
        found.append("the person has no role")
    if not known:
        found.append("there is no such role")
    if principal.organisation not in words.organisations:
        found.append("there is no such kind of organisation")
    if principal.zone not in ZONES:
        found.append("there is no such zone")
    if not isinstance(factor, bool):
        found.append("whether there was a second factor is not yes or no")
    return tuple(found)


def _faults_of_kind(action: str, kind: str) -> tuple[str, ...]:
    term = vocabulary().actions.get(action)
    fits = term is None or term.resource == kind
    return () if fits else ("this action is not done to this kind of thing",)


def _faults_of_circumstances(context: Context) -> tuple[str, ...]:
    if context.purpose not in vocabulary().purposes:
        return ("there is no such purpose",)
    switches = (context.agreement_in_force, context.destroy_due, context.break_glass)
    return () if all(type(each) is bool for each in switches) else ("a circumstance is not yes or no",)


def _faults_of_attributes(resource: Resource) -> tuple[str, ...]:
    name_of_it: object = resource.id
    if not isinstance(name_of_it, str):
        return ("the thing has no id",)
    wanted = ATTRIBUTES.get(resource.kind, {})
    if not wanted and not resource.attributes:
        return ()
    if resource.attributes.keys() != wanted.keys():
        return ("the thing's attributes are not those of its kind",)
    closed = enumerations()
    for name, kind in wanted.items():
        value = resource.attributes[name]
        if not (value in closed[kind] if kind in closed else type(value) is bool):
            return (f"the attribute '{name}' is not what it should be",)
    return ()
