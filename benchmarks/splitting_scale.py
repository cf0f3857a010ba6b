"""Cost of a split: five million people and twenty million facts of one owner, from CSV to sealed parcels.

Prints one JSON object: wall and CPU seconds of the split, the peak memory of its process, and what it took in
and gave out. The files are made up and written first, which is not counted; a process of its own splits them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from made_up_study import Study, study_at, study_in

OWNER = "justice"
_FIRST_DAY, _LAST_DAY = 18_262, 20_000  # days since 1970: 2020 to 2024


def main() -> None:
    """Make the files, split them in another process, and print what it took."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--people", type=int, default=5_000_000)
    arguments.add_argument("--facts", type=int, default=20_000_000)
    arguments.add_argument("--split", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.split:
        print(json.dumps(split(given.split)))
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        write(study_in(root, owners=(OWNER,)), given.people, given.facts)
        done = subprocess.run(
            [sys.executable, __file__, "--split", str(root)], check=True, capture_output=True, text=True
        )
    print(json.dumps({"people": given.people, "facts": given.facts, **json.loads(done.stdout)}, indent=2))


def write(study: Study, people: int, facts: int) -> None:
    """Write the owner's files: four of five facts are events, the others episodes."""
    rng = np.random.default_rng(1)
    folder = study.sources(OWNER)
    folder.mkdir(parents=True)
    references = np.char.add("J", np.char.zfill(rng.permutation(people).astype("U9"), 9))

    def drawn(count: int, stem: str, size: int) -> pa.Array:
        words = pa.array([f"{stem}{number:05d}" for number in range(count)])
        return words.take(pa.array(rng.integers(0, count, size)))

    def days(count: int) -> pa.Array:
        return pa.array(rng.integers(_FIRST_DAY, _LAST_DAY, count).astype(np.int32)).cast(pa.date32())

    pa.csv.write_csv(
        pa.table(
            {
                "reference": pa.array(references),
                "forename": drawn(500, "Madeup", people),
                "surname": drawn(20_000, "Zyxample", people),
                "date_of_birth": days(people),
                "sex": drawn(2, "S", people),
                "postcode": drawn(90_000, "ZZ1 ", people),
                "pnc": pa.array(np.char.add("2020/", np.arange(people).astype("U9"))),
            }
        ),
        folder / "people.csv",
    )
    events, episodes = facts - facts // 5, facts // 5
    at = rng.integers(0, people, events)
    pa.csv.write_csv(
        pa.table(
            {
                "reference": pa.array(references[at]),
                "kind": drawn(2, "offence_", events),
                "occurred_on": days(events),
                "detail": drawn(40, "code-", events),
            }
        ),
        folder / "event.csv",
    )
    at = rng.integers(0, people, episodes)
    begins = rng.integers(_FIRST_DAY, _LAST_DAY, episodes).astype(np.int32)
    pa.csv.write_csv(
        pa.table(
            {
                "reference": pa.array(references[at]),
                "kind": drawn(1, "custody", episodes),
                "started_on": pa.array(begins).cast(pa.date32()),
                "ended_on": pa.array(begins + 100).cast(pa.date32()),
                "detail": drawn(40, "code-", episodes),
            }
        ),
        folder / "episode.csv",
    )


def split(root: Path) -> dict[str, object]:
    """Split the owner's files and return what it took."""
    study = study_at(root)
    wall, cpu = time.perf_counter(), time.process_time()
    made = study.split(OWNER)
    return {
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "rows_sealed": [parcel.manifest.body.rows for parcel in made.parcels],
        "mb_sealed": sum(parcel.bytes for parcel in made.parcels) >> 20,
    }


if __name__ == "__main__":
    main()
