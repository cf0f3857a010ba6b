"""For any facts: what an owner's rows become is what the rules say, whatever their order and their dates."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from families_first.governance.agreements import Contents
from families_first.governance.study.plan import Part
from families_first.governance.study.sections import WHOLE, shape_of
from families_first.governance.study.source_files import read_heading
from families_first.governance.study.workbench import Workbench

DAY = date(2022, 1, 1)
PEOPLE = [f"P{number}" for number in range(6)]

days = st.one_of(
    st.none(),
    st.sampled_from([DAY, DAY - timedelta(days=1), DAY + timedelta(days=1)]),
    st.dates(date(2019, 1, 1), date(2025, 12, 31)),
)
people = st.sampled_from([*PEOPLE, "stranger", "another stranger"])
episodes = st.lists(st.tuples(people, days, days), max_size=40)
events = st.lists(st.tuples(people, days), max_size=40)
objecting = st.sets(st.sampled_from(PEOPLE), max_size=3)

Found = Counter[tuple[str, ...]]


def split(
    folder: Path, section: str, rows: list[dict[str, object]], objectors: set[str], *, as_parquet: bool
) -> tuple[dict[str, list[dict[str, object]]], dict[str, int], dict[str, str]]:
    """Return the open and locked rows, what was counted, and which person has which row key."""
    names = ["reference", *(rows[0] if rows else {"reference": 0, **_NAMES[section]})]
    names = list(dict.fromkeys(names))
    table = pa.table({name: pa.array([row[name] for row in rows], _type(name)) for name in names})
    path = folder / f"{section}.{'parquet' if as_parquet else 'csv'}"
    if as_parquet:
        pq.write_table(table, path)
    else:
        pa.csv.write_csv(table, path)
    pa.csv.write_csv(pa.table({"reference": PEOPLE, "surname": PEOPLE}), folder / "people.csv")
    file = read_heading(path)
    columns = tuple(name for name in names if name != "reference")
    part = Part(file, section, Contents.PAYLOAD, ("row_key", *columns), (), "", shape_of(section, names))
    people_file = read_heading(folder / "people.csv")
    identifiers = Part(
        people_file, "identifiers", Contents.IDENTIFIERS, ("row_key", "surname"), (), "", WHOLE
    )
    bench = Workbench(pa.array(sorted(objectors), pa.string()))
    try:
        bench.admit(people_file, families=False)
        sent = bench.load(identifiers, "row_key").rows(locked=False, day=DAY)
        who = {row["row_key"]: row["surname"] for batch in sent for row in batch.to_pylist()}
        loaded = bench.load(part, "row_key")
        parts = {
            name: [row for batch in loaded.rows(locked=locked, day=DAY) for row in batch.to_pylist()]
            for name, locked in (("open", False), ("locked", True))
        }
    finally:
        bench.close()
    counted = {
        "objected": loaded.objected,
        "undated": loaded.undated,
        "without_identifiers": loaded.without_identifiers,
        "references": loaded.references_without_identifiers,
    }
    return parts, counted, who


_NAMES = {
    "episode": {"started_on": 0, "ended_on": 0, "case": 0},
    "event": {"occurred_on": 0, "case": 0},
}


def _type(name: str) -> pa.DataType:
    return pa.date32() if name.endswith("_on") else pa.string()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(facts=episodes, objectors=objecting, as_parquet=st.booleans())
def test_episodes_go_where_the_rules_say(
    facts: list[tuple[str, date | None, date | None]], objectors: set[str], as_parquet: bool
) -> None:
    rows = [
        {"reference": who, "started_on": begins, "ended_on": ends, "case": f"{number}"}
        for number, (who, begins, ends) in enumerate(facts)
    ]
    with TemporaryDirectory() as folder:
        parts, counted, who = split(Path(folder), "episode", rows, objectors, as_parquet=as_parquet)
    kept = [row for row in rows if row["reference"] in PEOPLE and row["reference"] not in objectors]
    dated = [row for row in kept if row["started_on"] is not None]
    wanted_open = {
        (row["reference"], row["case"]): row["ended_on"]
        if row["ended_on"] and row["ended_on"] < DAY
        else None
        for row in dated
        if row["started_on"] < DAY
    }
    wanted_locked = {
        (row["reference"], row["case"]): row["ended_on"]
        for row in dated
        if row["started_on"] >= DAY or row["ended_on"] is None or row["ended_on"] >= DAY
    }
    found = {
        name: {(who[row["row_key"]], row["case"]): row["ended_on"] for row in part}
        for name, part in parts.items()
    }
    assert found == {"open": wanted_open, "locked": wanted_locked}
    assert [len(part) for part in parts.values()] == [len(wanted_open), len(wanted_locked)]
    # Every dated row is told, and no outcome is told before its time.
    assert {*wanted_open, *wanted_locked} == {(row["reference"], row["case"]) for row in dated}
    assert all(ends is None or ends < DAY for ends in found["open"].values())
    strangers = [row["reference"] for row in rows if row["reference"] not in PEOPLE]
    assert counted == {
        "objected": sum(row["reference"] in objectors for row in rows),
        "undated": len(kept) - len(dated),
        "without_identifiers": len(strangers),
        "references": len(set(strangers)),
    }
    assert len(who) == len(PEOPLE) - len(objectors)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(facts=events, objectors=objecting, as_parquet=st.booleans())
def test_each_dated_event_of_somebody_who_did_not_object_is_in_one_part_and_no_more(
    facts: list[tuple[str, date | None]], objectors: set[str], as_parquet: bool
) -> None:
    rows = [
        {"reference": who, "occurred_on": on, "case": f"{number}"} for number, (who, on) in enumerate(facts)
    ]
    with TemporaryDirectory() as folder:
        parts, _, who = split(Path(folder), "event", rows, objectors, as_parquet=as_parquet)
    found: Found = Counter(
        (name, who[row["row_key"]], row["case"], row["occurred_on"])
        for name, part in parts.items()
        for row in part
    )
    wanted = Counter(
        ("open" if row["occurred_on"] < DAY else "locked", row["reference"], row["case"], row["occurred_on"])
        for row in rows
        if row["reference"] in PEOPLE and row["reference"] not in objectors and row["occurred_on"]
    )
    assert found == wanted
