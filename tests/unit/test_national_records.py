"""Owners' files of a made-up study: with the true links they say exactly what the truth says."""

from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from families_first.errors import UserError
from families_first.records.identifiers import nhs_number, nino, pnc, postcode, upn
from families_first.records.kinds import EpisodeKind, EventKind, MeasureKind
from families_first.simulation.national import (
    OUTCOMES,
    WINDOWS,
    NationalStudy,
    StudyPlan,
    StudyQuarters,
    simulate_national,
    write_national,
)
from families_first.simulation.national.planted import PROCESSES
from families_first.simulation.national.registers import IDENTIFIERS

HAPPENED = {
    "event": "fact.occurred_on >= begins AND fact.occurred_on < ends",
    "episode": "fact.started_on < ends AND (fact.ended_on IS NULL OR fact.ended_on >= begins)",
    "measure": "fact.period_end >= begins AND fact.period_end < ends",
}


@pytest.fixture(scope="module")
def study() -> NationalStudy:
    return simulate_national(people=8_000, programme_families=700, seed=5)


@pytest.fixture(scope="module")
def repeating() -> NationalStudy:
    plan = StudyPlan(duplicates={"justice": 0.2})
    return simulate_national(people=8_000, programme_families=700, seed=5, plan=plan)


def recount(study: NationalStudy, process, window: tuple[int, int]) -> np.ndarray:
    """Count an outcome in a window from the files alone, by person of the truth; NaN without sessions."""
    first, last = window
    measured = process.table == "measure"
    value = "sum(fact.numerator) / sum(fact.denominator)" if measured else "count(fact.kind) > 0"
    with duckdb.connect() as con:
        for name, table in {
            "programme": study.owners["council"].sections["programme"],
            "section": study.owners[process.owner].sections[process.table],
            "links": study.truth.links,
        }.items():
            con.register(name, table)
        rows = con.execute(
            f"""
            WITH person AS (
                SELECT links.person_no, assessed_on + INTERVAL {3 * (first - 1)} MONTH AS begins,
                       assessed_on + INTERVAL {3 * last} MONTH AS ends
                FROM programme JOIN links ON links.owner = 'council' AND links.reference = programme.reference
                WHERE role = '{process.who}'
            ), fact AS (
                SELECT links.person_no, section.*
                FROM section JOIN links
                ON links.owner = '{process.owner}' AND links.reference = section.reference
                WHERE kind = '{process.kind}'
            )
            SELECT person.person_no, ({value})::DOUBLE AS value
            FROM person LEFT JOIN fact ON fact.person_no = person.person_no AND {HAPPENED[process.table]}
            GROUP BY ALL
            """
        ).fetchnumpy()
    numbers = study.truth.person["person_no"].to_numpy()
    found = np.full(len(numbers), np.nan)
    found[np.searchsorted(numbers, rows["person_no"])] = np.ma.filled(rows["value"], np.nan)
    return found


def came(study: NationalStudy, outcome: str, window: str) -> np.ndarray:
    person = study.truth.person
    under = np.asarray(pc.equal(person["status"], "participating"))
    pair = [
        person[f"y{arm}:{outcome}@{window}"].to_numpy(zero_copy_only=False).astype(float) for arm in (0, 1)
    ]
    return np.where(under, pair[1], pair[0])


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("process", OUTCOMES, ids=lambda each: each.id)
def test_a_recount_from_the_files_with_true_links_gives_what_came_about(study, process, window):
    np.testing.assert_allclose(
        recount(study, process, WINDOWS[window]), came(study, process.id, window), atol=1e-6
    )


def test_a_person_whom_an_owner_has_twice_has_each_fact_once(study, repeating):
    people = repeating.owners["justice"].people
    entries = np.bincount(
        repeating.truth.links.filter(pc.field("owner") == "justice")["person_no"].to_numpy()
    )
    assert len(people) > len(study.owners["justice"].people)
    assert set(entries) == {0, 1, 2}
    assert pc.count_distinct(people["reference"]).as_py() == len(people)
    process = next(each for each in OUTCOMES if each.id == "adult-convictions")
    assert (
        repeating.owners["justice"].sections["event"].num_rows
        == study.owners["justice"].sections["event"].num_rows
    )
    np.testing.assert_allclose(
        recount(repeating, process, (1, 8)), came(repeating, process.id, "months-1-24"), atol=1e-6
    )


def test_every_entry_has_one_reference_and_no_two_owners_share_one(study):
    references = study.truth.links["reference"]
    assert pc.count_distinct(references).as_py() == len(references)
    for owner, files in study.owners.items():
        mine = study.truth.links.filter(pc.field("owner") == owner)["reference"]
        assert set(mine.to_pylist()) == set(files.people["reference"].to_pylist())
        assert files.people.column_names == [
            "reference",
            *(["family_reference"] if owner == "council" else []),
            *IDENTIFIERS[owner],
        ]
        for section in files.sections.values():
            assert set(section["reference"].to_pylist()) <= set(files.people["reference"].to_pylist())


