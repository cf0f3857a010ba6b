"""Who may do what, written by hand, and held equal to what the policies allow of every possible request.

A line reads: role | may | in the zones | for the purpose | if. What no line says is refused. Under ``if``:

- ``own family``: a family of the person's caseload; ``emergency``: they have broken the glass for it;
- ``agreement``: an agreement in force covers it;
- ``independent``: the person does not work for a public agency;
- ``second factor``: also in the council zone (in the other zones every act needs one);
- ``any day``: also after the day of destruction (nothing else is then allowed);
- ``sends X``, ``receives X``: a parcel that holds X, on its one way, from or to the person's own zone.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from families_first.governance.policy.engine import shipped_policies
from families_first.governance.policy.enumeration import (
    CIRCUMSTANCES,
    count,
    enumerate_requests,
    reads,
    roles_named,
)
from families_first.governance.policy.mutants import Mutant, answers, everything_asked, judge, mutants
from families_first.governance.policy.promises import Request, promises_broken
from families_first.governance.policy.schema import ZONES
from families_first.governance.policy.table_page import policy_page
from families_first.governance.vocabulary import vocabulary

SUPPORT, RESEARCH, PROTECT = "identify-and-support", "research", "protect-data"

SPEC = """
data-lead | check-delivery, land-delivery | council | identify-and-support | agreement
data-lead | view-feeds, match-people, form-families | council | identify-and-support |
data-lead | identify-families, list-families | council | identify-and-support |
data-lead | view-family | council | identify-and-support |
data-lead | seal-parcel | council | identify-and-support | agreement, sends records
data-lead | open-parcel | council | identify-and-support | agreement, receives records
data-lead | seal-parcel | council | research | agreement, sends identifiers
data-lead | seal-parcel | council | research | agreement, sends payload
data-lead | inspect-parcel | council | identify-and-support, research | open way
data-lead | split-study | council | research | agreement
data-lead | split-study | owner | research | agreement
data-lead | record-objection | council | protect-data |
data-lead | record-objection | owner | protect-data |
data-lead | seal-parcel | owner | research | agreement, sends identifiers
data-lead | seal-parcel | owner | research | agreement, sends payload
data-lead | inspect-parcel | owner | research | open way
clerical-reviewer | review-matches, decide-matches | council | identify-and-support |
keyworker | view-signal, view-family, update-case | council | identify-and-support | own family
keyworker | view-signal, view-family | council | identify-and-support | emergency
keyworker | break-glass | council | identify-and-support |
team-manager | view-feeds, list-families | council | identify-and-support |
team-manager | view-signal, view-family, update-case, break-glass | council | identify-and-support |
partner-practitioner | view-signal | council | identify-and-support | own family
linker | link-people | linkage | research | independent
linker | destroy-identifiers | linkage | research, protect-data | independent, any day
linker | open-parcel | linkage | research | independent, agreement, receives identifiers
linker | seal-parcel | linkage | research | agreement, sends spine
linker | inspect-parcel | linkage | research | open way
researcher | build-extract, analyse | research | research | independent
researcher | seal-protocol | research | research |
researcher | open-parcel | research | research | independent, agreement, receives payload
researcher | open-parcel | research | research | independent, agreement, receives spine
researcher | open-parcel | research | research | independent, agreement, receives release
researcher | seal-parcel | research | research | agreement, sends outputs
researcher | seal-parcel | research | research | agreement, sends protocol
researcher | inspect-parcel | research | research | open way
output-checker | check-output, release-output | publication | research | independent
output-checker | release-outcomes | publication | research | independent
output-checker | open-parcel | publication | research | independent, agreement, receives outputs
output-checker | open-parcel | publication | research | independent, agreement, receives protocol
output-checker | seal-parcel | publication | research | agreement, sends release
output-checker | inspect-parcel | publication | research | open way
data-protection-officer | read-audit, verify-audit, checkpoint-audit | every | protect-data | any day
data-protection-officer | review-emergencies | council | protect-data |
data-protection-officer | record-objection | council | protect-data |
data-protection-officer | record-objection | owner | protect-data |
data-protection-officer | run-assurance | every | protect-data | any day
data-protection-officer | inspect-parcel | every | protect-data | open way
auditor | read-audit, verify-audit, checkpoint-audit | every | protect-data | any day
custodian | verify-audit, checkpoint-audit, make-keys | every | protect-data | any day
custodian | unlock-keys, rotate-keys, erase-subject | every | protect-data | any day, second factor
custodian | destroy-class | every | protect-data | any day, second factor
custodian | back-up | every | protect-data |
custodian | restore | every | protect-data | any day
senior-responsible-owner | end-programme, extend-retention | every | protect-data | second factor
senior-responsible-owner | destroy-class | every | protect-data | any day, second factor
"""

# Whoever has one of these pairs of roles may do nothing with either.
NEVER_TOGETHER = [{"linker", "researcher"}, {"researcher", "output-checker"}]
# Whoever decides about families does not act on linked data, whatever other role they have.
DECIDES_ABOUT_FAMILIES = {"data-lead", "clerical-reviewer", "keyworker", "team-manager"}
LINKED = {"Identifiers", "LinkedRecords", "StudyExtract"}

# contents: from which zones, to which, and whether the recipient may be a public agency
WAYS = {
    "identifiers": ({"council", "owner"}, "linkage", True),
    "payload": ({"council", "owner"}, "research", True),
    "spine": ({"linkage"}, "research", False),
    "outputs": ({"research"}, "publication", False),
    "protocol": ({"research"}, "publication", False),
    "release": ({"publication"}, "research", False),
}


@dataclass(frozen=True)
class Line:
    role: str
    actions: frozenset[str]
    zones: frozenset[str]
    purposes: frozenset[str]
    conditions: frozenset[str]


def lines() -> Iterator[Line]:
    for text in SPEC.strip().splitlines():
        role, actions, zones, purposes, conditions = (part.strip() for part in text.split("|"))
        yield Line(
            role,
            frozenset(actions.split(", ")),
            frozenset(ZONES) if zones == "every" else frozenset({zones}),
            frozenset(purposes.split(", ")),
            frozenset(conditions.split(", ")) - {""},
        )


LINES = list(lines())


def way_is_open(asked: Request) -> bool:
    parcel = asked.resource.attributes
    sender, recipient = parcel["sender_zone"], parcel["recipient_zone"]
    to_agency = parcel["recipient_public_agency"]
    if parcel["contents"] == "records":
        return recipient == "council" and sender in ("council", "owner")
    senders, to, agency_too = WAYS[str(parcel["contents"])]
    return sender in senders and recipient == to and (agency_too or not to_agency)


def condition_holds(condition: str, asked: Request) -> bool:
    person, context, parcel = asked.principal, asked.context, asked.resource.attributes
    direction, _, contents = condition.partition(" ")
    if direction in ("sends", "receives"):
        end = parcel["sender_zone" if direction == "sends" else "recipient_zone"]
        return way_is_open(asked) and parcel["contents"] == contents and end == person.zone
    return {
        "own family": lambda: asked.resource.id in person.caseload,
        "emergency": lambda: context.break_glass,
        "agreement": lambda: context.agreement_in_force,
        "independent": lambda: not vocabulary().organisations[person.organisation].public_agency,
        "second factor": lambda: person.second_factor,
        "open way": lambda: way_is_open(asked),
        "any day": lambda: True,
    }[condition]()


def spec_allows(asked: Request) -> bool:
    person = asked.principal
    if "system-administrator" in person.roles or any(pair <= person.roles for pair in NEVER_TOGETHER):
        return False
    if asked.resource.kind in LINKED and person.roles & DECIDES_ABOUT_FAMILIES:
        return False
    if "partner-practitioner" in person.roles and asked.action != "view-signal":
        return False
    if person.zone != "council" and not person.second_factor:
        return False
    return any(
        line.role in person.roles
        and asked.action in line.actions
        and person.zone in line.zones
        and asked.context.purpose in line.purposes
        and (not asked.context.destroy_due or "any day" in line.conditions)
        and all(condition_holds(each, asked) for each in line.conditions)
        for line in LINES
    )


def test_the_policies_allow_what_the_table_says_and_nothing_else() -> None:
    differing = [
        request for request, decision in everything_asked() if decision.allowed != spec_allows(request)
    ]
    assert len(everything_asked()) > 100_000
    assert not differing


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_policies_allow_what_the_table_says_in_the_whole_space() -> None:
    differing = [
        request
        for request, decision in enumerate_requests(shipped_policies(), whole=True)
        if decision.allowed != spec_allows(request)
    ]
    assert not differing


def test_every_line_of_the_table_is_needed() -> None:
    used = {
        line
        for line in LINES
        for asked in answers().all_allowed
        if line.role in asked.principal.roles
        and asked.action in line.actions
        and all(condition_holds(each, asked) for each in line.conditions)
    }
    assert used == set(LINES)


DROPPED = [each for each in mutants() if each.broken is None]
WEAKENED = [each for each in mutants() if each.broken is not None]


@pytest.mark.parametrize("mutant", DROPPED, ids=lambda mutant: mutant.policy)
def test_no_policy_can_be_dropped_unnoticed(mutant: Mutant) -> None:
    assert judge(mutant).killer is not None


@pytest.mark.slow
@pytest.mark.parametrize("mutant", WEAKENED, ids=lambda mutant: f"{mutant.policy}: {mutant.mutation}")
def test_no_condition_can_be_weakened_unnoticed(mutant: Mutant) -> None:
    assert judge(mutant).killer is not None


def test_there_is_a_mutant_for_every_policy_and_for_conditions_of_most_forbids() -> None:
    assert {each.policy for each in DROPPED} == {
        each.annotations["id"] for each in shipped_policies().policies.values()
    }
    assert len(WEAKENED) > 200


# What the quick space leaves out rests on these.


def test_no_policy_reads_more_of_an_organisation_than_whether_it_is_a_public_agency() -> None:
    assert not any("organisation" in reads(each) for each in shipped_policies().policies.values())


def test_permits_read_no_circumstance_that_the_quick_space_takes_away() -> None:
    permits = [each for each in shipped_policies().policies.values() if each.effect == "permit"]
    assert permits
    assert not any(reads(each) & set(CIRCUMSTANCES) for each in permits)


def test_no_policy_reads_two_of_the_circumstances_that_are_taken_away_one_at_a_time() -> None:
    assert all(len(reads(each) & set(CIRCUMSTANCES)) <= 1 for each in shipped_policies().policies.values())


def test_the_system_administrator_is_named_by_no_permit() -> None:
    permits = [each for each in shipped_policies().policies.values() if each.effect == "permit"]
    assert not any("system-administrator" in roles_named(each) for each in permits)


def test_the_reference_page_has_every_action_and_every_promise_that_a_policy_keeps() -> None:
    page = policy_page()
    for term in vocabulary().actions.values():
        assert f"| {term.label.lower()} |" in page
    for policy in shipped_policies().policies.values():
        if policy.effect == "forbid":
            assert policy.annotations["promise"] in page


def test_nothing_that_is_allowed_breaks_a_promise() -> None:
    assert len(answers().all_allowed) > 500
    assert not [asked for asked in answers().all_allowed if promises_broken(asked)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_space_has_as_many_requests_as_its_parts_multiply_to() -> None:
    found = count(shipped_policies(), whole=True)
    assert found.asked > 1_000_000
    assert found.breaking == 0
