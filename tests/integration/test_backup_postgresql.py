"""A home with its audit log in a database: the backup holds the log's size and root, and checks them."""

from pathlib import Path

import psycopg
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog, schema_of
from families_first.governance.home import Home
from families_first.governance.zone_file import AuditSection
from made_up_backups import Custodian
from made_up_desk import vault_of
from made_up_log import fill
from made_up_postgresql import running_server
from made_up_records import programme_in


def test_a_backup_is_restored_beside_its_own_log_and_not_beside_another(tmp_path: Path) -> None:
    with running_server() as server:
        programme = programme_in(tmp_path / "home", audit=AuditSection(database=server.conninfo()))
        programme.keep()
        programme.end()
        custodian = Custodian.of(programme, tmp_path / "custodian")
        made = custodian.back_up()
        custodian.restore()
        home = Home.open(custodian.folder / "restored")
        assert vault_of(home).names("delivery") == ["a"]
        assert not (home.audit / "log.sqlite").exists()
        assert (made.audit_size, AuditLog.open(home).size) == (3, 6)
        with psycopg.connect(server.conninfo()) as connection:
            connection.execute(f'DROP SCHEMA "{schema_of(home)}" CASCADE')  # type: ignore[call-overload]
        fill(AuditLog.open(home, clock=programme.clock), entries=5)
        with pytest.raises(UserError) as refusal:
            custodian.restore(to="beside-another")
        assert refusal.value.code == ExitCode.AUDIT
        assert not (custodian.folder / "beside-another").exists()
