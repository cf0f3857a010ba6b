"""The engine: no default but refusal, whatever is asked and however it is asked."""

import re
from importlib.resources import files
from itertools import product
from typing import Any

import cedarpy
import pytest

from families_first.governance.policy import (
    Context,
    Decision,
    Principal,
    Resource,
    decide,
    explain,
    policy_hash,
)
from families_first.governance.policy import engine as engine_module
from families_first.governance.policy.cedar_form import cedar_schema, context_json, entities
from families_first.governance.policy.engine import PolicySet, shipped_policies, shipped_text
from families_first.governance.policy.promises import PROMISES
from families_first.governance.vocabulary import vocabulary

KEYWORKER = Principal("p1", frozenset({"keyworker"}), "council", "council", False, frozenset({"family-1"}))
RESEARCHER = Principal("p2", frozenset({"researcher"}), "research-body", "research", True)
OWN = Resource("CaseRecord", "family-1")
SUPPORT = Context("identify-and-support")
WAY = {
    "sender_zone": "council",
    "recipient_zone": "linkage",
    "recipient_public_agency": False,
    "contents": "identifiers",
}


def ask(**changes: Any) -> Decision:
    asked = {"principal": KEYWORKER, "action": "view-family", "resource": OWN, "context": SUPPORT} | changes
    return decide(**asked)


def person(**changes: Any) -> Principal:
    said: dict[str, Any] = {
        "id": "p1",
        "roles": frozenset({"keyworker"}),
        "organisation": "council",
        "zone": "council",
        "second_factor": False,
        "caseload": frozenset({"family-1"}),
    }
    return Principal(**(said | changes))


def test_a_keyworker_sees_a_family_of_the_caseload() -> None:
    decision = ask()
    assert decision.allowed
    assert decision.policies == ("keyworker-works-with-own-families",)
    assert decision.policy_hash == policy_hash()


def test_a_refusal_names_the_policy_and_the_promise() -> None:
    decision = ask(resource=Resource("CaseRecord", "family-2"))
    assert not decision.allowed
    assert decision.policies == ("a-family-is-seen-by-those-who-work-with-it",)
    [promise] = decision.promises
    assert promise.startswith("will only be used and shared on a strict need to know basis")


def test_what_no_policy_permits_is_refused_without_a_policy() -> None:
    decision = ask(
        principal=person(roles=frozenset({"auditor"})),
        action="make-keys",
        resource=Resource("KeyRing", "keys"),
        context=Context("protect-data"),
    )
    assert not decision.allowed
    assert decision.policies == ()
    assert decision.faults == ()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"action": "peek"}, "there is no such action"),
        ({"action": None}, "there is no such action"),
        ({"action": ["view-family"]}, "the request is not made of words"),
        ({"resource": Resource("Famly", "family-1")}, "this action is not done to this kind of thing"),
        ({"resource": Resource("AuditLog", "log")}, "this action is not done to this kind of thing"),
        (
            {"resource": Resource("CaseRecord", "family-1", {"family": "family-1"})},
            "the thing's attributes are not those of its kind",
        ),
        ({"resource": Resource("CaseRecord", 7)}, "the thing has no id"),  # type: ignore[arg-type]
        ({"resource": None}, "the request is not made of words"),
        ({"context": Context("decide-about-people")}, "there is no such purpose"),
        ({"context": Context("")}, "there is no such purpose"),
        (
            {"context": Context("identify-and-support", break_glass=1)},  # type: ignore[arg-type]
            "a circumstance is not yes or no",
        ),
        ({"principal": person(roles=frozenset({"keyworkr"}))}, "there is no such role"),
        ({"principal": person(roles=frozenset())}, "the person has no role"),
        ({"principal": person(organisation="The Council")}, "there is no such kind of organisation"),
        ({"principal": person(zone="cloud")}, "there is no such zone"),
        ({"principal": person(id="")}, "the person has no id"),
        (
            {"principal": person(second_factor="yes")},
            "whether there was a second factor is not yes or no",
        ),
        (
            {"principal": person(caseload=frozenset({1}))},
            "the policy engine could not read the request",
        ),
        (
            {"principal": person(caseload=frozenset({1, "family-1"}))},
            "the policy engine could not read the request",
        ),
        ({"principal": None}, "the request is not made of words"),
    ],
)
def test_a_fault_is_a_refusal_and_never_an_exception(changes: dict[str, Any], fault: str) -> None:
    decision = ask(**changes)
    assert not decision.allowed
    assert fault in decision.faults
    assert decision.policies == ()


