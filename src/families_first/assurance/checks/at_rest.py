"""Held securely: planted people looked for in every file, the query engine's ways out, and who can read the
keys."""

import os
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from families_first.assurance import planted
from families_first.assurance.bench import Bench, called, desk_as
from families_first.assurance.check import Findings, Tally, check
from families_first.council.journey import build_families, land_inbox
from families_first.council.people import match_people
from families_first.council.resources import RECORDS
from families_first.governance.home import Home
from families_first.governance.vault import Vault
from families_first.governance.vault.duck import locked_connection

_ON = date(2026, 5, 1)
_GROUP_OR_OTHERS = 0o077


@check(
    "no-plain-text-at-rest",
    tries="find a planted name, National Insurance number or address in any file that the program wrote",
    unit="files searched",
    limit_seconds=60,
)
def no_plain_text_at_rest(bench: Bench) -> Findings:
    """A planted family, landed, refused, matched and grouped; then every file of the home and temporary
    folder."""
    tally = Tally()
    home, temporary = bench.made_up_homes().council, bench.room()
    desk = desk_as(home, "data-lead")
    planted.plant(home.inbox)
    with planted.temporary_files_in(temporary):
        landed = land_inbox(desk, on=_ON)
        (home.inbox / planted.FILE).unlink()
        planted.plant(home.inbox, further=["Religion"])
        refused = land_inbox(desk, on=_ON)
        match_people(desk, None, on=_ON)
        build_families(desk, on=_ON)
        with desk.act("list-families", RECORDS) as act:
            vault = Vault(act)
            [delivery] = vault.list("delivery")
            rows = vault.read(delivery, "person_record").num_rows
    if not (landed[0].landed and not refused[0].landed and rows):
        tally.doubts.append("The planted family did not land as it should.")
    if len(planted.found_in(home.inbox)[1]) == 0:
        tally.doubts.append("The search does not find the planted values even where they are.")
    # What agencies sent, and what was refused, lies there in the clear by design, private to the account.
    beside = (home.inbox, home.outbox)
    for root in (home.root.parent, temporary):
        searched, found = planted.found_in(root, beside=beside)
        tally.count(searched, found)
    return tally.findings(
        f"A planted family was landed, refused, matched and grouped, {rows} records of it read back, and "
        f"{tally.attempts:,} files of the home, its log, its witnesses and its temporary folder searched. "
        "The inbox and the outbox hold files in the clear by design, private to the account."
    )


@check(
    "engine-is-shut",
    tries="get records out of the query engine, by files, databases, extensions, network or a spill",
    unit="statements",
)
def engine_is_shut(bench: Bench) -> Findings:
    """Every way out of DuckDB that is known, each of which must be refused and leave no file."""
    tally, room = Tally(), bench.room()
    secret = room / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    spill = bench.room()
    connection = locked_connection(
        {"person": pa.table({"n": list(range(50_000))})}, threads=1, memory_limit="48MB"
    )
    out = room / "out"
    ways = (
        f"SELECT * FROM read_csv('{secret}')",
        f"SELECT * FROM read_text('{secret}')",
        f"SELECT * FROM read_blob('{secret}')",
        f"SELECT * FROM glob('{room}/*')",
        f"SELECT * FROM '{secret}'",
        f"COPY person TO '{out}.csv'",
        f"COPY person TO '{out}.parquet' (FORMAT parquet)",
        f"EXPORT DATABASE '{out}'",
        f"ATTACH '{out}.duckdb'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "INSTALL sqlite FROM community",
        "SELECT * FROM read_csv('https://example.org/a.csv')",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        f"SET temp_directory = '{spill}'",
        "SET allow_unsigned_extensions = true",
        "SET python_enable_replacements = true",
        f"SET secret_directory = '{room}'",
        "CREATE PERSISTENT SECRET s (TYPE s3)",
        "SELECT * FROM planted_in_python",
        f"PRAGMA enable_profiling = 'json'; PRAGMA profiling_output = '{out}.json'; SELECT 1",
        "CREATE TABLE big AS SELECT a.n AS a, b.n AS b FROM person a, person b ORDER BY b.n, a.n",
    )
    planted_in_python = pa.table({"n": [1]})
    before = {path.name for path in room.iterdir()}
    with planted.temporary_files_in(spill):
        for statement in ways:
            tally.attempts += 1
            if _succeeds(lambda statement=statement: connection.execute(statement).fetchall()):  # type: ignore[misc]
                tally.breaches.append(statement.replace(str(room), "FOLDER").replace(str(spill), "FOLDER"))
    del planted_in_python
    left = {path.name for path in room.iterdir()} - before | {path.name for path in spill.iterdir()}
    tally.holds(not left, f"{len(left)} files were written")
    [(rows,)] = connection.execute("SELECT count(*) FROM person").fetchall()
    if rows != 50_000:
        tally.doubts.append("The engine does not answer an ordinary question.")
    return tally.findings(
        f"{len(ways)} statements tried to read or write a file, reach another database, an extension, the "
        "network or Python's variables, undo a setting, or spill to disk; an ordinary question was "
        "answered after them."
    )


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except duckdb.Error:
        return False
    return True


@check(
    "keys-are-private",
    tries="find a key or a private folder that another account could read, or a key outside its folder",
    unit="files and folders",
)
def keys_are_private(bench: Bench) -> Findings:
    """The modes and the owner of every key and private folder of the homes, and where keys lie."""
    tally = Tally()
    for home in bench.examined():
        _look_at(tally, home)
    return tally.findings(
        f"{tally.attempts:,} keys and private folders were looked at: who owns them, who else could read "
        "them, and whether a key lies anywhere but in its folder."
    )


def _look_at(tally: Tally, home: Home) -> None:
    folders = (home.keys, home.vault, home.audit, home.parcels, home.inbox, home.outbox)
    for folder in folders:
        if folder.exists():
            _private(tally, folder, home)
    for path in sorted(home.keys.rglob("*")):
        _private(tally, path, home)
    masters = {each.read_bytes() for each in home.keys.glob("*.key")}
    for path in sorted(home.root.rglob("*")):
        if path.is_relative_to(home.keys) or path.is_symlink() or not path.is_file():
            continue
        if path.suffix in {".key", ".age"}:
            tally.holds(False, f"a key lies in {path.parent.name}/ of {called(home)}")
        elif path.stat().st_size < 4096:  # a key file is a few lines
            tally.holds(path.read_bytes() not in masters, f"a copy of a key lies in {path.parent.name}/")


def _private(tally: Tally, path: Path, home: Home) -> None:
    info = path.stat(follow_symlinks=False)
    name = f"{path.name} of {called(home)}"
    tally.holds(not stat.S_ISLNK(info.st_mode), f"{name} leads elsewhere")
    tally.holds(info.st_uid == os.geteuid(), f"{name} belongs to another account")
    tally.holds(not info.st_mode & _GROUP_OR_OTHERS, f"{name} can be read by other accounts")
