"""The log: adding, reading, refusing what cannot be logged, and what is seen when it is opened."""

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpointing import make_checkpoint
from families_first.governance.audit.log import LOG_FILE, AuditLog
from families_first.governance.audit.merkle import leaf_hash, proves_consistency, proves_inclusion
from families_first.governance.home import Home
from made_up_log import EXAMPLE, fill, happening, witnessed_home

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)


class Clock:
    """A clock that shows what it was set to."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home", **EXAMPLE)


def test_entries_are_numbered_from_nought_and_read_back_in_order(home: Home) -> None:
    log = AuditLog.open(home, clock=Clock())
    assert log.last_time() is None
    assert log.append(happening(0)) == 0
    assert log.append_all([happening(1), happening(2)]) == range(1, 3)
    assert log.append_all([]) == range(3, 3)
    assert [each.index for each in log.entries()] == [0, 1, 2]
    assert [each.event for each in log.entries(1, 2)] == [happening(1)]
    assert next(log.entries()).time == NOON
    assert log.last_time() == NOON
    again = AuditLog.open(home)
    assert (again.size, again.root()) == (3, log.root())


def test_the_log_is_private_to_the_account(home: Home) -> None:
    AuditLog.open(home).append(happening())
    assert (home.audit / LOG_FILE).stat().st_mode & 0o077 == 0


def test_a_clock_set_back_by_more_than_ten_minutes_is_refused_and_nothing_is_logged(home: Home) -> None:
    clock = Clock()
    log = AuditLog.open(home, clock=clock)
    log.append(happening(0))
    clock.now = NOON - timedelta(minutes=11)
    with pytest.raises(UserError, match="The clock of this machine was set back") as refusal:
        log.append(happening(1))
    assert refusal.value.code == ExitCode.AUDIT
    assert "Set the clock right" in refusal.value.fix
    assert log.size == 1


def test_a_clock_cannot_be_walked_back_in_small_steps(home: Home) -> None:
    clock = Clock()
    log = AuditLog.open(home, clock=clock)
    log.append(happening(0))
    clock.now = NOON - timedelta(minutes=9)
    log.append(happening(1))
    assert log.last_time() == NOON
    clock.now = NOON - timedelta(minutes=18)
    with pytest.raises(UserError, match="set back"):
        log.append(happening(2))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET leaf = '{}' WHERE number = 1",
        "DELETE FROM entries WHERE number = 2",
        "INSERT OR REPLACE INTO entries VALUES (1, '{}')",
        "INSERT INTO entries VALUES (7, '{}')",
        "UPDATE heads SET latest = ''",
        "DELETE FROM heads",
        "INSERT OR REPLACE INTO heads SELECT * FROM heads WHERE size = 3",
    ],
)
def test_the_file_itself_refuses_to_change_or_remove_an_entry(home: Home, statement: str) -> None:
    log = AuditLog.open(home)
    fill(log, entries=3)
    with (
        closing(sqlite3.connect(home.audit / LOG_FILE)) as database,
        pytest.raises(sqlite3.IntegrityError, match=r"never changed|added in order"),
    ):
        database.execute(statement)
    assert [each.event for each in log.entries()] == [happening(n) for n in range(3)]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("INSERT INTO entries VALUES (3, '{}')", "entries without a state"),
        ("DELETE FROM entries WHERE number = 2", "a state without entries"),
        ("UPDATE heads SET peaks = x'00' WHERE size = 3", "not of the right length"),
        ("UPDATE heads SET root = x'00' WHERE size = 3", "does not give its root"),
    ],
)
def test_what_is_cheap_to_see_is_seen_when_the_log_is_opened(home: Home, statement: str, told: str) -> None:
    fill(AuditLog.open(home), entries=3)
    with closing(sqlite3.connect(home.audit / LOG_FILE)) as database, database:
        guards = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            database.execute(f"DROP TRIGGER {name}")
        database.execute(statement)
        for _, sql in guards:
            database.execute(sql)
    with pytest.raises(UserError, match=told) as refusal:
        AuditLog.open(home)
    assert refusal.value.code == ExitCode.AUDIT


def test_a_log_without_its_guards_is_refused_when_it_is_opened(home: Home) -> None:
    fill(AuditLog.open(home), entries=3)
    with closing(sqlite3.connect(home.audit / LOG_FILE)) as database, database:
        database.execute("DROP TRIGGER entries_no_delete")
    with pytest.raises(UserError, match="guards against change"):
        AuditLog.open(home)


def test_a_log_put_back_from_before_its_last_checkpoint_is_refused(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    log = AuditLog.open(home)
    fill(log, entries=3)
    old = (home.audit / LOG_FILE).read_bytes()
    fill(log, start=3, entries=2)
    make_checkpoint(home, log)
    (home.audit / LOG_FILE).write_bytes(old)
    with pytest.raises(UserError, match="it has 3 entries, and 5 are in its last checkpoint"):
        AuditLog.open(home)
    fill(log, start=7, entries=2)
    with pytest.raises(UserError, match="its first 5 entries are not those of its last checkpoint"):
        AuditLog.open(home)


def test_a_log_whose_file_is_gone_is_not_begun_again_once_it_has_a_checkpoint(tmp_path: Path) -> None:
    home = witnessed_home(tmp_path / "home")
    log = AuditLog.open(home)
    fill(log, entries=3)
    make_checkpoint(home, log)
    (home.audit / LOG_FILE).unlink()
    with pytest.raises(UserError, match="its file is gone"):
        log.append(happening())
    with pytest.raises(UserError, match="it has 0 entries, and 3 are in its last checkpoint"):
        AuditLog.open(home)


def test_proofs_from_the_log_hold_wherever_they_start(home: Home) -> None:
    log = AuditLog.open(home)
    roots = {0: log.root()}
    for number in range(6):
        log.append_all([happening(number), happening(number + 100)])
        roots[log.size] = log.root()
    for old, root in roots.items():
        assert proves_consistency(old, 12, root, roots[12], log.consistency_proof(old, 12))
    between = log.consistency_proof(5, 12)  # a size that the log never had after a commit
    assert between
    for index, leaf in log.leaves():
        assert proves_inclusion(leaf_hash(leaf), index, 12, log.inclusion_proof(index, 12), roots[12])


def test_threads_may_share_a_log(home: Home) -> None:
    log = AuditLog.open(home)
    threads = [threading.Thread(target=fill, args=(log,), kwargs={"entries": 10}) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.index for each in log.entries()] == list(range(40))


def test_a_missing_entry_is_told_when_the_log_is_read(home: Home) -> None:
    log = AuditLog.open(home)
    fill(log, entries=5)
    with closing(sqlite3.connect(home.audit / LOG_FILE)) as database, database:
        database.execute("DROP TRIGGER entries_no_delete")
        database.execute("DELETE FROM entries WHERE number = 2")
    with pytest.raises(UserError, match="entry 2 is missing"):
        list(log.entries())
