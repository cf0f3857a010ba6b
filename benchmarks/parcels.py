"""Cost of a parcel: ten million rows of six columns, sealed and opened, beside plain Parquet.

Prints one JSON object: best wall and CPU seconds of the rounds for each act, and the ratio of plain to parcel
(1 means that the parcel costs nothing; 0.5, that it takes twice as long). Sealing stands beside writing plain
Parquet; opening batch by batch beside reading it batch by batch; opening into the vault, which keeps the
rows encrypted, beside reading and writing. Both sides take the same stream of batches and flush to disk.
Rounds are interleaved so that a busy machine slows both.

Peak memory is that of a process of its own for each act, with the rows made as they are needed; beside it
stands what such a process takes for a thousand rows. The pages of a mapped file count, though the system can
drop them.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from families_first.governance.parcels import (
    Addressee,
    ColumnGroup,
    Contents,
    open_parcel,
    reading_parcel,
    seal_parcel,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from made_up_parcels import AGREEMENT, LINKAGE, Circle, circle_at, circle_in

SCHEMA = pa.schema(
    [
        ("row_key", pa.int64()),
        ("surname", pa.string()),
        ("nino", pa.string()),
        ("date_of_birth", pa.date32()),
        ("kind", pa.string()),
        ("count", pa.int64()),
    ]
)
GROUPS = (
    ColumnGroup("row-key", ("row_key",), (LINKAGE,)),
    ColumnGroup("identifiers", ("surname", "nino", "date_of_birth"), (LINKAGE,)),
    ColumnGroup("others", ("kind", "count"), (LINKAGE,)),
)
AGREED = AGREEMENT.replace(
    "[files.payload]",
    "\n".join(f'{name} = "Made up to be measured"' for name in ("date_of_birth", "kind", "count"))
    + "\n\n[files.payload]",
)
BATCH_ROWS = 131_072
WRITTEN_AT_ONCE = 1_000_000  # rows; what Arrow puts into a row group unless told otherwise


def made_up_batches(rows: int) -> Iterator[pa.RecordBatch]:
    """Yield rows of the shape that is split for a study; every batch is cut out of one block of words."""
    rng = np.random.default_rng(20260930)
    surnames = pa.array([f"Surname{number:06d}" for number in range(20_000)])
    ninos = pa.array([f"QQ{number:06d}C" for number in range(1_000_000)])
    kinds = pa.array(["exclusion", "offence", "benefit", "absence"])
    for begin in range(0, rows, BATCH_ROWS):
        size = min(BATCH_ROWS, rows - begin)
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(rng.integers(0, 1 << 62, size)),
                surnames.take(pa.array(rng.integers(0, len(surnames), size))),
                ninos.take(pa.array(rng.integers(0, len(ninos), size))),
                pa.array(rng.integers(0, 20_000, size).astype(np.int32)).cast(pa.date32()),
                kinds.take(pa.array(rng.integers(0, len(kinds), size))),
                pa.array(rng.integers(0, 100, size)),
            ],
            schema=SCHEMA,
        )


def seal(circle: Circle, batches: Iterable[pa.RecordBatch]) -> Path:
    """Seal rows, each group of columns under a key of its own."""
    return seal_parcel(
        circle.council,
        batches,
        schema=SCHEMA,
        agreement="study-2026",
        to=[Addressee(LINKAGE, Contents.IDENTIFIERS)],
        groups=GROUPS,
    ).path


def open_in_batches(circle: Circle, parcel: Path) -> int:
    """Open a parcel batch by batch and return how many rows there were."""
    with reading_parcel(circle.linkage, parcel) as found:
        return sum(batch.num_rows for batch in found.batches())


def write_plain(path: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """Write plain Parquet with Arrow's own defaults, as a stream."""
    with path.open("wb") as file:
        with pq.ParquetWriter(file, SCHEMA) as writer:
            waiting: list[pa.RecordBatch] = []
            for batch in batches:
                waiting.append(batch)
                if len(waiting) * BATCH_ROWS >= WRITTEN_AT_ONCE:
                    writer.write_table(pa.Table.from_batches(waiting))
                    waiting.clear()
            if waiting:
                writer.write_table(pa.Table.from_batches(waiting))
        file.flush()
        os.fsync(file.fileno())