def test_a_number_in_place_of_yes_neither_passes_for_it_nor_spoils_later_answers() -> None:
    number = Context("identify-and-support", break_glass=1)  # type: ignore[arg-type]
    other = Resource("CaseRecord", "family-2")
    for _ in range(2):
        assert ask(resource=other, context=number).faults
        assert ask(resource=other, context=Context("identify-and-support", break_glass=True)).allowed
        assert ask(principal=person(second_factor=1)).faults
        assert ask(principal=person(second_factor=True)).allowed


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"sender_zone": "council"},
        WAY | {"colour": "red"},
        WAY | {"sender_zone": "county"},
        WAY | {"contents": "everything"},
        WAY | {"recipient_public_agency": "no"},
        WAY | {"recipient_public_agency": None},
        WAY | {"contents": None},
    ],
)
def test_a_parcel_that_lacks_an_attribute_or_holds_an_unknown_word_is_refused(
    attributes: dict[str, Any],
) -> None:
    lead = person(roles=frozenset({"data-lead"}))
    good = decide(
        lead, "seal-parcel", Resource("Parcel", "1", WAY), Context("research", agreement_in_force=True)
    )
    assert good.allowed
    decision = decide(
        lead,
        "seal-parcel",
        Resource("Parcel", "1", attributes),
        Context("research", agreement_in_force=True),
    )
    assert not decision.allowed
    assert decision.faults


@pytest.mark.parametrize("text", ["", 'é"\\', "a\nb", "x" * 5000, "' OR 1=1 --"])
def test_any_text_can_be_an_id_and_none_opens_a_door(text: str) -> None:
    assert not ask(resource=Resource("CaseRecord", text)).allowed
    assert ask(principal=person(id=text or "x")).allowed


