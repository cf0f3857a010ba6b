"""Link a made-up programme's people to a national register, beside plain Splink: time, memory, and how good
the links are by group; by default a million people to five million.

``python benchmarks/linking_scale.py [--people 5000000] [--families 286000] [--owner health] [--folder DIR]
[--parcels] [--owners] [--spark]``. 286,000 families are a million people of the programme. Plain Splink links
the same rows, blocked by the same tight keys, trained on them, and may take the threshold that is best on the
truth; ours is trained on them too, looks at more candidates and never sees the truth. A link of ours is a
candidate of at least four fifths.

``--parcels`` runs ours from the sealed parcels of both tables to the sealed spine, all that the linker does
included, beside plain Splink from the plain tables to pairs, which does not find who is twice among the
council's rows.
``--owners`` links every owner with ours alone, and ``--spark`` one owner on DuckDB and on Spark. Each run is
a process of its own, so that its peak memory is its own; reading the files is part of it. Prints one JSON
document.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing, nullcontext
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

OWNERS = ("education", "justice", "probation", "work", "health", "youth-justice")
BANDS = ((0.01, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 0.99), (0.99, 1.01))


def people_of(folder: Path, owner: str) -> pa.Table:
    """Return one owner's people as a match table."""
    table = pq.read_table(folder / owner / "people.parquet")
    if "family_reference" in table.column_names:
        table = table.drop_columns(["family_reference"])
    return table.rename_columns(
        ["record_key" if name == "reference" else name for name in table.column_names]
    )


def ours(folder: Path, owner: str) -> None:
    from families_first.matching.between import LIKELY_ENOUGH, link_tables

    began = now()
    left, right = people_of(folder, "council"), people_of(folder, owner)
    found = link_tables(left, right, model=None, one_to_one=True)
    used = spent(began)
    links = found.links
    at_l = np.asarray(pc.index_in(links["key_l"], value_set=whole(left["record_key"])))
    at_r = np.asarray(pc.index_in(links["key_r"], value_set=whole(right["record_key"])))
    probability = links["probability"].to_numpy()
    person = Persons(folder, owner, left, right)
    correct = person.left[at_l] == person.right[at_r]
    chosen = probability >= LIKELY_ENOUGH
    told = {
        "rows": [left.num_rows, right.num_rows],
        "candidates": found.candidates,
        **quality(correct[chosen], int(person.linked.sum())),
        "links_expected": round(float(probability.sum()), 1),
        "links_right": int(correct.sum()),
        "reliability": [
            {
                "from": low,
                "pairs": int(band.sum()),
                "stated": share(probability, band),
                "true": share(correct, band),
            }
            for low, high in BANDS
            if (band := (probability >= low) & (probability < high)).any()
        ],
        "groups": groups_of(person, at_l, correct, probability, LIKELY_ENOUGH),
    }
    print(json.dumps(used | told))


def plain(folder: Path, owner: str) -> None:
    from plain_splink import best_of_each, link_plain

    began = now()
    left, right = people_of(folder, "council"), people_of(folder, owner)
    run = link_plain(left, right)
    best = best_of_each(run)
    used = spent(began)
    person = Persons(folder, owner, left, right)
    correct = person.left[run.left[best]] == person.right[run.right[best]]
    there, weight = int(person.linked.sum()), run.weight[best]
    tried = [
        {"threshold": threshold, **quality(correct[weight >= threshold], there)}
        for threshold in range(-4, 30)
    ]
    found = max(tried, key=lambda each: each["f1"])
    print(json.dumps(used | {"candidates": len(run.left), "training_included": True, **found}))


def parcels(folder: Path, owner: str) -> None:
    from linking_parcels import link_parcels

    began = now()
    found = link_parcels(folder / "sealed" / owner, owner)
    print(json.dumps(spent(began) | found))


def seal(folder: Path, owner: str) -> None:
    from linking_parcels import seal_identifiers

    seal_identifiers(folder, owner, folder / "sealed" / owner)
    print("{}")


def spark(folder: Path, owner: str) -> None:
    """Link the same rows by the same model on DuckDB and on a local Spark."""
    from families_first.matching.between import DuckDBEngine, link_tables
    from families_first.matching.between.spark import SparkEngine

    left, right = people_of(folder, "council"), people_of(folder, owner)
    model = link_tables(left, right, model=None, one_to_one=True).model
    told, links = {"rows": [left.num_rows, right.num_rows]}, []
    for name, made in (
        ("duckdb", lambda: closing(DuckDBEngine())),
        ("spark", lambda: SparkEngine("local[2]")),
    ):
        began = time.perf_counter()
        with made() as engine:
            links.append(link_tables(left, right, model=model, one_to_one=True, engine=engine).links)
        told[f"{name}_seconds"] = round(time.perf_counter() - began, 1)
    pairs = [each.select(["key_l", "key_r"]) for each in links]
    stated = [each["probability"].to_numpy() for each in links]
    told["links"] = links[0].num_rows
    told["same_pairs"] = pairs[0].equals(pairs[1])
    told["furthest_probabilities"] = (
        float(np.abs(stated[0] - stated[1]).max()) if told["same_pairs"] else None
    )
    print(json.dumps(told))