def test_an_owner_has_everybody_of_its_register_and_most_are_not_of_the_programme(study):
    sizes = {owner: files.people.num_rows for owner, files in study.owners.items()}
    of_programme = set(study.truth.person["person_no"].to_pylist())
    assert sizes["health"] > 0.97 * 8_000
    for owner in ("health", "work", "education", "justice"):
        people = study.truth.links.filter(pc.field("owner") == owner)["person_no"].to_pylist()
        assert len(set(people) - of_programme) > 0.3 * len(people), owner
    children = set(study.truth.person.filter(pc.field("role") == "child")["person_no"].to_pylist())
    schools = set(study.truth.links.filter(pc.field("owner") == "education")["person_no"].to_pylist())
    assert children <= schools


def test_records_of_others_are_rarer_than_the_programmes(study):
    of_programme = study.truth.person["person_no"].to_numpy()
    links = study.truth.links.filter(pc.field("owner") == "justice")
    joined = study.owners["justice"].sections["event"].join(links, "reference")
    inside = int(np.isin(joined["person_no"].to_numpy(), of_programme).sum())
    outside = joined.num_rows - inside
    assert outside > 0
    assert outside / (8_000 - len(of_programme)) < 0.5 * inside / len(of_programme)


def test_identifiers_are_made_up_and_nobody_shares_one(study):
    for owner, column, kind in (
        ("work", "nino", nino),
        ("education", "upn", upn),
        ("health", "nhs_number", nhs_number),
        ("justice", "pnc", pnc),
    ):
        numbers = study.owners[owner].people[column].drop_null().to_pylist()
        valid = [each for each in numbers if kind.is_valid(each)]
        assert len(valid) > 0.99 * len(numbers)
        assert all(kind.is_made_up(each) for each in valid)
        assert len(set(numbers)) > 0.99 * len(numbers)
    codes = study.owners["health"].people["postcode"].drop_null().to_pylist()
    assert sum(map(postcode.is_made_up, codes)) > 0.95 * len(codes)


def test_names_are_written_wrong_more_often_in_some_groups(study):
    # Links fail unequally; the error model says of whom.
    council, links = study.owners["council"], study.truth.links
    both = (
        links.filter(pc.field("owner") == "council")
        .join(council.people.select(["reference", "surname"]), "reference")
        .join(
            links.filter(pc.field("owner") == "health")
            .select(["reference", "person_no"])
            .rename_columns(["other", "person_no"])
            .join(
                study.owners["health"]
                .people.select(["reference", "surname"])
                .rename_columns(["other", "at_health"]),
                "other",
            ),
            "person_no",
        )
        .join(council.sections["programme"].select(["reference", "ethnicity"]), "reference")
    )
    differs = np.asarray(pc.fill_null(pc.not_equal(both["surname"], both["at_health"]), True))
    british = np.asarray(pc.equal(both["ethnicity"], "WHITE_BRITISH"))
    assert 0.02 < differs[british].mean() < differs[~british].mean()


def test_days_of_the_programme_are_in_order(study):
    programme = study.owners["council"].sections["programme"].to_pylist()
    for row in programme:
        assert row["assessed_on"].day == 1
        assert row["assessed_on"].month in (1, 4, 7, 10)
        if row["status"] == "assessed-only":
            assert row["started_on"] is None
            assert row["ended_on"] is None
        else:
            assert 0 < (row["started_on"] - row["assessed_on"]).days <= 184
            assert row["ended_on"] > row["started_on"]
        assert row["needs"] == sum(value for name, value in row.items() if name.startswith("need_"))
        assert row["needs"] >= 2
        assert row["birth_month"].day == 1
        assert row["birth_month"] <= row["assessed_on"]


def test_a_family_is_one_arm_and_one_round_and_has_a_child_and_an_adult(study):
    programme = (
        study.owners["council"]
        .sections["programme"]
        .join(study.owners["council"].people.select(["reference", "family_reference"]), "reference")
    )
    families = programme.group_by("family_reference").aggregate(
        [("status", "count_distinct"), ("assessed_on", "count_distinct"), ("role", "count_distinct")]
    )
    assert families.num_rows == 700
    assert set(families["status_count_distinct"].to_pylist()) == {1}
    assert set(families["assessed_on_count_distinct"].to_pylist()) == {1}
    assert set(families["role_count_distinct"].to_pylist()) == {2}


def test_facts_lie_within_the_records_and_after_birth(study):
    quarters = study.plan.quarters
    for owner, files in study.owners.items():
        for name, section in files.sections.items():
            if name == "programme":
                continue
            begins = section[
                {"event": "occurred_on", "episode": "started_on", "measure": "period_start"}[name]
            ]
            assert pc.max(begins).as_py() <= quarters.last_day, owner
            ends = section[{"event": "occurred_on", "episode": "ended_on", "measure": "period_end"}[name]]
            assert pc.max(ends).as_py() <= quarters.last_day
            assert pc.all(pc.fill_null(pc.greater_equal(ends, begins), True)).as_py()


