"""How long a made-up county takes up to a million people: seconds by stage and peak memory, as JSON.

``python benchmarks/simulation_scale.py [--people 100000 1000000] [--out FILE]``. Each size runs in a process
of its own, so that peaks do not add up.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (100_000, 250_000, 500_000, 1_000_000)
SEED = 1


def measure(people: int) -> dict[str, float | int]:
    """Make one county with everything it sends; returns seconds by stage, rows and peak megabytes."""
    from families_first.simulation import (
        gather_caseload,
        match_table,
        simulate_county,
        write_extracts,
        write_truth,
    )

    result: dict[str, float | int] = {"people": people}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.perf_counter()

        def lap(stage: str) -> None:
            nonlocal began
            now = time.perf_counter()
            result[f"{stage}_seconds"] = round(now - began, 2)
            began = now

        county = simulate_county(people=people, seed=SEED)
        lap("county")
        caseload = gather_caseload(county)
        lap("records")
        table = match_table(county, caseload)
        lap("match_table")
        extracts = write_extracts(county, folder / "extracts", caseload)
        lap("extracts")
        write_truth(county, folder / "truth", extracts)
        lap("truth")
        sizes = [path.stat().st_size for path in (folder / "extracts").iterdir()]
    result["total_seconds"] = round(
        sum(value for key, value in result.items() if key.endswith("_seconds")), 2
    )
    result["person_records"] = len(table)
    result["rows_sent"] = sum(extracts.rows.values())
    result["extracts_mb"] = round(sum(sizes) / 1e6)
    result["cpu_seconds"] = round(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), 1)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return result


def main() -> None:
    """Run every size and print the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=SIZES)
    parser.add_argument("--one", action="store_true", help="measure in this process")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.people[0])))
        return
    curve = []
    for people in options.people:
        command = [sys.executable, __file__, "--one", "--people", str(people)]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        curve.append(json.loads(told.stdout))
    text = json.dumps({"benchmark": "simulation", "seed": SEED, "curve": curve}, indent=2)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
