"""Landing against plain DuckDB: five million CSV rows checked, landed and encrypted, or read to Parquet.

Both run in this process, one after the other, two threads each; the best of the repeats counts for both.
Prints JSON: seconds of each, and ``ratio`` = plain seconds over landing seconds (the bar is 0.5).

    python benchmarks/landing.py [--rows 5000000] [--repeats 2]
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb

from families_first.council.deliveries import land_delivery, parse_mapping
from families_first.simulation.homes import council_desk

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from bad_files import made_up_agreement

THREADS = 2
ON = date(2026, 9, 30)
BAR = 0.5

MAPPING = """
[mapping]
id = "attendance"
source = "benchmark"
title = "Made-up people"
sender = "Exampleshire schools"
agreement = "schools-2026"
purpose = "identify-and-support"
files = ["people.csv"]
cadence_days = 30
kind = "snapshot"

[columns]
"Record id" = { type = "text", required = true }
Forename = { type = "name" }
Surname = { type = "name", required = true }
"Date of birth" = { type = "date", formats = ["%d/%m/%Y"] }
Sex = { type = "code", codes = { M = "M", F = "F" } }
NINO = { type = "nino", on_bad = "blank" }
Postcode = { type = "postcode", on_bad = "blank" }
"Recorded on" = { type = "date", formats = ["%d/%m/%Y"] }

[[emit]]
table = "person_record"
record_id = "{Record id}"
forename = "{Forename}"
surname = "{Surname}"
date_of_birth = "{Date of birth}"
sex = "{Sex}"
nino = "{NINO}"
postcode = "{Postcode}"
valid_from = "{Recorded on}"
"""

PEOPLE = """
COPY (
    SELECT
        'R' || lpad(n::VARCHAR, 9, '0') AS "Record id",
        chr(65 + (hash(n) % 26)::INT) || 'a' || chr(97 + (hash(n, 1) % 26)::INT) || 'el' AS Forename,
        chr(65 + (hash(n, 2) % 26)::INT) || chr(97 + (hash(n, 3) % 26)::INT) || 'rb'
            || chr(97 + (hash(n, 4) % 26)::INT) || 'ton' AS Surname,
        strftime(DATE '1945-01-01' + (hash(n, 5) % 29000)::INT, '%d/%m/%Y') AS "Date of birth",
        ['M', 'F'][1 + (hash(n, 6) % 2)::INT] AS Sex,
        'QQ' || lpad((hash(n, 7) % 1000000)::VARCHAR, 6, '0')
            || ['A', 'B', 'C', 'D'][1 + (hash(n, 8) % 4)::INT] AS NINO,
        'ES' || (1 + hash(n, 9) % 99)::VARCHAR || ' ' || (hash(n, 10) % 10)::VARCHAR
            || ['AB', 'DE', 'FG', 'HJ', 'LN', 'PQ', 'RS', 'TU'][1 + (hash(n, 11) % 8)::INT] AS Postcode,
        strftime(DATE '2025-01-01' + (hash(n, 12) % 600)::INT, '%d/%m/%Y') AS "Recorded on"
    FROM range({rows}) AS made(n)
) TO '{path}' (HEADER)
"""


def plain(path: Path, out: Path) -> None:
    """Turn the file into Parquet with DuckDB's own reader and writer."""
    con = duckdb.connect(config={"threads": THREADS})
    con.execute(f"COPY (SELECT * FROM read_csv('{path}')) TO '{out}'")
    con.close()


def landing(path: Path, folder: Path) -> None:
    """Check the file and land it in an encrypted vault."""
    desk = council_desk(folder)
    home = desk.home
    mapping = parse_mapping(MAPPING)
    agreement = made_up_agreement(
        "attendance",
        mapping.content.headers,
        until=date(2027, 3, 31),
        retention_class=home.retention_classes[0].id,
    )
    report = land_delivery(path, mapping, agreement, desk, on=ON, workers=THREADS)
    assert report.landed == report.rows


def timed(work: Callable[[], None]) -> float:
    """Return wall seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Run both and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--repeats", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        path = folder / "people.csv"
        duckdb.connect().execute(PEOPLE.format(rows=given.rows, path=path))
        plain_seconds, landing_seconds = [], []
        for turn in range(given.repeats):
            plain_seconds.append(timed(lambda: plain(path, folder / "plain.parquet")))
            landing_seconds.append(timed(lambda turn=turn: landing(path, folder / f"home-{turn}")))
        print(
            json.dumps(
                {
                    "rows": given.rows,
                    "file_mib": round(path.stat().st_size / 2**20, 1),
                    "plain_duckdb_seconds": round(min(plain_seconds), 2),
                    "seconds": round(min(landing_seconds), 2),
                    "ratio": round(min(plain_seconds) / min(landing_seconds), 3),
                    "bar": BAR,
                    "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                }
            )
        )


if __name__ == "__main__":
    main()
