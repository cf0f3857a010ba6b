"""The agreements and the protocol of the made-up study, held against its files and its homes."""

import re
from datetime import date
from pathlib import Path

import pytest

from families_first.governance.agreements import Agreement, Contents, load_agreements
from families_first.governance.zone_file import Zone
from families_first.research.protocol import StudyProtocol, load_protocol
from families_first.simulation.exampleshire import study_agreements, study_protocol
from families_first.simulation.homes import ORGANISATIONS, OWNERS
from families_first.simulation.national import OUTCOMES, WINDOWS, NationalStudy, StudyPlan, simulate_national

NATIONAL = {owner: about.organisation for owner, about in OWNERS.items()} | {
    "council": ORGANISATIONS[Zone.COUNCIL]
}
LINKER, UNIVERSITY, PUBLISHER = (
    ORGANISATIONS[zone] for zone in (Zone.LINKAGE, Zone.RESEARCH, Zone.PUBLICATION)
)
TODAY = date(2026, 11, 25)


@pytest.fixture(scope="module")
def agreements() -> dict[str, Agreement]:
    return load_agreements(Path(str(study_agreements()[0])).parent)


@pytest.fixture(scope="module")
def protocol() -> StudyProtocol:
    return load_protocol(Path(str(study_protocol()))).protocol


@pytest.fixture(scope="module")
def study() -> NationalStudy:
    return simulate_national(people=1_500, programme_families=120)


def test_every_owner_has_an_agreement_and_all_are_in_force_and_made_up(agreements):
    owners = {each.study.owner for each in agreements.values() if each.study}
    assert owners == set(NATIONAL)
    assert set(agreements) == {
        *(f"study-{owner}-2026" for owner in NATIONAL),
        "study-linkage-2026",
        "study-protocol-2026",
    }
    assert all(each.made_up and each.in_force(TODAY) for each in agreements.values())


@pytest.mark.parametrize("owner", NATIONAL)
def test_parties_are_the_organisations_of_the_homes(agreements, owner):
    agreement = agreements[f"study-{owner}-2026"]
    assert {party.name for party in agreement.parties} == {NATIONAL[owner], LINKER, UNIVERSITY, PUBLISHER}
    assert agreement.study.outcomes_released_by == PUBLISHER
    assert agreement.gateway.tag == ("other" if owner == "health" else "DEA64")
    for file in agreement.files.values():
        assert file.recipient == (LINKER if file.contents == Contents.IDENTIFIERS else UNIVERSITY)


@pytest.mark.parametrize("owner", NATIONAL)
def test_an_agreement_lists_the_columns_that_the_owner_has_and_no_others(agreements, study, owner):
    agreement, files = agreements[f"study-{owner}-2026"], study.owners[owner]
    sections = {name: each for name, each in agreement.files.items() if each.contents == Contents.PAYLOAD}
    assert set(sections) == set(files.sections)
    for agreed, table in (
        (agreement.files["identifiers"], files.people),
        *((sections[name], table) for name, table in files.sections.items()),
    ):
        stands_for = {"row_key": "reference", "family_key": "family_reference"}
        listed = [stands_for.get(name, name) for name in (*agreed.columns, *agreed.not_taken)]
        assert sorted(listed) == sorted(table.column_names)


def test_outcomes_begin_with_the_first_round(agreements):
    day = StudyPlan().quarters.outcomes_from
    assert {each.study.outcomes_from for each in agreements.values() if each.study} == {day}


def test_the_protocol_asks_for_the_twelve_outcomes_as_they_are_recorded(protocol):
    words = ("label", "owner", "table", "kind", "measure", "who", "primary", "better")
    planted = {each.id: [getattr(each, word) for word in words] for each in OUTCOMES}
    asked = {each.id: [getattr(each, word) for word in words] for each in protocol.outcomes}
    assert asked == planted
    assert len(asked) == 12
    for process in OUTCOMES:
        assert process.window in protocol.outcome(process.id).windows, process.id


def test_the_protocol_has_the_windows_and_the_days_of_the_records(protocol):
    assert {name: each.quarters for name, each in protocol.windows.items()} == dict(WINDOWS)
    quarters = StudyPlan().quarters
    assert protocol.follow_up.records_until == quarters.last_day
    assert protocol.follow_up.history == quarters.history
    assert protocol.follow_up.records_from == date(2020, 1, 1)


def test_the_protocol_adjusts_for_all_that_taking_part_hangs_on(protocol):
    fields = {each.field for each in protocol.covariates}
    assert fields >= {"needs", "need_crime", "need_school", "need_children", "need_work", "deprivation_fifth"}
    assert {each.owner for each in protocol.covariates if each.owner} == set(OWNERS)


def test_planned_rates_are_the_planted_ones(protocol):
    base = {each.id: each.base for each in OUTCOMES}
    for rate in protocol.minimum_detectable_effect.rates:
        assert rate.rate == base[rate.outcome]


def test_nothing_in_the_files_names_a_real_place():
    for file in (*study_agreements(), study_protocol()):
        assert not re.search(r"herefordshire|hereford", file.read_text(encoding="utf-8"), re.IGNORECASE)


def test_the_page_of_the_study_has_the_table_that_is_planted():
    page = (Path(__file__).parents[2] / "docs/reference/made-up-study.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")][:6]
        for line in page.splitlines()
        if line.startswith("| `") and " months |" in line
    ]
    windows = {name: name.removeprefix("months-").replace("-", " to ") + " months" for name in WINDOWS}
    expected = [
        [
            each.id,
            each.who,
            each.owner,
            windows[each.window],
            f"{100 * each.base:.1f} %",
            f"{100 * (each.base + sum(step.difference for step in each.steps[:1])):.1f} %",
        ]
        for each in OUTCOMES
    ]
    assert rows == expected
