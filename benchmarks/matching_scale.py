"""Speed of matching with the shipped model against plain Splink, training included, up to a million records.

Each run is a process of its own, so that its peak memory is its own. Prints one JSON document.
``python benchmarks/matching_scale.py [records ...]``
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

AS_OF = date(2026, 9, 30)
SIZES = (100_000, 300_000, 1_000_000)
NEW = 10_000


def _done(began: float, **found: object) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": round(time.perf_counter() - began, 2),
                "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
                "peak_mb": round(usage.ru_maxrss / 1024),
                **found,
            }
        )
    )


def ours(records: pa.Table, truth: np.ndarray) -> None:
    from families_first.matching.files import find_people
    from families_first.matching.model import shipped_model
    from families_first.matching.quality import numbered, score_against_truth

    began = time.perf_counter()
    found = find_people(records, model=shipped_model())
    seconds = time.perf_counter()
    agreement = score_against_truth(numbered(found.person), truth)
    _done(
        began + (time.perf_counter() - seconds),
        pairs_f1=round(agreement.pairs.f1, 5),
        clusters_f1=round(agreement.clusters.f1, 5),
    )


def plain(records: pa.Table, truth: np.ndarray) -> None:
    from families_first.matching.quality import score_against_truth
    from plain_splink import components, run_plain

    began = time.perf_counter()
    run = run_plain(records)
    components(run, len(truth), 6.0)
    seconds = time.perf_counter()
    best = (0.0, 0.0)
    for weight in range(20):
        agreement = score_against_truth(components(run, len(truth), weight), truth)
        best = max(best, (agreement.pairs.f1, agreement.clusters.f1))
    _done(began + (time.perf_counter() - seconds), pairs_f1=round(best[0], 5), clusters_f1=round(best[1], 5))


def incremental(records: pa.Table, truth: np.ndarray) -> None:
    from families_first.matching.model import shipped_model
    from families_first.matching.prepare import standardise
    from families_first.matching.score import find_links

    old, new = records.slice(0, records.num_rows - NEW), records.slice(records.num_rows - NEW)
    con = duckdb.connect()
    known = standardise(con, old)
    con.close()
    began = time.perf_counter()
    links = find_links(new, model=shipped_model(), against=known)
    _done(began, links=links.edges.num_rows, candidates=links.candidates)


def main() -> None:
    if len(sys.argv) > 3 and sys.argv[1] == "run":
        table = pq.read_table(sys.argv[3])
        order = np.random.default_rng(1).permutation(table.num_rows)
        table = table.take(order).slice(0, int(sys.argv[4]))
        given = table.drop_columns(["person_no", "ethnicity"])
        {"ours": ours, "plain": plain, "incremental": incremental}[sys.argv[2]](
            given, table["person_no"].to_numpy()
        )
        return
    sizes = tuple(int(each) for each in sys.argv[1:]) or SIZES
    curve = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "county.parquet"
        for size in sizes:
            people = int(size * 0.645)
            maker = (
                "import sys, pyarrow.parquet as pq; from datetime import date;"
                "from families_first.simulation.county import simulate_county;"
                "from families_first.simulation.matchset import match_table;"
                f"t = match_table(simulate_county(people={people}, seed=3, as_of=date(2026, 9, 30)));"
                f"pq.write_table(t, {str(path)!r})"
            )
            subprocess.run([sys.executable, "-c", maker], check=True, stdout=subprocess.DEVNULL)
            runs = ["ours", "plain"] + (["incremental"] if size == max(sizes) else [])
            found = {}
            for kind in runs:
                command = [sys.executable, __file__, "run", kind, str(path), str(size)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                found[kind] = json.loads(done.stdout.splitlines()[-1])
            found["ratio"] = round(found["ours"]["seconds"] / found["plain"]["seconds"], 3)
            found["cpu_ratio"] = round(found["ours"]["cpu_seconds"] / found["plain"]["cpu_seconds"], 3)
            curve.append({"records": size, **found})
    print(json.dumps({"curve": curve}, indent=1))


if __name__ == "__main__":
    main()
