"""Cost of the vault: five million rows of eight columns, kept encrypted and read back, beside plain Parquet.

Prints one JSON object: for writing and for reading, the best wall and CPU seconds of the rounds, the size
on disk, and the ratio of plain to vault (1 means that the vault costs nothing; 0.5, that it takes twice as
long). Both sides flush to disk. Rounds are interleaved so that a busy machine slows both.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from families_first.council.resources import RECORDS
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.vault import Vault
from families_first.simulation.homes import council_desk


def made_up_rows(rows: int) -> pa.Table:
    """Return rows of the shape of person records: few sources and names, many references."""
    rng = np.random.default_rng(20260930)

    def words(prefix: str, distinct: int) -> pa.Array:
        dictionary = pa.array([f"{prefix}{number:07d}" for number in range(distinct)])
        indices = pa.array(rng.integers(0, distinct, rows).astype(np.int32))
        return pa.DictionaryArray.from_arrays(indices, dictionary).dictionary_decode()

    return pa.table(
        {
            "source": words("source", 1),
            "record_id": words("R", max(1, rows // 2)),
            "forename": words("Forename", 5_000),
            "surname": words("Surname", 20_000),
            "date_of_birth": pa.array(rng.integers(0, 20_000, rows).astype(np.int32)).cast(pa.date32()),
            "nino": words("QQ", max(1, rows // 2)),
            "postcode": words("XX", 50_000),
            "line": pa.array(np.arange(2, rows + 2)),
        }
    )


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of an action."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Run the rounds and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    table = made_up_rows(chosen.rows)
    taken: dict[str, list[tuple[float, float]]] = {}
    with (
        tempfile.TemporaryDirectory() as place,
        council_desk(Path(place) / "home").act("match-people", RECORDS) as act,
    ):
        plain = Path(place) / "plain.parquet"
        vault = Vault(act)

        def write_plain() -> None:
            with plain.open("wb") as file:
                pq.write_table(table, file)
                os.fsync(file.fileno())

        def write_vault() -> None:
            vault.commit("people", "bench", {"t": table}, retention_class=PROGRAMME_CLASS.id, about={})

        def read_vault() -> None:
            kept = vault.latest("people")
            assert kept is not None
            assert vault.read(kept, "t").num_rows == chosen.rows

        def read_plain() -> None:
            assert pq.read_table(plain).num_rows == chosen.rows

        for _ in range(chosen.rounds):
            vault.remove(*vault.list("people"))
            for name, action in (
                ("write_plain", write_plain),
                ("write_vault", write_vault),
                ("read_plain", read_plain),
                ("read_vault", read_vault),
            ):
                taken.setdefault(name, []).append(timed(action))
        kept = vault.latest("people")
        assert kept is not None
        sizes = {"plain_mb": plain.stat().st_size / 1e6, "vault_mb": kept.tables["t"].bytes / 1e6}
    best = {name: [min(each) for each in zip(*rounds, strict=True)] for name, rounds in taken.items()}
    figures: dict[str, object] = {"rows": chosen.rows, "columns": table.num_columns}
    for act in ("write", "read"):
        (plain_wall, plain_cpu), (vault_wall, vault_cpu) = best[f"{act}_plain"], best[f"{act}_vault"]
        figures[act] = {
            "plain_seconds": round(plain_wall, 2),
            "vault_seconds": round(vault_wall, 2),
            "ratio": round(plain_wall / vault_wall, 2),
            "plain_cpu_seconds": round(plain_cpu, 2),
            "vault_cpu_seconds": round(vault_cpu, 2),
            "cpu_ratio": round(plain_cpu / vault_cpu, 2),
        }
    figures |= {name: round(size, 1) for name, size in sizes.items()}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
