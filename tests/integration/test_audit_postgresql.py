"""The audit log in PostgreSQL: a real server, several processes, guards, faults."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpointing import checkpoint
from families_first.governance.audit.log import AuditLog, schema_of
from families_first.governance.audit.verifying import verify_log
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.zone_file import AuditSection, WitnessSection
from made_up_log import append_at_once, fill, happening
from made_up_postgresql import Server, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as found:
        yield found


@pytest.fixture
def home(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Home:
    """Make a home with a log of its own in the server, and two witnesses."""
    witnesses = tuple(
        WitnessSection(name=name, file=str(tmp_path / f"{name}.notes")) for name in ("one", "two")
    )
    home = Home.create(
        tmp_path / "home",
        zone="council",
        title=request.node.name[-60:],
        audit=AuditSection(database=server.conninfo(), witnesses=witnesses),
    )
    ensure_identity(home)
    return home


def execute(server: Server, home: Home, statement: str) -> None:
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute(f'SET search_path TO "{schema_of(home)}"')  # type: ignore[call-overload]
        connection.execute(statement)  # type: ignore[call-overload]


def test_a_log_in_the_database_is_kept_read_checkpointed_and_verified(home: Home) -> None:
    log = AuditLog.open(home)
    fill(log, entries=3)
    assert checkpoint(home, log).is_witnessed
    assert log.append_all(happening(number) for number in range(3, 2_500)) == range(3, 2_500)
    assert checkpoint(home, log).is_witnessed
    assert [each.event for each in log.entries()] == [happening(number) for number in range(2_500)]
    again = AuditLog.open(home)
    assert (again.size, again.root()) == (2_500, log.root())
    found = verify_log(home, again)
    assert found.is_sound, found
    assert not list(home.audit.glob("*.sqlite"))


def test_homes_of_other_names_have_logs_of_their_own_in_one_database(server: Server, tmp_path: Path) -> None:
    logs = [
        AuditLog.open(
            Home.create(
                tmp_path / name, zone=zone, title="Invented", audit=AuditSection(database=server.conninfo())
            )
        )
        for name, zone in (("one", "council"), ("two", "research"))
    ]
    fill(logs[0], entries=3)
    assert [log.size for log in logs] == [3, 0]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET leaf = '{}' WHERE number = 1",
        "DELETE FROM entries",
        "TRUNCATE entries",
        "INSERT INTO entries VALUES (1, '{}') ON CONFLICT (number) DO UPDATE SET leaf = '{}'",
        "UPDATE heads SET latest = ''",
        "DELETE FROM heads WHERE size = 3",
        "TRUNCATE heads",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_entry(
    server: Server, home: Home, statement: str
) -> None:
    log = AuditLog.open(home)
    fill(log, entries=3)
    with pytest.raises(psycopg.errors.RaiseException, match="the audit log is never changed"):
        execute(server, home, statement)
    assert verify_log(home, AuditLog.open(home)).is_sound


def test_guards_that_were_switched_off_are_noticed_when_the_log_is_opened(server: Server, home: Home) -> None:
    fill(AuditLog.open(home), entries=3)
    execute(server, home, "ALTER TABLE entries DISABLE TRIGGER ALL")
    with pytest.raises(UserError, match="gone or switched off") as refusal:
        AuditLog.open(home)
    assert refusal.value.code == ExitCode.AUDIT


def test_an_entry_rewritten_by_whoever_keeps_the_database_is_found(server: Server, home: Home) -> None:
    log = AuditLog.open(home)
    fill(log, entries=9)
    execute(server, home, "ALTER TABLE entries DISABLE TRIGGER ALL")
    changed = json.dumps({"actor": "somebody-else"})
    execute(server, home, f"UPDATE entries SET leaf = '{changed}' WHERE number = 4")
    execute(server, home, "ALTER TABLE entries ENABLE TRIGGER ALL")
    found = verify_log(home, AuditLog.open(home))
    assert found.faults == ("The audit log is damaged or was changed: entry 4 is not as it was written.",)


def with_database(home: Home, database: str) -> Home:
    """Return a home whose log is reached by another connection text; its zone file says so too."""
    zone_file = home.root / "zone.toml"
    zone_file.write_text(zone_file.read_text().replace(home.settings.audit.database, database))
    return Home.open(home.root)


def test_processes_that_open_and_log_at_once_all_succeed_in_order(server: Server, home: Home) -> None:
    # An account that sees the log as it was before it got the lock would give two entries one number.
    home = with_database(home, server.conninfo(options="-cdefault_transaction_isolation=serializable"))
    append_at_once(home, batches=30)
    log = AuditLog.open(home)
    assert verify_log(home, log).is_sound


def test_a_clock_set_back_is_refused_in_the_database_too(home: Home) -> None:
    now = [datetime(2026, 9, 30, 12, tzinfo=UTC)]
    log = AuditLog.open(home, clock=lambda: now[0])
    fill(log, entries=1)
    now[0] -= timedelta(minutes=11)
    with pytest.raises(UserError, match="set back"):
        fill(log, entries=1)
    assert log.size == 1


def test_an_account_that_may_only_read_and_add_is_enough(server: Server, home: Home) -> None:
    fill(AuditLog.open(home), entries=2)
    schema = schema_of(home)
    for statement in (
        "CREATE ROLE logger LOGIN",
        f'GRANT USAGE ON SCHEMA "{schema}" TO logger',
        f'GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA "{schema}" TO logger',
    ):
        execute(server, home, statement)
    log = AuditLog.open(with_database(home, server.conninfo(user="logger")))
    assert log.append(happening()) == 2
    execute(server, home, f'REVOKE INSERT ON ALL TABLES IN SCHEMA "{schema}" FROM logger')
    with pytest.raises(UserError, match="does not let this account write") as refusal:
        log.append(happening())
    assert refusal.value.code == ExitCode.AUDIT


def test_a_password_in_the_zone_file_is_refused_and_not_repeated(server: Server, home: Home) -> None:
    with pytest.raises(UserError, match="The zone file holds a password") as refusal:
        AuditLog.open(with_database(home, server.conninfo(password="made-up-secret")))
    assert "made-up-secret" not in str(refusal.value)


def test_a_database_that_stops_is_told_without_its_address_and_the_log_is_whole_after(
    server: Server, home: Home
) -> None:
    log = AuditLog.open(home)
    fill(log, entries=5)
    server.stop("immediate")
    try:
        for attempt in (lambda: log.append(happening()), lambda: AuditLog.open(home)):
            with pytest.raises(UserError, match="its database cannot be used") as refusal:
                attempt()
            assert refusal.value.code == ExitCode.AUDIT
            assert str(server.folder) not in str(refusal.value)
            assert refusal.value.__cause__ is None
    finally:
        server.start()
    assert log.append(happening()) == 5
    assert verify_log(home, AuditLog.open(home)).is_sound
