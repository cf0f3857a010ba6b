"""The vocabulary: one spelling of every word, and everything that is made from it agrees."""

import re

import pytest

from families_first.governance.agreements import Contents
from families_first.governance.gateways import GATEWAYS
from families_first.governance.paperwork import choices
from families_first.governance.policy.schema import ATTRIBUTES, ZONES, enumerations, schema_text
from families_first.governance.purposes import AGREED_PURPOSES, Purpose
from families_first.governance.vault.dataset import DATASET_KINDS
from families_first.governance.vocabulary import Term, vocabulary
from families_first.governance.zone_file import ORGANISATION_KINDS, Zone
from families_first.records.kinds import EpisodeKind, EventKind, MeasureKind, RelationshipKind
from families_first.records.tables import PERSON_RECORD

WORDS = vocabulary()
SECTIONS = ("purposes", "roles", "organisations", "actions", "contents", "data_classes", "rights")
TERMS: list[Term] = [term for section in SECTIONS for term in getattr(WORDS, section).values()]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.id)
def test_a_term_says_what_it_means_in_one_line(term: Term) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", term.id)
    assert term.label
    assert len(term.says) > 10
    assert not term.says.endswith(".")
    assert "\n" not in term.says


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.id)
def test_a_dpv_term_is_of_the_vocabularys_own_namespaces(term: Term) -> None:
    assert not term.dpv or re.fullmatch(
        r"https://w3id\.org/dpv(/pd|/legal/eu/gdpr)?#[A-Z][A-Za-z0-9]+", term.dpv
    )


def test_every_purpose_has_a_dpv_term() -> None:
    assert all(term.dpv for term in WORDS.purposes.values())


def test_purposes_are_those_of_the_vocabulary() -> None:
    assert [each.value for each in Purpose] == list(WORDS.purposes)


def test_there_is_no_purpose_of_deciding_about_a_person() -> None:
    assert set(WORDS.purposes) == {"identify-and-support", "research", "protect-data"}


def test_no_gateway_and_so_no_agreement_carries_the_purpose_of_protecting_data() -> None:
    assert all(gateway.purposes <= AGREED_PURPOSES for gateway in GATEWAYS.values())
    assert Purpose.PROTECT_DATA not in AGREED_PURPOSES


def test_zones_are_those_of_homes() -> None:
    assert tuple(each.value for each in Zone) == ZONES
    assert all(action.zones <= set(ZONES) and action.zones for action in WORDS.actions.values())


def test_homes_know_kinds_of_organisation_of_the_vocabulary() -> None:
    assert set(ORGANISATION_KINDS.values()) <= set(WORDS.organisations)


def test_only_a_council_home_is_run_by_a_public_agency_unless_it_says_so() -> None:
    agencies = {zone for zone, kind in ORGANISATION_KINDS.items() if WORDS.organisations[kind].public_agency}
    assert agencies == {Zone.COUNCIL}


@pytest.mark.parametrize("action", WORDS.actions.values(), ids=lambda action: action.id)
def test_an_action_reads_and_writes_kinds_of_dataset_that_exist(action: object) -> None:
    assert action.reads | action.writes <= set(DATASET_KINDS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("action", ["erase-subject", "destroy-class", "back-up", "restore"])
def test_what_destroys_and_what_copies_reaches_every_kind_of_dataset(action: str) -> None:
    """So that a new kind cannot be left behind on the day of destruction, or in an old backup."""
    term = WORDS.actions[action]
    assert term.reads == set(DATASET_KINDS)
    assert term.writes == (set() if action == "back-up" else set(DATASET_KINDS))


def test_contents_of_parcels_are_those_of_agreements() -> None:
    assert {each.value for each in Contents} == set(WORDS.contents)


def test_every_field_of_a_person_and_every_kind_is_of_one_class_of_data() -> None:
    """So that a notice made from the classes leaves nothing out."""
    references = {"source", "record_id", "delivery_id", "line"}
    kinds = [each.value for kind in (RelationshipKind, EventKind, EpisodeKind, MeasureKind) for each in kind]
    words = [*(set(PERSON_RECORD.names) - references), *kinds]
    classes = WORDS.data_classes.values()
    assert sorted(word for term in classes for word in term.holds) == sorted(words)
    assert all(said for term in classes for said in term.holds.values())


def test_the_schema_enumerates_every_word() -> None:
    for name, ids in enumerations().items():
        [line] = re.findall(rf"^entity {name} enum \[(.*)\];$", schema_text(), flags=re.MULTILINE)
        assert re.findall(r'"([^"]+)"', line) == list(ids)


def test_the_schema_has_every_action_with_its_kind_and_zones() -> None:
    for action in WORDS.actions.values():
        [line] = [each for each in schema_text().splitlines() if each.startswith(f'action "{action.id}" ')]
        assert f"resource: [{action.resource}]" in line
        assert set(re.findall(r"acts-of-([a-z]+)", line)) == action.zones


def test_the_attributes_of_a_parcel_are_those_of_the_schema() -> None:
    body = re.search(r"entity Parcel \{(.*?)\}", schema_text(), flags=re.DOTALL)
    assert body is not None
    assert dict(re.findall(r"(\w+): (\w+)", body[1])) == dict(ATTRIBUTES["Parcel"])


def test_the_choices_of_a_form_are_the_terms_in_order() -> None:
    assert choices("roles") == [(term.id, term.label) for term in WORDS.roles.values()]
    assert dict(choices("purposes"))["research"] == "Research"
    with pytest.raises(KeyError):
        choices("people")
