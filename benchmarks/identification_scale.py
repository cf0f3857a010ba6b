"""How identification scales: made-up families and events at several sizes, in CPU seconds and peak memory.

The bar is 200,000 people and 5 million events under 10 CPU seconds. Each size runs in a process of its own,
so that peak memory is its own (it includes making the data, which is not timed). Kinds are drawn evenly,
so there are far more findings than in life. Prints JSON.

    python benchmarks/identification_scale.py --people 100000 200000 --pack supporting-families-2022
"""

import argparse
import json
import multiprocessing
import resource
import time
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from families_first.council.families.result import FAMILY, MEMBERSHIP, SET_ASIDE, TIE, Families
from families_first.council.identification.pack import load_pack, shipped_packs_folder
from families_first.council.identification.running import identify
from families_first.records.kinds import EpisodeKind, EventKind, EventRole, MeasureKind

ON = date(2026, 9, 30)
EVENTS_A_PERSON = 25
SOURCES = np.array(["schools", "police", "social-care"])
SHARE_IN_FAMILIES = 0.46
YEARS = 6
TARGET_CPU_SECONDS = 10.0


def texts(prefix: str, numbers: np.ndarray) -> pa.Array:
    """Return ``prefix`` and a number for each entry, as Arrow strings."""
    return pa.array(np.char.add(prefix, numbers.astype(str)).astype(object), pa.string())


def picked(values: list[str], size: int, rng: np.random.Generator) -> pa.Array:
    """Return values drawn at random, as plain strings."""
    chosen = pa.DictionaryArray.from_arrays(
        pa.array(rng.integers(0, len(values), size).astype(np.int32)), pa.array(values)
    )
    return chosen.cast(pa.string())


def days(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return days of the last years, as date64[D]."""
    return np.datetime64(ON) - rng.integers(0, YEARS * 365, size).astype("timedelta64[D]")


def made_up(people: int, seed: int) -> tuple[Families, dict[str, pa.Table], pa.Table]:
    """Make families of two adults and two children, and records of everybody."""
    rng = np.random.default_rng(seed)
    number = np.arange(people)
    members = int(people * SHARE_IN_FAMILIES) // 4 * 4
    inside = number[:members]
    child = inside % 4 > 1
    born = np.where(child, np.datetime64("2009-01-01"), np.datetime64("1975-01-01")).astype("datetime64[D]")
    born = born + rng.integers(0, 6000, members).astype("timedelta64[D]")
    elsewhere = (inside % 4 == 1) & (rng.random(members) < 0.3)
    role = np.select([child, elsewhere], ["child", "non_resident_parent"], "parent")
    membership = pa.table(
        {
            "family_id": texts("F", inside // 4),
            "person_id": texts("P", inside),
            "role": pa.array(role.astype(object), pa.string()),
            "dependent": pa.array(child),
            "resident": pa.array(~elsewhere),
            "date_of_birth": pa.array(born),
            "valid_from": pa.nulls(members, pa.date32()),
            "valid_to": pa.nulls(members, pa.date32()),
            "reason": pa.array(["made up"] * members),
            **{name: pa.nulls(members, MEMBERSHIP.field(name).type) for name in MEMBERSHIP.names[9:]},
        }
    ).cast(MEMBERSHIP)
    records = people * len(SOURCES)
    assignment = pa.table(
        {
            "source": pa.array(np.repeat(SOURCES, people).astype(object), pa.string()),
            "record_id": texts("r", np.tile(number, len(SOURCES))),
            "person_id": texts("P", np.tile(number, len(SOURCES))),
            "confidence": pa.array(rng.uniform(0.9, 1.0, records)),
        }
    )

    def about(size: int) -> dict[str, pa.Array]:
        return {
            "source": picked(list(SOURCES), size, rng),
            "record_id": texts("r", rng.integers(0, people, size)),
            "delivery_id": pa.array(["d"] * size),
            "line": pa.array(np.arange(size)),
        }

    events = people * EVENTS_A_PERSON
    episodes = people * 2
    terms = people // 6
    started = days(episodes, rng)
    ended = started + rng.integers(30, 900, episodes).astype("timedelta64[D]")
    pupils = np.repeat(number[:terms], 6)
    starts = np.array(
        ["2024-09-01", "2025-01-01", "2025-05-01", "2025-09-01", "2026-01-01", "2026-05-01"],
        dtype="datetime64[D]",
    )
    tables = {
        "event": pa.table(
            {
                **about(events),
                "event_id": texts("e", np.arange(events)),
                "kind": picked([str(kind) for kind in EventKind], events, rng),
                "occurred_on": pa.array(days(events, rng)),
                "role": picked([str(role) for role in EventRole], events, rng),
                "detail": pa.nulls(events, pa.string()),
            }
        ),
        "episode": pa.table(
            {
                **about(episodes),
                "episode_id": texts("p", np.arange(episodes)),
                "kind": picked([str(kind) for kind in EpisodeKind], episodes, rng),
                "started_on": pa.array(started),
                "ended_on": pa.array(ended, mask=ended > np.datetime64(ON)),
                "detail": pa.nulls(episodes, pa.string()),
            }
        ),
        "measure": pa.table(
            {
                **about(len(pupils)),
                "record_id": texts("r", pupils),
                "kind": picked([str(MeasureKind.ABSENCE)], len(pupils), rng),
                "period": pa.array(["term"] * len(pupils)),
                "period_start": pa.array(np.tile(starts, terms)),
                "period_end": pa.array(np.tile(starts, terms) + np.timedelta64(110, "D")),
                "numerator": pa.array(rng.gamma(1.0, 8.0, len(pupils))),
                "denominator": pa.array(np.full(len(pupils), 120.0)),
            }
        ),
    }
    families = Families(FAMILY.empty_table(), membership, TIE.empty_table(), SET_ASIDE.empty_table())
    return families, tables, assignment


def measure(people: int, pack_id: str) -> dict[str, Any]:
    """Run identification once over a county of this size."""
    families, tables, assignment = made_up(people, seed=people)
    pack = load_pack(shipped_packs_folder() / pack_id)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter(), time.process_time()
    result = identify(families, tables, assignment, pack, on=ON)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {
        "people": people,
        "events": tables["event"].num_rows,
        "episodes": tables["episode"].num_rows,
        "measures": tables["measure"].num_rows,
        "rules": len(pack.rules),
        "findings": result.finding.num_rows,
        "nominated": result.nomination.num_rows,
        "cpu_seconds": round(cpu, 2),
        "wall_seconds": round(wall, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_mb_of_data": round(before),
    }


def main() -> None:
    """Print the curve as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[50_000, 100_000, 200_000, 400_000])
    parser.add_argument("--pack", default="supporting-families-2022")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    curve = []
    for people in arguments.people:
        with context.Pool(1) as pool:
            curve.append(pool.apply(measure, (people, arguments.pack)))
    barred = [point for point in curve if point["people"] == 200_000]
    print(
        json.dumps(
            {
                "benchmark": "identification_scale",
                "pack": arguments.pack,
                "bar_cpu_seconds_at_200000_people": TARGET_CPU_SECONDS,
                "within_bar": all(point["cpu_seconds"] < TARGET_CPU_SECONDS for point in barred)
                if barred
                else None,
                "curve": curve,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
