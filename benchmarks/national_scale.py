"""How long the records of a made-up nation take: seconds county by county, rows and peak memory, as JSON.

``python benchmarks/national_scale.py [--people 5000000] [--families 286000] [--county N] [--folder DIR]``.
286,000 families are a million people of the programme. With ``--folder`` the nation is kept there, for the
linking and the evaluation to be measured on.
"""

import argparse
import json
import resource
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

SEED = 1
PEOPLE = 5_000_000
FAMILIES = 286_000
COUNTY = 1_000_000
_TOLD = ("outcome", "window", "base", "treated", "drawn_base", "drawn_treated")


def measure(folder: Path, *, people: int, families: int, county: int) -> dict[str, object]:
    """Write one nation; returns seconds, rows by file, megabytes, and how exactly planted rates hold."""
    from families_first.simulation.national import write_national
    from families_first.simulation.national.planted import BY_ID

    began = time.perf_counter()
    laps: list[float] = []
    written = write_national(
        folder,
        people=people,
        programme_families=families,
        seed=SEED,
        county_people=county,
        told=lambda _done, _of: laps.append(round(time.perf_counter() - began, 1)),
    )
    used = resource.getrusage(resource.RUSAGE_SELF)
    headline = [
        row
        for row in written.effects.to_pylist()
        if row["field"] == "all" and row["window"] == BY_ID[row["outcome"]].window
    ]
    return {
        "people": people,
        "programme_families": families,
        "programme_people": written.rows["truth/person"],
        "counties_done_after_seconds": laps,
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": used.ru_maxrss // 1024,
        "rows": written.rows,
        "megabytes": round(sum(each.stat().st_size for each in folder.rglob("*.parquet")) / 1e6),
        "largest_error_of_a_base_rate": max(
            abs(row["base"] - BY_ID[row["outcome"]].base) for row in headline
        ),
        "planted": [
            {
                name: row[name]
                for name in ("outcome", "window", "base", "treated", "drawn_base", "drawn_treated")
            }
            for row in headline
        ],
    }


def main() -> None:
    """Write the nation and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--families", type=int, default=FAMILIES)
    parser.add_argument("--county", type=int, default=COUNTY, help="people of a county, at most")
    parser.add_argument("--folder", type=Path, help="keep the nation here")
    options = parser.parse_args()
    place = nullcontext(str(options.folder)) if options.folder else tempfile.TemporaryDirectory()
    with place as name:
        told = measure(Path(name), people=options.people, families=options.families, county=options.county)
    print(json.dumps({"benchmark": "national_scale", "seed": SEED, **told}, indent=2))


if __name__ == "__main__":
    main()
