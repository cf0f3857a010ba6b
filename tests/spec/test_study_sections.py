"""Which facts are known before the outcomes begin, and which are outcomes: one row a case.

The day from which things are outcomes is 1 January 2022. A fact goes into the open part, the locked part,
both, or neither.
"""

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.opening import TABLE
from families_first.governance.study import Split
from made_up_desk import vault_of
from made_up_study import Study, study_at, study_in, write_sources

OPEN, LOCKED, NOWHERE = {"open"}, {"locked"}, set()
BOTH = OPEN | LOCKED

# (occurred on, where it goes)
EVENTS = [
    ("2021-12-31", OPEN),
    ("2022-01-01", LOCKED),
    ("2022-01-02", LOCKED),
    ("1999-01-01", OPEN),
    ("", NOWHERE),
]

# (started on, ended on, where it goes, when the open part says that it ended)
EPISODES = [
    ("2020-05-01", "2021-12-31", OPEN, date(2021, 12, 31)),
    ("2020-05-01", "2022-01-01", BOTH, None),
    ("2020-05-01", "2024-03-01", BOTH, None),
    ("2020-05-01", "", BOTH, None),
    ("2021-12-31", "", BOTH, None),
    ("2022-01-01", "", LOCKED, None),
    ("2022-01-01", "2022-02-01", LOCKED, None),
    ("2023-05-01", "2023-06-01", LOCKED, None),
    ("2022-06-01", "2021-06-01", LOCKED, None),  # ended before it began: a slip, and an outcome all the same
    ("", "2021-06-01", NOWHERE, None),
    ("", "", NOWHERE, None),
]

# (period start, period end, where it goes)
MEASURES = [
    ("2021-09-01", "2021-12-17", OPEN),
    ("2021-09-01", "2021-12-31", OPEN),
    ("2021-09-01", "2022-01-01", LOCKED),
    ("2022-01-04", "2022-04-08", LOCKED),
    ("", "2021-12-17", OPEN),
    ("2021-09-01", "", NOWHERE),
]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sections") / "study"
    study = study_in(root, owners=("education", "justice"))
    write_sources(study, families=3, others=2)
    return root


@pytest.fixture
def study(pattern: Path, tmp_path: Path) -> Study:
    shutil.copytree(pattern, tmp_path / "study")
    return study_at(tmp_path / "study")


def parts(
    study: Study, owner: str, section: str, rows: list[dict[str, str]]
) -> tuple[Split, dict[str, pa.Table]]:
    """Split an owner whose section has these rows alone, release it, and return what each part has."""
    people = pa.csv.read_csv(study.sources(owner) / "people.csv")
    reference = people["reference"][0].as_py()
    table = pa.Table.from_pylist([{"reference": reference, **row} for row in rows])
    pa.csv.write_csv(table, study.sources(owner) / f"{section}.csv")
    split = study.split(owner)
    study.release(b'id = "made-up"\n', "made-up", [split])
    made = next(each for each in split.sections if each.name == section)
    found = {}
    for part, parcel in (("open", made.open), ("locked", made.locked)):
        open_parcel(study.desk("research"), parcel.path)
        vault = vault_of(study.research)
        found[part] = vault.read(vault.find("parcel", parcel.serial), TABLE)
    return split, found


def where(found: dict[str, pa.Table], column: str) -> dict[str, set[str]]:
    """Return by the value of a column in which parts it stands."""
    values = {value for table in found.values() for value in table[column].to_pylist()}
    return {
        value: {part for part, table in found.items() if value in table[column].to_pylist()}
        for value in values
    }


def test_an_event_is_an_outcome_from_the_day_on(study: Study) -> None:
    rows = [
        {"kind": "offence_proven", "occurred_on": day, "detail": f"case-{number}"}
        for number, (day, _) in enumerate(EVENTS)
    ]
    split, found = parts(study, "justice", "event", rows)
    told = where(found, "detail")
    assert {f"case-{number}": told.get(f"case-{number}", set()) for number in range(len(EVENTS))} == {
        f"case-{number}": goes for number, (_, goes) in enumerate(EVENTS)
    }
    assert split.sections[0].undated == 1


def test_an_episode_is_told_as_far_as_it_was_known_and_whole_where_it_is_an_outcome(study: Study) -> None:
    rows = [
        {"kind": "custody", "started_on": begins, "ended_on": ends, "detail": f"case-{number}"}
        for number, (begins, ends, _, _) in enumerate(EPISODES)
    ]
    split, found = parts(study, "justice", "episode", rows)
    told = where(found, "detail")
    known = dict(zip(found["open"]["detail"].to_pylist(), found["open"]["ended_on"].to_pylist(), strict=True))
    whole = {row["detail"]: row for row in found["locked"].to_pylist()}
    for number, (begins, ends, goes, open_end) in enumerate(EPISODES):
        case = f"case-{number}"
        assert told.get(case, set()) == goes, case
        if "open" in goes:
            assert known[case] == open_end, case
        if "locked" in goes:
            assert whole[case]["started_on"] == date.fromisoformat(begins), case
            assert whole[case]["ended_on"] == (date.fromisoformat(ends) if ends else None), case
    assert split.sections[1].undated == 2


def test_a_measure_is_an_outcome_by_the_end_of_its_period(study: Study) -> None:
    rows = [
        {"kind": "absence", "period_start": begins, "period_end": ends, "numerator": number, "denominator": 9}
        for number, (begins, ends, _) in enumerate(MEASURES)
    ]
    split, found = parts(study, "education", "measure", rows)
    told = where(found, "numerator")
    assert {number: told.get(number, set()) for number in range(len(MEASURES))} == {
        number: goes for number, (_, _, goes) in enumerate(MEASURES)
    }
    assert split.sections[1].undated == 1
