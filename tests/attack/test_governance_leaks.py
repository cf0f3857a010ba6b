"""No name, number or address that is kept can be found in plain text in any file."""

import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.vault import locked_connection
from made_up_desk import vault_of
from made_up_markers import MARKERS, files_that_tell

ROWS = pa.table(
    {
        "surname": [MARKERS[0]] * 500,
        "nino": [MARKERS[1]] * 500,
        "address_line_1": [MARKERS[2]] * 500,
        "line": range(500),
    }
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder in which the work, its temporary files and its working folder all lie."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(temporary)
    return tmp_path


def test_the_search_finds_markers_in_a_table_that_is_not_encrypted(place: Path) -> None:
    pq.write_table(ROWS, place / "plain.parquet", compression="lz4")
    assert files_that_tell(place) == {"plain.parquet": MARKERS}


def test_no_marker_is_left_by_commits_queries_failures_and_removals(place: Path) -> None:
    home = Home.create(place / "home", zone="council", title="Exampleshire Council")
    vault = vault_of(home)
    about = {"file": MARKERS[0], "columns": {"nino": MARKERS[1]}}
    kept = vault.commit(
        "delivery", "a", {"person_record": ROWS}, retention_class=PROGRAMME_CLASS.id, about=about
    )
    con = locked_connection({"p": vault.read(kept, "person_record")}, threads=1, memory_limit="256MB")
    con.execute("CREATE TABLE sorted AS SELECT p.*, q.line AS other FROM p, p q ORDER BY surname, other")
    with pytest.raises(con_error()):
        con.execute("CREATE TABLE big AS SELECT a.*, b.line AS l FROM sorted a, p b ORDER BY nino, l")
    result = con.sql("SELECT surname, nino, count(*) AS n FROM sorted GROUP BY ALL").to_arrow_table()
    vault.commit("people", "run-1", {"person": result}, retention_class=PROGRAMME_CLASS.id, about={})

    def interrupted() -> None:
        with vault.draft("delivery", "b", retention_class=PROGRAMME_CLASS.id) as draft:
            draft.write("person_record", ROWS)
            draft.about["surname"] = MARKERS[0]
            assert files_that_tell(place) == {}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert vault.read(kept, "person_record").equals(ROWS)
    assert files_that_tell(place) == {}
    assert vault.list("delivery")[0].about == about
    vault.remove(kept)
    assert files_that_tell(place) == {}


def con_error() -> type[Exception]:
    import duckdb

    return duckdb.OutOfMemoryException


def test_an_error_about_a_damaged_table_tells_no_value_and_no_path(place: Path) -> None:
    home = Home.create(place / "home", zone="council", title="Exampleshire Council")
    vault = vault_of(home)
    kept = vault.commit("delivery", "a", {"t": ROWS}, retention_class=PROGRAMME_CLASS.id, about={})
    (table,) = home.vault.glob("datasets/*/t.parquet")
    os.truncate(table, 100)
    with pytest.raises(UserError) as refusal:
        vault.read(kept, "t")
    assert not any(marker in str(refusal.value) for marker in MARKERS)
    assert str(home.root) not in str(refusal.value)


def test_no_key_stands_in_any_file_outside_the_keys_folder(place: Path) -> None:
    import base64

    from families_first.governance.keys import read_key_file

    home = Home.create(place / "home", zone="council", title="Exampleshire Council")
    vault_of(home).commit("delivery", "a", {"t": ROWS}, retention_class=PROGRAMME_CLASS.id, about={})
    master = read_key_file(home.keys / f"{PROGRAMME_CLASS.id}.key", belongs_to=PROGRAMME_CLASS.id)
    for path in home.root.rglob("*"):
        if path.is_file() and path.parent != home.keys:
            content = path.read_bytes()
            assert master not in content
            assert base64.b64encode(master) not in content
            assert master.hex().encode() not in content
