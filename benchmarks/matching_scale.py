"""Speed of matching with the shipped model against plain Splink, training included, up to a million records;
and ten thousand new records against the rest of the million, from what a run before has stored.

Each run is a process of its own, so that its peak memory is its own. Prints one JSON document.
``python benchmarks/matching_scale.py [records ...]``
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

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


def remember(records: pa.Table, folder: Path) -> None:
    """Match all but the new records and keep what a later run needs: the prepared records, the edges, the
    people.
    """
    from families_first.matching.files import find_people
    from families_first.matching.model import shipped_model

    began = time.perf_counter()
    known = records.slice(0, records.num_rows - NEW)
    found = find_people(known, model=shipped_model())
    for name, table in found.people.tables().items():
        pq.write_table(table, folder / f"{name}.parquet")
    pq.write_table(found.links.records, folder / "prepared.parquet")
    pq.write_table(found.links.edges, folder / "edges.parquet")
    pq.write_table(known, folder / "known.parquet")
    pq.write_table(records.slice(records.num_rows - NEW), folder / "new.parquet")
    (folder / "thresholds.json").write_text(json.dumps(asdict(found.links.thresholds)))
    _done(began)


def incremental(folder: Path) -> None:
    """Add the new records to the stored state: all that a delivery costs, reading included."""
    from families_first.matching.incremental import apply_edges
    from families_first.matching.model import shipped_model
    from families_first.matching.people import People
    from families_first.matching.score import find_links
    from families_first.matching.thresholds import Thresholds

    began = time.perf_counter()
    new, prepared, edges = (
        pq.read_table(folder / f"{each}.parquet") for each in ("new", "prepared", "edges")
    )
    people = People(
        *(pq.read_table(folder / f"{each}.parquet") for each in ("assignment", "person", "log", "review")),
        run=1,
    )
    thresholds = Thresholds(**json.loads((folder / "thresholds.json").read_text()))
    read = time.perf_counter()
    links = find_links(new, model=shipped_model(), against=prepared)
    linked = time.perf_counter()
    facts = ["record_key", "nino", "upn", "nhs_number", "date_of_birth"]
    known = pq.read_table(folder / "known.parquet", columns=facts)
    added = apply_edges(people, edges, known, links.edges, new.select(facts), thresholds=thresholds)
    _done(
        began,
        reading=round(read - began, 2),
        linking=round(linked - read, 2),
        joining=round(time.perf_counter() - linked, 2),
        links=links.edges.num_rows,
        candidates=links.candidates,
        people=added.people.person.num_rows,
        people_looked_at=added.looked_at,
    )


def main() -> None:
    if sys.argv[1:3] == ["run", "incremental"]:
        incremental(Path(sys.argv[3]).parent)
        return
    if len(sys.argv) > 3 and sys.argv[1] == "run":
        table = pq.read_table(sys.argv[3])
        order = np.random.default_rng(1).permutation(table.num_rows)
        table = table.take(order).slice(0, int(sys.argv[4]))
        given = table.drop_columns(["person_no", "ethnicity"])
        if sys.argv[2] == "remember":
            remember(given, Path(sys.argv[3]).parent)
        else:
            {"ours": ours, "plain": plain}[sys.argv[2]](given, table["person_no"].to_numpy())
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
            runs = ["ours", "plain"] + (["remember", "incremental"] if size == max(sizes) else [])
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
