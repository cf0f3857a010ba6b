"""Who works in the homes, and whether anybody holds roles that must be apart."""

from collections.abc import Mapping
from itertools import product

from families_first.assurance.bench import Bench, called
from families_first.assurance.check import Findings, Tally, check
from families_first.governance.home import Home
from families_first.governance.policy import Context, Principal, Resource, decide
from families_first.governance.policy.enumeration import INDEPENDENT
from families_first.governance.policy.schema import ATTRIBUTES
from families_first.governance.staff import StaffMember, read_staff
from families_first.governance.vocabulary import vocabulary

_DECIDERS = ("keyworker", "team-manager", "data-lead", "clerical-reviewer", "partner-practitioner")
_STUDY = ("linker", "researcher", "output-checker")

INCOMPATIBLE = frozenset(
    {
        frozenset({"linker", "researcher"}),  # identifiers and what happened to people
        frozenset({"researcher", "output-checker"}),  # nobody checks their own outputs
        *(frozenset(pair) for pair in product(_DECIDERS, _STUDY)),  # linked data and decisions about families
    }
)
"""Pairs of roles that no person may hold together."""

_ADMINISTRATOR = "system-administrator"


@check(
    "no-incompatible-roles",
    tries="hold two roles that must be apart, or to do something as an administrator of the staff register",
    unit="people and requests",
)
def no_incompatible_roles(bench: Bench) -> Findings:
    """Everybody on the registers of the homes; and made-up people with both roles of each pair, at the
    study's acts."""
    tally = Tally()
    people = 0
    for home in bench.examined():
        for person in read_staff(home).people.values():
            people += 1
            roles = frozenset(person.roles)
            both = [sorted(pair) for pair in INCOMPATIBLE if pair <= roles]
            if _ADMINISTRATOR in roles and len(roles) > 1:
                both.append([_ADMINISTRATOR, *sorted(roles - {_ADMINISTRATOR})])
            told = "; ".join(" and ".join(pair) for pair in both)
            tally.holds(not both, f"{person.id} of {called(home)} is {told}")
            if _ADMINISTRATOR in roles:
                _ask_everything(tally, home, person)
    for pair in sorted(map(sorted, INCOMPATIBLE)):
        _ask_for_study_data(tally, frozenset(pair))
    return tally.findings(
        f"The roles of {people} people on the staff registers were compared, administrators were sent to "
        "ask for every act, and a made-up person with both roles of each forbidden pair asked for the "
        "study's data."
    )


def _ask_everything(tally: Tally, home: Home, person: StaffMember) -> None:
    for action, purpose in product(vocabulary().actions.values(), vocabulary().purposes):
        if not ATTRIBUTES.get(action.resource):
            answer = decide(
                person.principal(home),
                action.id,
                Resource(action.resource, "thing"),
                Context(purpose, agreement_in_force=True),
            )
            tally.holds(not answer.allowed, f"the administrator {person.id}: {action.id}")


def _ask_for_study_data(tally: Tally, roles: frozenset[str]) -> None:
    """Ask for linked data in a zone of the study, where a decider's second role would open it."""
    acts: Mapping[str, tuple[str, ...]] = {
        "linkage": ("link-people", "destroy-identifiers"),
        "research": ("build-extract", "analyse"),
    }
    if "output-checker" in roles:
        if "researcher" not in roles:
            return  # what a checker sees is no linked data; the pair is looked for in the registers
        acts = {"publication": ("release-outcomes", "check-output", "release-output")}
    for zone, actions in acts.items():
        for action in actions:
            person = Principal("person", roles, INDEPENDENT, zone, second_factor=True)
            thing = Resource(vocabulary().actions[action].resource, "thing")
            answer = decide(person, action, thing, Context("research", agreement_in_force=True))
            tally.holds(not answer.allowed, f"{' and '.join(sorted(roles))}: {action}")
