"""What a split says of files and agreements that it cannot use. Nothing is sealed, and no value is told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Outcome
from families_first.governance.purposes import Purpose
from families_first.governance.study import record_objections, split_for_study
from made_up_study import Study, owner_agreement, study_at, study_in, write_agreement, write_sources

SECRET = "J999999-ZYXSECRET"
"""Stands in the files that are refused, and must stand in no message and no log."""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bad-input") / "study"
    write_sources(study_in(root, owners=("justice",)), families=3, others=2)
    return root


@pytest.fixture
def study(pattern: Path, tmp_path: Path) -> Study:
    shutil.copytree(pattern, tmp_path / "study")
    return study_at(tmp_path / "study")


def changed(study: Study, section: str, change: Callable[[list[dict[str, object]]], object]) -> None:
    """Change the rows of a source file, all of whose values are text."""
    path = study.sources("justice") / f"{section}.csv"
    table = pa.csv.read_csv(path)
    rows = [{name: "" if v is None else str(v) for name, v in row.items()} for row in table.to_pylist()]
    changed_rows = change(rows) or rows
    pa.csv.write_csv(pa.Table.from_pylist(changed_rows), path)


def agreement(study: Study, **options: object) -> None:
    write_agreement(study.owners["justice"], "study-justice-2026", owner_agreement("justice", **options))


def repeated_references(study: Study) -> None:
    changed(study, "people", lambda rows: [*rows, rows[1], {**rows[3], "surname": "Zyxother"}, rows[1]])


def no_reference_in_a_row(study: Study) -> None:
    changed(study, "people", lambda rows: rows[2].update(reference=" "))


def no_reference_column(study: Study) -> None:
    changed(
        study,
        "event",
        lambda rows: [{"ref" if k == "reference" else k: v for k, v in r.items()} for r in rows],
    )


def no_agreed_column(study: Study) -> None:
    changed(study, "people", lambda rows: [{k: v for k, v in row.items() if k != "pnc"} for row in rows])


def no_deciding_column(study: Study) -> None:
    changed(
        study, "episode", lambda rows: [{k: v for k, v in row.items() if k != "ended_on"} for row in rows]
    )


def no_day_of_birth(study: Study) -> None:
    changed(study, "people", lambda rows: rows[0].update(date_of_birth=f"{SECRET}"))


def other_dates(study: Study) -> None:
    def change(rows: list[dict[str, object]]) -> None:
        rows[1]["occurred_on"] = "31/12/2021"
        rows[4]["occurred_on"] = "2021-02-30"
        rows[5]["occurred_on"] = "20210203"

    changed(study, "event", change)


def a_missing_section(study: Study) -> None:
    (study.sources("justice") / "episode.csv").unlink()


def no_people(study: Study) -> None:
    (study.sources("justice") / "people.csv").unlink()


def an_unknown_section(study: Study) -> None:
    shutil.copy(study.sources("justice") / "event.csv", study.sources("justice") / "gossip.csv")


def two_files_of_a_section(study: Study) -> None:
    path = study.sources("justice") / "event.csv"
    pq.write_table(pa.csv.read_csv(path), path.with_suffix(".parquet"))


def two_columns_of_a_name(study: Study) -> None:
    path = study.sources("justice") / "event.csv"
    path.write_text(path.read_text(encoding="utf-8").replace('"detail"', '"kind"'), encoding="utf-8")


def a_letter(study: Study) -> None:
    (study.sources("justice") / "event.csv").write_bytes(b"\xff\xfe\x00 Dear colleague")


def a_short_line(study: Study) -> None:
    with (study.sources("justice") / "event.csv").open("a", encoding="utf-8") as file:
        file.write(f'"{SECRET}","x"\n')


def no_parquet(study: Study) -> None:
    path = study.sources("justice") / "event.csv"
    path.rename(path.with_suffix(".parquet"))


def a_lapsed_agreement(study: Study) -> None:
    from datetime import date

    agreement(study, until=date(2024, 12, 31))


def an_agreement_of_no_study(study: Study) -> None:
    agreement(study, more="")


def no_day_of_outcomes(study: Study) -> None:
    agreement(study, more='[study]\nproject = "families-first-2026"\nowner = "justice"')


def another_partys_agreement(study: Study) -> None:
    text = owner_agreement("justice").replace("Exampleshire Courts", "Elsewhere Courts")
    write_agreement(study.owners["justice"], "study-justice-2026", text)


def no_agreement(study: Study) -> None:
    (study.owners["justice"].agreements / "study-justice-2026.toml").unlink()


def no_partner(study: Study) -> None:
    next(study.owners["justice"].partners.glob("publication*")).unlink()


CASES = [
    (repeated_references, ExitCode.BAD_FILE,
     r"References stand there more than once: in rows 2, 4, \d+, \d+, \d+ \(the heading not counted\)"),
    (no_reference_in_a_row, ExitCode.BAD_FILE, r"People have no reference: in row 3 \("),
    (no_reference_column, ExitCode.BAD_FILE, "The file has no column reference"),
    (no_agreed_column, ExitCode.BAD_FILE, "The file has no column pnc"),
    (no_deciding_column, ExitCode.BAD_FILE, "Nothing in the section 'episode' tells when its rows happened"),
    (no_day_of_birth, ExitCode.BAD_FILE, r"not of the form of their column: date_of_birth in row 1 \("),
    (other_dates, ExitCode.BAD_FILE, r"not of the form of their column: occurred_on in rows 2, 5, 6 \("),
    (a_missing_section, ExitCode.BAD_FILE, "Files that the agreement lists are missing: episode"),
    (no_people, ExitCode.BAD_FILE, "There is no file of the people"),
    (an_unknown_section, ExitCode.BAD_FILE, "The agreement has no payload of this name: gossip"),
    (two_files_of_a_section, ExitCode.BAD_FILE, "Two files are of the section 'event'"),
    (two_columns_of_a_name, ExitCode.BAD_FILE, "Two columns have one name: kind"),
    (a_letter, ExitCode.BAD_FILE, "cannot be read as a table of rows|has no column"),
    (a_short_line, ExitCode.BAD_FILE, "This file cannot be read as a table of rows"),
    (no_parquet, ExitCode.BAD_FILE, "This file cannot be read as a table of rows"),
    (a_lapsed_agreement, ExitCode.AGREEMENT, "expired on 2024-12-31"),
    (an_agreement_of_no_study, ExitCode.AGREEMENT, "is of no study"),
    (no_day_of_outcomes, ExitCode.AGREEMENT, "from which day on the rows of 'event' are outcomes"),
    (another_partys_agreement, ExitCode.AGREEMENT, "'Exampleshire Courts' is not a party"),
    (no_agreement, ExitCode.AGREEMENT, "There is no agreement 'study-justice-2026' in this home"),
    (no_partner, ExitCode.PARCEL, "knows no partner of the publication zone"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "code", "words"), CASES, ids=[each[0].__name__ for each in CASES])
def test_a_split_that_cannot_be_made_says_why_and_seals_nothing(
    study: Study, spoil: Callable[[Study], None], code: ExitCode, words: str
) -> None:
    spoil(study)
    with pytest.raises(UserError, match=words) as refused:
        study.split("justice")
    assert refused.value.code == code
    assert refused.value.fix
    home = study.owners["justice"]
    assert not list(home.outbox.iterdir())
    assert not [path for path in home.parcels.iterdir() if path.name != "register"]
    events = [entry.event for entry in study.desk("justice").log.entries()]
    assert any(
        each.action == "split-study" and each.outcome in (Outcome.REFUSED, Outcome.FAILED) for each in events
    )
    told = str(refused.value) + repr(events)
    assert SECRET not in told
    assert "QQ" not in told
    assert not [name for name in ("Zyxample", "Madeup") if name in told.replace("made-up", "")]


def test_a_file_that_is_not_there_is_named(study: Study) -> None:
    with pytest.raises(UserError, match=r"There is no such file \(nowhere.csv\)"):
        split_for_study(study.desk("justice"), [Path("nowhere.csv")], "study-justice-2026")


@pytest.mark.parametrize("role", ["data-protection-officer", "custodian", "senior-responsible-owner"])
def test_nobody_but_the_data_lead_splits(study: Study, role: str) -> None:
    desk = study.desk("justice", role)
    with pytest.raises(UserError) as refused:
        split_for_study(desk, study.files("justice"), "study-justice-2026")
    assert refused.value.code == ExitCode.REFUSED
    assert not list(study.owners["justice"].outbox.iterdir())


def test_records_are_not_split_for_anything_but_research(study: Study) -> None:
    desk = study.desk("justice", purpose=Purpose.PROTECT_DATA)
    with pytest.raises(UserError) as refused:
        split_for_study(desk, study.files("justice"), "study-justice-2026")
    assert refused.value.code == ExitCode.REFUSED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\nX\n", "has no column reference"),
        ("reference,name\nA,x\n,x\n", "There is no reference in row 2 "),
        ("", "cannot be read as a table"),
    ],
    ids=["column", "blank", "empty"],
)
def test_objections_that_cannot_be_read_are_refused_whole(
    study: Study, tmp_path: Path, text: str, words: str
) -> None:
    letter = tmp_path / "objections.csv"
    letter.write_text(text, encoding="utf-8")
    officer = study.desk("justice", "data-protection-officer", purpose=Purpose.PROTECT_DATA)
    with pytest.raises(UserError, match=words):
        record_objections(officer, letter)
    again = tmp_path / "again.csv"
    again.write_text("reference\nA\n", encoding="utf-8")
    assert record_objections(officer, again).kept == 1
