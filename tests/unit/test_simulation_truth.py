"""The truth of a made-up county: families, facts that came to notice, and what was lost on the way."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from families_first.records.kinds import EpisodeKind, EventKind, EventRole, MeasureKind, RelationshipKind
from families_first.simulation import County, simulate_county, write_extracts, write_truth
from families_first.simulation.extracts import send_extracts
from families_first.simulation.truth import fact_schema, standing_tables

FACTS = {"event": EventKind, "episode": EpisodeKind, "measure": MeasureKind}


@pytest.fixture(scope="module")
def county() -> County:
    return simulate_county(people=30_000, seed=21)


@pytest.fixture(scope="module")
def truth(county: County) -> Mapping[str, pa.Table]:
    return {**standing_tables(county), **send_extracts(county, None).truth}


@pytest.mark.parametrize("name", ["record", "family", "relationship", "event", "episode", "measure", "lost"])
def test_no_row_of_the_truth_is_without_its_person(
    county: County, truth: Mapping[str, pa.Table], name: str
) -> None:
    person = truth[name]["person_no"]
    assert person.null_count == 0
    assert pc.min(person).as_py() >= 0
    assert pc.max(person).as_py() < len(county)


@pytest.mark.parametrize("name", list(FACTS))
def test_facts_are_in_the_canonical_shape_and_vocabulary(truth: Mapping[str, pa.Table], name: str) -> None:
    assert truth[name].schema.equals(fact_schema(name))
    assert set(pc.unique(truth[name]["kind"]).to_pylist()) <= set(FACTS[name])


def test_every_kind_that_an_agency_can_tell_of_occurs(truth: Mapping[str, pa.Table]) -> None:
    told = {name: set(pc.unique(truth[name]["kind"]).to_pylist()) for name in FACTS}
    assert told["event"] == set(EventKind)
    assert told["episode"] == set(EpisodeKind)
    assert told["measure"] == {MeasureKind.ABSENCE, MeasureKind.UNAUTHORISED_ABSENCE}
    assert set(pc.unique(truth["event"]["role"]).to_pylist()) == set(EventRole)


def test_a_record_is_of_one_person(truth: Mapping[str, pa.Table]) -> None:
    record = truth["record"]
    whose = {}
    for source, reference, person in zip(
        *(record[n].to_pylist() for n in ("source", "record_id", "person_no")), strict=True
    ):
        assert whose.setdefault((source, reference), person) == person


def test_nothing_happens_before_birth_or_after_the_as_of_day(
    county: County, truth: Mapping[str, pa.Table]
) -> None:
    for name, day in (("event", "occurred_on"), ("episode", "started_on")):
        days = truth[name][day].cast("int32").to_numpy()
        born = county.residents.born[truth[name]["person_no"].to_numpy()]
        assert (days <= county.as_of).all()
        assert (days < born).mean() <= 0.002


def test_between_a_half_and_three_in_a_hundred_facts_are_lost(truth: Mapping[str, pa.Table]) -> None:
    lost = Counter(truth["lost"]["table"].to_pylist())
    for name, least in (("event", 0.005), ("episode", 0.005), ("measure", 0.001)):
        assert least < lost[name] / len(truth[name]) < 0.03
    assert set(truth["lost"]["reason"].to_pylist()) == {"late", "coverage gap", "broken row"}


def test_every_family_has_a_child_and_somebody_grown_up(truth: Mapping[str, pa.Table]) -> None:
    family = truth["family"]
    roles: dict[int, set[str]] = {}
    for number, role in zip(family["family_no"].to_pylist(), family["role"].to_pylist(), strict=True):
        roles.setdefault(number, set()).add(role)
    assert all("child" in found for found in roles.values())
    with_adult = sum(len(found) > 1 for found in roles.values())
    assert with_adult > 0.99 * len(roles)  # a few lone parents have died
    seen = set().union(*roles.values())
    assert seen == {"child", "parent", "step_parent", "carer", "non_resident_parent", "other_adult"}


def test_every_kind_of_relationship_occurs(truth: Mapping[str, pa.Table]) -> None:
    kinds = set(pc.unique(truth["relationship"]["kind"]).to_pylist())
    assert kinds == set(RelationshipKind) - {RelationshipKind.SAME_HOUSEHOLD_AS}


def test_troubles_cluster_in_families(county: County, truth: Mapping[str, pa.Table]) -> None:
    home = county.residents.household
    with_children = set(truth["family"]["family_no"].to_pylist())

    def families(name: str, *kinds: str) -> set[int]:
        rows = truth[name].filter(pc.is_in(truth[name]["kind"], pa.array(kinds)))
        return set(home[rows["person_no"].to_numpy()].tolist()) & with_children

    abuse = families("event", "domestic_abuse_incident")
    workless = families("episode", "out_of_work_benefit")
    offending = families("event", "offence_proven")
    for first, second in ((abuse, workless), (workless, offending), (abuse, offending)):
        by_chance = len(first) * len(second) / len(with_children)
        assert len(first & second) > 1.5 * by_chance


def test_the_same_seed_sends_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_extracts(simulate_county(people=800, seed=4), tmp_path / name)
    sent = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(sent) == 16
    for name in sent:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_the_truth_is_written_as_eight_tables(tmp_path: Path) -> None:
    write_truth(simulate_county(people=600, seed=4), tmp_path)
    tables = {path.stem: pq.read_table(path) for path in tmp_path.glob("*.parquet")}
    assert set(tables) == {
        "person",
        "record",
        "family",
        "relationship",
        "event",
        "episode",
        "measure",
        "lost",
    }
    assert np.array_equal(tables["person"]["person_no"].to_numpy(), np.arange(600))