def test_kinds_are_those_of_the_canonical_tables():
    kinds = {"event": EventKind, "episode": EpisodeKind, "measure": MeasureKind}
    assert [each.id for each in PROCESSES if each.kind not in set(kinds[each.table])] == []


def test_effects_are_the_means_of_what_is_told_of_each_person(study):
    person = study.truth.person
    under = np.asarray(pc.equal(person["status"], "participating"))
    for row in study.truth.effects.to_pylist():
        if row["window"] != "months-1-24" or row["field"] not in ("all", "sex"):
            continue
        who = under & (True if row["field"] == "all" else np.asarray(pc.equal(person["sex"], row["group"])))
        for arm, told in (("p0", "base"), ("p1", "treated"), ("y0", "drawn_base"), ("y1", "drawn_treated")):
            values = person[f"{arm}:{row['outcome']}@months-1-24"].to_numpy(zero_copy_only=False)[who]
            assert row[told] == pytest.approx(np.nanmean(values.astype(float)), abs=1e-6)
            assert row["people"] == int((~np.isnan(values)).sum())


def test_too_many_families_are_refused_with_what_to_do():
    with pytest.raises(UserError, match="Ask for fewer families"):
        simulate_national(people=1_000, programme_families=900)


def test_another_calendar_moves_everything():
    plan = StudyPlan(quarters=StudyQuarters(first_round=2018 * 4 + 1, rounds=3, history=8))
    study = simulate_national(people=3_000, programme_families=200, plan=plan)
    assessed = study.owners["council"].sections["programme"]["assessed_on"]
    assert {str(each) for each in assessed.unique().to_pylist()} <= {"2018-04-01", "2018-07-01", "2018-10-01"}
    assert str(plan.quarters.outcomes_from) == "2018-04-01"
    assert str(plan.quarters.last_day) == "2020-09-30"


def test_one_county_on_disk_is_the_study_in_memory(tmp_path):
    study = simulate_national(people=2_000, programme_families=150, seed=3)
    written = write_national(tmp_path, people=2_000, programme_families=150, seed=3)
    for owner, files in study.owners.items():
        for name, table in {"people": files.people, **files.sections}.items():
            assert pq.read_table(tmp_path / owner / f"{name}.parquet").equals(table.combine_chunks()), owner
    assert pq.read_table(tmp_path / "truth/links.parquet").equals(study.truth.links.combine_chunks())
    assert written.effects.equals(study.truth.effects)


def test_counties_of_a_nation_share_no_person_number_or_reference(tmp_path):
    told = []
    written = write_national(
        tmp_path,
        people=7_000,
        programme_families=500,
        county_people=3_000,
        told=lambda done, of: told.append((done, of)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    links = pq.read_table(tmp_path / "truth/links.parquet")
    assert pc.count_distinct(links["reference"]).as_py() == links.num_rows
    person = pq.read_table(tmp_path / "truth/person.parquet")
    assert pc.count_distinct(person["person_no"]).as_py() == person.num_rows
    assert pc.count_distinct(person["family_no"]).as_py() == 500
    for owner, column in (
        ("work", "nino"),
        ("health", "nhs_number"),
        ("justice", "pnc"),
        ("education", "upn"),
    ):
        entries = pq.read_table(tmp_path / owner / "people.parquet")[column].drop_null()
        assert pc.count_distinct(entries).as_py() > 0.99 * len(entries)
    headline = {
        row["outcome"]: row["base"]
        for row in written.effects.to_pylist()
        if row["field"] == "all" and row["window"] == "months-19-24"
    }
    assert headline["looked-after"] == pytest.approx(0.025, abs=1e-9)
    districts = pq.read_table(tmp_path / "council/programme.parquet")["district"].unique().to_pylist()
    assert {name.split()[0] for name in districts} == {"Exampleshire", "Sampleshire", "Specimenshire"}


def test_too_few_people_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="too few"):
        write_national(tmp_path, people=400, programme_families=20)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_without_effects_plants_none():
    plan = StudyPlan()
    plan = replace(plan, processes=tuple(replace(each, steps=()) for each in plan.processes))
    effects = simulate_national(people=3_000, programme_families=200, plan=plan).truth.effects
    assert pc.max(pc.abs(effects["difference"])).as_py() == 0.0


def test_tables_are_of_the_types_that_splitting_reads(study):
    education = study.owners["education"]
    assert education.sections["measure"].schema.field("numerator").type == pa.float64()
    assert education.people.schema.field("date_of_birth").type == pa.date32()
    assert study.owners["council"].sections["programme"].schema.field("birth_month").type == pa.date32()