def test_the_schema_goes_with_every_question(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    asked = cedarpy.is_authorized_batch

    def watched(requests: Any, policies: Any, entities: Any, schema: Any = None) -> Any:
        seen.append(schema)
        return asked(requests, policies, entities, schema)

    monkeypatch.setattr(cedarpy, "is_authorized_batch", watched)
    assert ask().allowed
    assert seen == [cedar_schema()]


def test_an_error_in_a_policy_is_a_refusal_even_where_another_permits() -> None:
    """Cedar passes over a policy that fails to evaluate; a forbid that fails would be no forbid."""
    text = """
        @id("all") permit (principal, action, resource);
        @id("broken") forbid (principal, action == Action::"inspect-parcel", resource is Parcel)
        when { resource.contents == Contents::"spine" };
    """
    policies = PolicySet.parse(text)
    bare = [(Resource("Parcel", "not-in-the-entities"), Context("research"))]
    [decision] = policies.decide_all(RESEARCHER, "inspect-parcel", bare)
    assert not decision.allowed
    assert decision.faults == ("a policy could not be evaluated",)


def test_what_the_engine_trips_over_is_a_refusal_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def trips(*_: object) -> None:
        raise RuntimeError("Ada Sample, QQ123456C")

    monkeypatch.setattr(cedarpy, "is_authorized_batch", trips)
    decision = ask()
    assert not decision.allowed
    assert decision.faults == ("the policy engine could not read the request",)


@pytest.mark.parametrize(
    "mistake",
    [
        ('Role::"keyworker"', 'Role::"keyworkr"'),
        ('Purpose::"research"', 'Purpose::"reserch"'),
        ('Action::"view-family"', 'Action::"view-famly"'),
        ('Zone::"linkage"', 'Zone::"linkages"'),
        ('Contents::"spine"', 'Contents::"spin"'),
        ("principal.second_factor", "principal.secnd_factor"),
        ("context.destroy_due", "context.destroy_do"),
        ("resource is CaseRecord", "resource is CaseRecrd"),
    ],
    ids=lambda mistake: mistake[1],
)
def test_a_misspelt_word_in_a_policy_is_refused_when_policies_are_read(mistake: tuple[str, str]) -> None:
    right, wrong = mistake
    assert right in shipped_text()
    with pytest.raises(ValueError, match=r"\S"):
        PolicySet.parse(shipped_text().replace(right, wrong, 1))


def test_a_policy_without_an_id_or_with_anothers_is_refused() -> None:
    with pytest.raises(ValueError, match="an id of its own"):
        PolicySet.parse("permit (principal, action, resource);")
    with pytest.raises(ValueError, match="an id of its own"):
        PolicySet.parse('@id("x") permit (principal, action, resource);' * 2)


def test_every_forbid_quotes_a_promise_and_no_permit_does() -> None:
    for policy in shipped_policies().policies.values():
        assert (policy.effect == "forbid") == ("promise" in policy.annotations)
        assert policy.annotations.get("promise", next(iter(PROMISES))) in PROMISES


def test_every_policy_says_what_it_means_in_words_of_its_own() -> None:
    said = [each.annotations.get("says", "") for each in shipped_policies().policies.values()]
    assert len(set(said)) == len(said)
    for words in said:
        assert re.fullmatch(r"[a-z][^.]{15,100}", words)
        assert not re.search(r"\b(agencys|councils|zones parcels|linkers|researchers)\b", words)


def test_an_explanation_tells_a_policy_by_its_words_and_not_by_its_id() -> None:
    thing = Resource("StudyExtract", "extract")
    said = explain(decide(KEYWORKER, "analyse", thing, Context("research")), "analyse", thing)
    assert "linked data never comes to anybody of a public agency" in said
    for policy in shipped_policies().policies.values():
        assert policy.annotations["id"] not in said
        assert policy.annotations["id"].replace("-", " ") not in said


@pytest.mark.parametrize(
    ("role", "zone", "action", "kind", "purpose"),
    [
        ("custodian", "council", "unlock-keys", "KeyRing", "protect-data"),
        ("researcher", "research", "analyse", "StudyExtract", "research"),
        ("custodian", "research", "unlock-keys", "KeyRing", "protect-data"),  # two rules, told once
    ],
)
def test_a_refusal_for_want_of_a_second_factor_says_so_once(
    role: str, zone: str, action: str, kind: str, purpose: str
) -> None:
    asked = person(roles=frozenset({role}), organisation="research-body", zone=zone)
    thing = Resource(kind, "thing")
    said = explain(decide(asked, action, thing, Context(purpose)), action, thing)
    wanted = (
        "was refused: this asks for a second factor at sign-in, and the staff register does not say that "
        "this account has one. The public notice"
    )
    assert said.count(wanted) == 1
    asked = person(roles=frozenset({role}), organisation="research-body", zone=zone, second_factor=True)
    assert decide(asked, action, thing, Context(purpose)).allowed


def test_every_promise_that_a_policy_quotes_is_a_sentence_of_the_public_notice() -> None:
    notice = files("families_first.governance").joinpath("notice.txt").read_text(encoding="utf-8")
    assert all(promise in notice for promise in PROMISES)


@pytest.mark.parametrize("purpose", vocabulary().purposes)
def test_asking_only_policies_that_can_hold_and_of_one_action_each_changes_no_answer(purpose: str) -> None:
    whole = engine_module._handle(shipped_policies().policies)
    context = Context(purpose, agreement_in_force=True)
    for role, zone, action in product(
        vocabulary().roles, ("council", "owner"), vocabulary().actions.values()
    ):
        attributes = WAY if action.resource == "Parcel" else {}
        asked = person(roles=frozenset({role}), zone=zone, second_factor=True)
        thing = Resource(action.resource, "thing", attributes)
        said = decide(asked, action.id, thing, context)
        full = cedarpy.is_authorized(
            {
                "principal": {"type": "Person", "id": asked.id},
                "action": {"type": "Action", "id": action.id},
                "resource": {"type": thing.kind, "id": thing.id},
                "context": context_json(context),
            },
            whole,
            entities(asked, [thing] if attributes else []),
            cedar_schema(),
        )
        assert not full.diagnostics.errors
        assert full.allowed == said.allowed
        assert set(full.diagnostics.id_annotations_by_reason.values()) == set(said.policies)


def test_the_hash_is_that_of_the_policies_and_the_schema() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", policy_hash())
    fewer = PolicySet(dict(list(shipped_policies().policies.items())[1:]))
    assert fewer.hash != policy_hash()


def test_a_refusal_is_explained_with_the_notices_sentence_and_no_id() -> None:
    thing = Resource("StudyExtract", "secret-id")
    said = explain(decide(KEYWORKER, "analyse", thing, Context("research")), "analyse", thing)
    assert "'Analyse' was refused" in said
    assert (
        '"the linked personal data will not be shared with or made available to the local authority' in said
    )
    assert "secret-id" not in said
    assert "p1" not in said


def test_an_explanation_of_what_nobody_permits_says_so() -> None:
    thing = Resource("KeyRing", "keys")
    auditor = person(roles=frozenset({"auditor"}))
    decision = decide(auditor, "make-keys", thing, Context("protect-data"))
    assert explain(decision, "make-keys", thing) == (
        "'Make keys' was refused: no policy permits it to this person for this purpose"
    )


def test_an_explanation_of_a_fault_names_the_fault() -> None:
    decision = ask(action="peek")
    assert "there is no such action" in explain(decision, "peek", OWN)
