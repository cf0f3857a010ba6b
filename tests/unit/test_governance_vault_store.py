"""What a vault keeps, it gives back; what was not committed is not there."""

import datetime as dt
import stat
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.vault import Vault
from made_up_desk import vault_of

CLASS = "programme-2026"
PEOPLE = pa.table({"forename": ["Ada", None], "born": [dt.date(2014, 2, 28), None], "line": [2, 3]})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")


@pytest.fixture
def vault(home: Home) -> Vault:
    return vault_of(home)


def test_what_was_committed_is_read_back_as_it_was(vault: Vault) -> None:
    kept = vault.commit("delivery", "a1", {"person_record": PEOPLE}, retention_class=CLASS, about={"rows": 2})
    assert kept.about == {"rows": 2}
    assert kept.tables["person_record"].rows == 2
    assert vault.read(kept, "person_record").equals(PEOPLE)


def test_some_columns_of_a_table_can_be_read(vault: Vault) -> None:
    kept = vault.commit("people", "run-1", {"person": PEOPLE}, retention_class=CLASS, about={})
    assert vault.read(kept, "person", ["line", "born"]).equals(PEOPLE.select(["line", "born"]))


def test_a_table_without_rows_keeps_its_columns(vault: Vault) -> None:
    kept = vault.commit("people", "run-1", {"person": PEOPLE.slice(0, 0)}, retention_class=CLASS, about={})
    assert vault.read(kept, "person").schema == PEOPLE.schema


def test_a_stream_is_kept_and_read_in_pieces(vault: Vault) -> None:
    stream = pa.RecordBatchReader.from_batches(PEOPLE.schema, iter(PEOPLE.to_batches(max_chunksize=1)))
    kept = vault.commit("people", "run-1", {"person": stream}, retention_class=CLASS, about={})
    pieces = list(vault.batches(kept, "person", rows=1))
    assert [piece.num_rows for piece in pieces] == [1, 1]
    assert pa.Table.from_batches(pieces).equals(PEOPLE)


def test_datasets_are_listed_by_kind_in_the_order_of_their_commits(vault: Vault) -> None:
    for kind, name in (("delivery", "z"), ("people", "run-1"), ("delivery", "a")):
        vault.commit(kind, name, {"t": PEOPLE}, retention_class=CLASS, about={})  # type: ignore[arg-type]
    assert [each.name for each in vault.list("delivery")] == ["z", "a"]
    latest = vault.latest("delivery")
    assert latest is not None
    assert latest.name == "a"
    assert vault.latest("findings") is None
    assert vault.find("people", "run-2") is None


def test_a_name_is_kept_once_within_a_kind(vault: Vault) -> None:
    vault.commit("delivery", "a", {"t": PEOPLE}, retention_class=CLASS, about={})
    with pytest.raises(UserError, match="kept already"):
        vault.commit("delivery", "a", {"t": PEOPLE}, retention_class=CLASS, about={})
    assert len(vault.list("delivery")) == 1


def test_a_dataset_replaces_others_in_the_same_step(vault: Vault) -> None:
    old = vault.commit("people", "now", {"t": PEOPLE}, retention_class=CLASS, about={"run": 1})
    new = vault.commit(
        "people", "now", {"t": PEOPLE}, retention_class=CLASS, about={"run": 2}, replaces=[old]
    )
    assert vault.list("people") == [new]
    with pytest.raises(UserError, match="no longer in the vault"):
        vault.read(old, "t")


def test_a_removed_dataset_leaves_no_file_and_its_number_is_not_used_again(vault: Vault, home: Home) -> None:
    first = vault.commit("people", "run-1", {"t": PEOPLE}, retention_class=CLASS, about={})
    vault.remove(first)
    vault.remove(first)
    assert list((home.vault / "datasets").iterdir()) == []
    second = vault.commit("people", "run-2", {"t": PEOPLE}, retention_class=CLASS, about={})
    assert second.sequence == first.sequence + 1


def test_a_draft_that_fails_leaves_nothing(vault: Vault, home: Home) -> None:
    def broken() -> None:
        with vault.draft("delivery", "a", retention_class=CLASS) as draft:
            draft.write("t", PEOPLE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert vault.list("delivery") == []
    assert list((home.vault / "datasets").iterdir()) == []


def test_a_draft_takes_pieces_for_several_tables_and_facts_at_the_end(vault: Vault) -> None:
    with vault.draft("delivery", "a", retention_class=CLASS) as draft:
        for piece in PEOPLE.to_batches(max_chunksize=1):
            draft.write("person_record", piece)
            draft.write("event", piece.select(["line"]))
        draft.about["rows"] = 2
    kept = vault.latest("delivery")
    assert kept is not None
    assert kept.about == {"rows": 2}
    assert vault.read(kept, "event").column("line").to_pylist() == [2, 3]


def test_a_commit_inside_a_draft_is_kept_beside_it(vault: Vault) -> None:
    with vault.draft("delivery", "outer", retention_class=CLASS) as draft:
        draft.write("t", PEOPLE)
        vault.commit("delivery", "inner", {"t": PEOPLE}, retention_class=CLASS, about={})
    assert [each.name for each in vault.list("delivery")] == ["inner", "outer"]
    vault.check()


@pytest.mark.parametrize(
    ("kind", "name", "table"),
    [
        ("rumours", "a", "t"),
        ("delivery", "", "t"),
        ("delivery", "../a", "t"),
        ("delivery", ".a", "t"),
        ("delivery", "a b", "t"),
        ("delivery", "a", "../t"),
        ("delivery", "a", "T"),
        ("delivery", "a", ""),
    ],
)
def test_words_that_could_lead_out_of_the_vault_are_refused(
    vault: Vault, kind: str, name: str, table: str
) -> None:
    with pytest.raises(UserError) as refusal:
        vault.commit(kind, name, {table: PEOPLE}, retention_class=CLASS, about={})  # type: ignore[arg-type]
    assert refusal.value.code == ExitCode.VAULT


def test_a_retention_class_that_the_home_does_not_have_is_refused(vault: Vault) -> None:
    with pytest.raises(UserError, match="no retention class 'for-ever'"):
        vault.commit("delivery", "a", {"t": PEOPLE}, retention_class="for-ever", about={})


def test_pieces_with_other_columns_are_refused(vault: Vault) -> None:
    with vault.draft("delivery", "a", retention_class=CLASS) as draft:
        draft.write("t", PEOPLE)
        with pytest.raises(UserError, match="same columns"):
            draft.write("t", PEOPLE.select(["line"]))


def test_every_file_of_vault_and_keys_is_private(vault: Vault, home: Home) -> None:
    vault.commit("delivery", "a", {"t": PEOPLE}, retention_class=CLASS, about={})
    entries = [home.vault, home.keys, home.outbox, *home.vault.rglob("*"), *home.keys.rglob("*")]
    assert len(entries) > 6
    for each in entries:
        assert stat.S_IMODE(each.stat().st_mode) == (0o700 if each.is_dir() else 0o600), each.name


def test_another_vault_of_the_same_home_sees_what_was_committed(vault: Vault, home: Home) -> None:
    kept = vault.commit("delivery", "a", {"t": PEOPLE}, retention_class=CLASS, about={})
    assert vault_of(Home.open(home.root)).read(kept, "t").equals(PEOPLE)