def read_plain(path: Path) -> Iterator[pa.RecordBatch]:
    """Read plain Parquet as a stream."""
    return pq.ParquetFile(path).iter_batches(BATCH_ROWS)


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of an action."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure_time(rows: int, rounds: int, place: Path) -> dict[str, object]:
    """Return the figures of time and size."""
    circle = circle_in(place, text=AGREED)
    plain, copy = place / "plain.parquet", place / "copy.parquet"
    held = list(made_up_batches(rows))
    taken: dict[str, list[tuple[float, float]]] = {}
    parcels: list[Path] = []
    acts: dict[str, Callable[[], object]] = {
        "write_plain": lambda: write_plain(plain, held),
        "seal": lambda: parcels.append(seal(circle, held)),
        "seal_another": lambda: parcels.append(seal(circle, held)),  # for each is opened once
        "read_plain": lambda: sum(batch.num_rows for batch in read_plain(plain)),
        "open": lambda: open_in_batches(circle, parcels[0]),
        "copy_plain": lambda: write_plain(copy, read_plain(plain)),
        "open_into_vault": lambda: open_parcel(circle.linkage, parcels[1]),
    }
    for _ in range(rounds):
        for name, action in acts.items():
            taken.setdefault(name, []).append(timed(action))
        sizes = {"plain_mb": plain.stat().st_size / 1e6, "parcel_mb": parcels[0].stat().st_size / 1e6}
        while parcels:
            parcels.pop().unlink()
    best = {name: [min(each) for each in zip(*times, strict=True)] for name, times in taken.items()}
    best["write_and_read_plain"] = [
        sum(each) for each in zip(best["write_plain"], best["read_plain"], strict=True)
    ]
    best["seal_and_open"] = [sum(each) for each in zip(best["seal"], best["open"], strict=True)]
    figures: dict[str, object] = {"rows": rows, "columns": len(SCHEMA)}
    for beside, act in (
        ("write_plain", "seal"),
        ("read_plain", "open"),
        ("write_and_read_plain", "seal_and_open"),
        ("copy_plain", "open_into_vault"),
    ):
        (plain_wall, plain_cpu), (parcel_wall, parcel_cpu) = best[beside], best[act]
        figures[act] = {
            "plain_seconds": round(plain_wall, 2),
            "parcel_seconds": round(parcel_wall, 2),
            "ratio": round(plain_wall / parcel_wall, 2),
            "plain_cpu_seconds": round(plain_cpu, 2),
            "parcel_cpu_seconds": round(parcel_cpu, 2),
            "cpu_ratio": round(plain_cpu / parcel_cpu, 2),
        }
    return figures | {name: round(size, 1) for name, size in sizes.items()}


def measure_memory(rows: int, place: Path) -> dict[str, dict[str, int]]:
    """Return the peak memory of each act in mebibytes, each in a process of its own."""
    outbox = circle_in(place, text=AGREED).council.home.outbox
    peaks: dict[str, dict[str, int]] = {}
    for said, size in (("a_thousand_rows", 1_000), ("all_rows", rows)):
        for opening in ("open", "open_into_vault"):
            for act in ("seal", opening):
                command = [sys.executable, __file__, "--act", act, "--place", str(place), "--rows", str(size)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                peaks.setdefault(act, {})[said] = int(done.stdout)
            for parcel in outbox.iterdir():
                parcel.unlink()
    return peaks


def act_alone(act: str, rows: int, place: Path) -> int:
    """Do one act, and return the peak memory of this process in mebibytes."""
    circle = circle_at(place)
    if act == "seal":
        seal(circle, made_up_batches(rows))
    else:
        [parcel] = circle.council.home.outbox.iterdir()
        opened = open_in_batches if act == "open" else lambda it, file: open_parcel(it.linkage, file)
        opened(circle, parcel)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main() -> None:
    """Run the rounds and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--act", help=argparse.SUPPRESS)
    options.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.act:
        print(act_alone(chosen.act, chosen.rows, chosen.place))
        return
    # Memory first: a process begins its count with what the one had that began it.
    with tempfile.TemporaryDirectory() as place:
        peaks = measure_memory(chosen.rows, Path(place) / "memory")
    with tempfile.TemporaryDirectory() as place:
        figures = measure_time(chosen.rows, chosen.rounds, Path(place) / "time")
    print(json.dumps(figures | {"peak_memory_mb": peaks}, indent=2))


if __name__ == "__main__":
    main()
