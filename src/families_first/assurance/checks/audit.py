"""The audit log: changed behind everybody's back, made unwritable, and left unwitnessed."""

import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from families_first.assurance import planted
from families_first.assurance.bench import Bench, called, desk_as
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.forging import FORGERIES, forged_log
from families_first.council.deliveries.landing import land_delivery
from families_first.council.deliveries.mapping_file import load_mappings
from families_first.errors import ExitCode
from families_first.governance.agreements import load_agreements
from families_first.governance.audit.checkpointing import WITNESSES_NEEDED, checkpoint
from families_first.governance.audit.checkpoints import Checkpoint, last_checkpoint
from families_first.governance.audit.log import LOG_FILE, AuditLog
from families_first.governance.audit.sqlite_store import SqliteStore
from families_first.governance.audit.verifying import Holder, verify_against, witnesses_of
from families_first.governance.audit.witnesses import hand_over, not_witnesses, taken_by
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE
from families_first.governance.policy import Resource

_UNWITNESSED = timedelta(hours=24)
"""How old an entry may be before two witnesses hold it. Checkpoints are made hourly while somebody works."""

_ENTRIES = 12


@check(
    "log-cannot-change-unseen",
    tries="forge the log with every hash made anew, unseen by a witness",
    unit="forgeries",
    limit_seconds=90,
)
def log_cannot_change_unseen(bench: Bench) -> Findings:
    """A rogue administrator's forgeries of copies of the log: each is sound by itself, and a witness must
    catch it."""
    tally = Tally()
    for home in [*_witnessed(bench.homes), _worked_in(bench)]:
        original = home.audit / LOG_FILE
        log, holders = AuditLog(SqliteStore(original)), _outside(home)
        seen = max((each.file.last() or _NOTHING).size for each in holders)
        if not verify_against(log, holders).is_sound:
            tally.holds(False, f"the log of {called(home)} is not what its witnesses hold")
            continue
        entries = list(log.entries(0, seen))
        for what, forge in FORGERIES.items():
            forged = forged_log(bench.room() / LOG_FILE, forge(list(entries)))
            if not verify_against(forged, ()).is_sound:
                tally.doubts.append(
                    f"The forgery ({what}) was not sound by itself, so the witnesses had no work."
                )
            caught = not verify_against(forged, holders).is_sound
            tally.holds(caught, f"the log of {called(home)}: {what}, and no witness saw it")
        copy = bench.room() / LOG_FILE
        shutil.copyfile(original, copy)
        for statement in _STATEMENTS:
            tally.holds(not _succeeds(copy, statement), f"the log's file takes: {statement}")
    return tally.findings(
        "Copies of the logs were forged with all hashes, roots and states made anew, so that each is sound "
        "by itself, and then held against what the witnesses have; and the log's file was told to change "
        "and to delete rows."
    )


_NOTHING = Checkpoint("", 0, b"", "")


_STATEMENTS = (
    "UPDATE entries SET leaf = '{}' WHERE number = 0",
    "DELETE FROM entries WHERE number = 0",
    "DELETE FROM heads",
    "INSERT INTO entries VALUES (1000000, '{}')",
    "INSERT OR REPLACE INTO entries VALUES (0, '{}')",
)


def _succeeds(path: Path, statement: str) -> bool:
    connection = sqlite3.connect(path)
    try:
        connection.execute(statement)
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
    return True


