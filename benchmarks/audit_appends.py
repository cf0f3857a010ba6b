"""Cost of the audit log: a hundred thousand entries in durable batches, beside the same rows in plain SQLite.

Prints one JSON object: the best wall and CPU seconds of the rounds for the log and for a plain table that
takes the same happenings as JSON in the same batches and as durably, their ratio (plain by log: 1 means that
the Merkle tree, the canonical form and the guards cost nothing), and what opening and verifying cost. Rounds
are interleaved so that a busy machine slows both. A single entry, as each act writes two, is timed too.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from families_first.governance.audit.event import Event, Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.verifying import verify_against
from families_first.governance.home import Home

SINGLE = 200
BAR_CPU_SECONDS = 10.0


def happening(number: int) -> Event:
    """Return a made-up decision of the size that real ones have."""
    return Event(
        action="view-family",
        resource_kind="CaseRecord",
        resource_id=f"F{number:07d}",
        purpose="identify-and-support",
        outcome=Outcome.ALLOWED,
        actor="made-up-keyworker",
        account="keyworker",
        policies=("keyworker-views-own-families",),
        policy_hash="ab" * 32,
        subjects=(f"{number:064x}",),
        details={"staff_register": "0123456789abcdef"},
    )


def as_json(number: int) -> str:
    """Return the same happening as anybody would log it: one JSON object with the time."""
    event = happening(number)
    told = {name: getattr(event, name) for name in event.__dataclass_fields__}
    return json.dumps({"index": number, "time": datetime.now(UTC).isoformat(), **told})


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of an action."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Run the rounds and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=100_000)
    options.add_argument("--batch", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    starts = range(0, chosen.entries, chosen.batch)
    taken: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        for number in range(chosen.rounds):
            home = Home.create(Path(place) / f"home-{number}", zone="council", title="Exampleshire Council")
            log = AuditLog.open(home)

            def write_log(log: AuditLog = log) -> None:
                for start in starts:
                    log.append_all(happening(each) for each in range(start, start + chosen.batch))

            taken.setdefault("log", []).append(timed(write_log))
            plain = Path(place) / f"plain-{number}.sqlite"

            def write_plain(plain: Path = plain) -> None:
                with closing(sqlite3.connect(plain, isolation_level=None)) as database:
                    database.execute("PRAGMA journal_mode = TRUNCATE")
                    database.execute("PRAGMA synchronous = FULL")
                    database.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, leaf TEXT NOT NULL)")
                    for start in starts:
                        database.execute("BEGIN IMMEDIATE")
                        database.executemany(
                            "INSERT INTO entries VALUES (?, ?)",
                            ((each, as_json(each)) for each in range(start, start + chosen.batch)),
                        )
                        database.execute("COMMIT")

            taken.setdefault("plain", []).append(timed(write_plain))
            taken.setdefault("open", []).append(timed(lambda home=home: AuditLog.open(home)))
            taken.setdefault("verify", []).append(timed(lambda log=log: verify_against(log, [])))
            taken.setdefault("single", []).append(
                timed(lambda log=log: [log.append(happening(each)) for each in range(SINGLE)])
            )
    best = {name: [min(each) for each in zip(*rounds, strict=True)] for name, rounds in taken.items()}
    figures = {
        "entries": chosen.entries,
        "batch": chosen.batch,
        "log_seconds": round(best["log"][0], 2),
        "log_cpu_seconds": round(best["log"][1], 2),
        "bar_cpu_seconds": BAR_CPU_SECONDS,
        "plain_seconds": round(best["plain"][0], 2),
        "plain_cpu_seconds": round(best["plain"][1], 2),
        "ratio": round(best["plain"][0] / best["log"][0], 2),
        "cpu_ratio": round(best["plain"][1] / best["log"][1], 2),
        "open_milliseconds": round(best["open"][0] * 1000, 2),
        "verify_seconds": round(best["verify"][0], 2),
        "single_entry_milliseconds": round(best["single"][0] / SINGLE * 1000, 2),
    }
    print(json.dumps(figures, indent=2))
    assert best["log"][1] <= BAR_CPU_SECONDS * chosen.entries / 100_000


if __name__ == "__main__":
    main()