RUNS = {"spark": spark, "ours": ours, "plain": plain, "seal": seal, "parcels": parcels}


class Persons:
    """The truth: the person of each row of both tables, and which left rows have a link."""

    def __init__(self, folder: Path, owner: str, left: pa.Table, right: pa.Table) -> None:
        self.left, self.right = (
            self._of(folder, name, table) for name, table in (("council", left), (owner, right))
        )
        self.linked = np.isin(self.left, self.right)
        columns = ["person_no", "sex", "age_band", "ethnicity_group"]
        truth = pq.read_table(folder / "truth" / "person.parquet", columns=columns)
        at = pc.index_in(pa.array(self.left), value_set=whole(truth["person_no"]))
        self.groups = {name: truth[name].cast(pa.string()).take(at) for name in columns[1:]}

    @staticmethod
    def _of(folder: Path, owner: str, table: pa.Table) -> np.ndarray:
        links = pq.read_table(
            folder / "truth" / "links.parquet",
            columns=["reference", "person_no"],
            filters=[("owner", "=", owner)],
        )
        at = pc.index_in(table["record_key"], value_set=whole(links["reference"]))
        return links["person_no"].to_numpy()[np.asarray(at)]


def groups_of(
    person: Persons, at_l: np.ndarray, correct: np.ndarray, probability: np.ndarray, least: float
) -> dict[str, dict[str, object]]:
    """Return precision and recall at ``least``, and links expected and right, by group of the true person."""
    found: dict[str, dict[str, object]] = {}
    for name, column in person.groups.items():
        values = np.asarray(column.to_pylist(), dtype=object)
        for value in sorted(set(values.tolist())):
            mine, there = values[at_l] == value, int((person.linked & (values == value)).sum())
            if there >= 100:
                found[f"{name} {value}"] = {
                    "people": there,
                    **quality(correct[mine & (probability >= least)], there),
                    "links_expected": round(float(probability[mine].sum()), 1),
                    "links_right": int(correct[mine].sum()),
                }
    return found


def quality(correct: np.ndarray, there: int) -> dict[str, float]:
    """Return precision, recall and F1 of chosen links when ``there`` are there to be found."""
    right = int(correct.sum())
    precision, recall = right / max(len(correct), 1), right / max(there, 1)
    both = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": round(precision, 5), "recall": round(recall, 5), "f1": round(both, 5)}


def share(values: np.ndarray, of: np.ndarray) -> float:
    return round(float(values[of].mean()), 4)


def whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def now() -> tuple[float, float]:
    """Return the seconds of the clock and those of the processor, of this process."""
    return time.perf_counter(), time.process_time()


def spent(began: tuple[float, float]) -> dict[str, float]:
    """Return the seconds and processor seconds since :func:`now`, and the peak memory of this process."""
    wall, cpu = now()
    return {
        "seconds": round(wall - began[0], 1),
        "cpu_seconds": round(cpu - began[1], 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def run(kind: str, folder: Path, owner: str) -> dict[str, object]:
    """Run one kind in a process of its own."""
    command = [sys.executable, __file__, "--run", kind, "--folder", str(folder), "--owner", owner]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5_000_000)
    parser.add_argument("--families", type=int, default=286_000)
    parser.add_argument("--owner", default="health", choices=OWNERS)
    parser.add_argument("--owners", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--parcels", action="store_true")
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--run", choices=tuple(RUNS))
    given = parser.parse_args()
    if given.run:
        RUNS[given.run](given.folder, given.owner)
        return
    with nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if not (folder / "truth" / "links.parquet").exists():
            maker = (
                "from pathlib import Path; from families_first.simulation.national import write_national;"
                f"write_national(Path({str(folder)!r}), people={given.people}, "
                f"programme_families={given.families}, seed=1)"
            )
            subprocess.run([sys.executable, "-c", maker], check=True, stdout=subprocess.DEVNULL)
        if given.spark:
            print(json.dumps({"owner": given.owner, **run("spark", folder, given.owner)}, indent=1))
            return
        if given.owners:
            print(json.dumps({owner: run("ours", folder, owner) for owner in OWNERS}, indent=1))
            return
        mine = "parcels" if given.parcels else "ours"
        if given.parcels:
            shutil.rmtree(folder / "sealed" / given.owner, ignore_errors=True)
            run("seal", folder, given.owner)
        found = {kind: run(kind, folder, given.owner) for kind in (mine, "plain")}
        shutil.rmtree(folder / "sealed", ignore_errors=True)
        for measure, name in (("seconds", "ratio"), ("cpu_seconds", "cpu_ratio")):
            found[name] = round(float(found[mine][measure]) / float(found["plain"][measure]), 3)
        print(json.dumps({"owner": given.owner, **found}, indent=1))


if __name__ == "__main__":
    main()