def _worked_in(bench: Bench) -> Home:
    """Return a made-up home in which somebody worked, and of which the log was witnessed."""
    home = bench.made_up_homes().council
    desk = desk_as(home, "data-lead")
    for number in range(_ENTRIES // 2):
        with desk.act("view-family", Resource("CaseRecord", f"f-{number}")):
            pass
    checkpoint(home, desk.log)
    return home


def _witnessed(homes: Sequence[Home]) -> list[Home]:
    """Return the homes of which a file outside holds at least a few entries, in the home's own file."""
    return [
        home
        for home in homes
        if (home.root / IDENTITY_FILE).exists()
        and (home.audit / LOG_FILE).exists()
        and any((each.file.last() or _NOTHING).size > len(_STATEMENTS) for each in _outside(home))
    ]


def _outside(home: Home) -> list[Holder]:
    return [each for each in witnesses_of(home) if each.outside]


@check(
    "nothing-without-the-log",
    tries="land a file and look at a family while the log is damaged, gone, full, or its clock is set back",
    unit="attempts",
    limit_seconds=90,
)
def nothing_without_the_log(bench: Bench) -> Findings:
    """Each way in which a log can fail; each act must be refused, and nothing may be in the vault
    afterwards."""
    tally = Tally()
    for what, spoil in _SPOILT.items():
        home = _worked_in(bench)
        path = planted.plant(bench.room())
        desk = desk_as(home, "data-lead", "team-manager")
        if what == "its clock is set back":
            desk.clock = lambda: bench.clock() - timedelta(hours=1)
            desk.log = AuditLog(SqliteStore(home.audit / LOG_FILE), clock=desk.clock)
        with spoil(home.audit / LOG_FILE):
            for told, attempt in (
                ("landed a file", _landing(desk, path)),
                ("looked at a family", _looking(desk)),
            ):
                tally.refused(f"{told} while {what}", attempt, ExitCode.AUDIT)
        kept = list((home.vault / "datasets").glob("*"))
        tally.holds(not kept, f"something is in the vault that was landed while {what}")
    return tally.findings(
        f"In {len(_SPOILT)} homes the log was made to fail, each in another way; then a file was landed and "
        "a family looked at, and the vault was searched for what should not be there."
    )


def _landing(desk: Desk, path: Path) -> Callable[[], object]:
    mapping = load_mappings(desk.home.mappings)[planted.MAPPING]
    agreement = load_agreements(desk.home.agreements)[mapping.content.mapping.agreement]
    return lambda: land_delivery(path, mapping, agreement, desk, on=agreement.in_force_from, workers=1)


def _looking(desk: Desk) -> Callable[[], None]:
    def attempt() -> None:
        with desk.act("view-family", Resource("CaseRecord", "f-1")):
            pass

    return attempt


@contextmanager
def _untouched(log: Path) -> Iterator[None]:
    yield


@contextmanager
def _garbled(log: Path) -> Iterator[None]:
    log.write_bytes(b"\x5a" * log.stat().st_size)
    yield


@contextmanager
def _gone(log: Path) -> Iterator[None]:
    log.unlink()
    yield


@contextmanager
def _unguarded(log: Path) -> Iterator[None]:
    connection = sqlite3.connect(log)
    connection.execute("DROP TRIGGER entries_no_update")
    connection.execute("UPDATE entries SET leaf = '{}' WHERE number = (SELECT max(number) FROM entries)")
    connection.execute("DROP TABLE heads")
    connection.commit()
    connection.close()
    yield


@contextmanager
def _full(log: Path) -> Iterator[None]:
    """Let no file of this process grow, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    quiet = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, quiet)


_SPOILT = {
    "the log is garbled": _garbled,
    "the log is gone": _gone,
    "the log's tables are broken": _unguarded,
    "the disk is full": _full,
    "its clock is set back": _untouched,
}


@check(
    "witnesses-hold-the-log",
    tries="find entries older than a day that no two witnesses hold, or a witness that holds another log",
    unit="logs and witnesses",
    limit_seconds=90,
)
def witnesses_hold_the_log(bench: Bench) -> Findings:
    """Each home's log beside what each of its witnesses holds, and how old what they do not hold has
    become. Of a witness that is a command, what it answers now counts, and not the home's copy."""
    tally, idle = Tally(), list[str]()
    entries = 0
    for home in bench.examined():
        log, name = AuditLog.open(home), called(home)
        entries += log.size
        none = not_witnesses(home)
        tally.notes += [f"{who} is no witness of {name}, because {why}." for who, why in none.items()]
        named = len(home.settings.audit.witnesses) - len(none)
        tally.holds(
            named >= WITNESSES_NEEDED,
            f"{name} names {named} true witnesses, and {WITNESSES_NEEDED} are needed",
        )
        if named == 0:
            continue
        if log.size == 0:
            idle.append(called(home))
            continue
        found = verify_against(log, witnesses_of(home))
        tally.holds(not found.faults, f"the log of {name} is damaged")
        recent = 0
        for each in found.verdicts:
            tally.holds(not each.faults, f"{each.holder}, a witness of {name}: {' '.join(each.faults)}")
            if each.faults or each.holder in none:
                continue
            held, silent = (each.newest, "") if each.outside else _asked(home, log, each.holder)
            if silent:
                tally.notes.append(f"{each.holder} does not count as a witness of {name}: {silent}.")
            elif held >= log.size or bench.clock() - next(log.entries(held, held + 1)).time < _UNWITNESSED:
                recent += 1
        tally.holds(recent >= WITNESSES_NEEDED, f"{recent} witnesses hold what is older than a day in {name}")
        if not any(each.newest for each in found.verdicts):
            tally.notes.append(f"No checkpoint of {name} has been made yet; its log is younger than a day.")
    if idle:
        told = f"Nothing has been logged yet, so there is nothing to witness, in: {', '.join(idle)}."
        tally.notes.append(told)
    return tally.findings(
        f"Every entry of the homes' logs ({entries:,}) was hashed anew and held against every checkpoint "
        "that the witnesses have."
    )


def _asked(home: Home, log: AuditLog, name: str) -> tuple[int, str]:
    """Hand a witness that is a command the home's last checkpoint again.

    Returns how many entries it answers that it holds, or why it does not.
    """
    [witness] = [each for each in home.settings.audit.witnesses if each.name == name]
    last, took = last_checkpoint(home), taken_by(home, witness).last()
    if last is None:
        return 0, "no checkpoint has been made that it could hold"
    why = hand_over(home, log, last, witness, took.size if took else 0)
    return last.size, why
