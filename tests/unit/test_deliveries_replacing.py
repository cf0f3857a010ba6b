"""What a snapshot replaces: the whole, one part of several, or nothing; and what is said of it."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from bad_files import GOOD, HEADER, MAPPING, ON, made_up_agreement
from families_first.council.deliveries import (
    DeliveryReport,
    Freshness,
    current_tables,
    feed_health,
    land_delivery,
    parse_mapping,
)
from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.records.tables import Table
from made_up_desk import open_desk, vault_of

BY_TERM = MAPPING.replace('kind = "snapshot"', 'kind = "snapshot"\nsnapshot_by = "Term"')
MAY_BE_EMPTY = MAPPING.replace('kind = "snapshot"', 'kind = "snapshot"\nmay_be_empty = true')


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home", zone="council", title="Exampleshire (made up)")


def school(name: str, pupils: int) -> str:
    rows = (
        f"{name}{number},Amelia,Exampleton,03/04/2012,{name},120,{number % 9}" for number in range(pupils)
    )
    return "\n".join((HEADER, *rows)) + "\n"


def land(
    home: Home, text: str, mapping: str = BY_TERM, *, file: str = "attendance.csv", on: date = ON
) -> DeliveryReport:
    (home.mappings / "attendance.toml").write_text(mapping, encoding="utf-8")
    agreement = made_up_agreement(
        "attendance",
        tuple(HEADER.split(",")),
        until=date(2027, 3, 31),
        retention_class=home.retention_classes[0].id,
    )
    path = home.inbox / file
    path.write_text(text, encoding="utf-8")
    return land_delivery(path, parse_mapping(mapping), agreement, open_desk(home), on=on)


def pupils(home: Home) -> dict[str, int]:
    ids = current_tables(vault_of(home))[Table.PERSON_RECORD]["record_id"].to_pylist()
    return {name: sum(each.startswith(name) for each in ids) for name in sorted({each[0] for each in ids})}


def test_each_school_replaces_its_own_file_and_no_others(home: Home) -> None:
    land(home, school("A", 4))
    land(home, school("B", 5))
    report = land(home, school("a", 3))
    assert report.notes == ()
    assert pupils(home) == {"B": 5, "a": 3}


def test_without_parts_the_last_file_is_all_there_is_and_the_report_says_so(home: Home) -> None:
    land(home, school("A", 4), MAPPING, file="attendance_oak.csv")
    same_size = land(home, school("B", 4), MAPPING, file="attendance_elm.csv")
    assert "replaces attendance_oak.csv" in same_size.notes[0]
    assert "snapshot_by" in same_size.notes[0]
    smaller = land(home, school("C", 1), MAPPING, file="attendance_elm.csv")
    assert "lands 1 rows and replaces 4: less than half" in smaller.notes[0]
    assert pupils(home) == {"C": 1}
    assert feed_health(vault_of(home), ON)[0].shrunk


def test_a_new_term_under_a_new_date_is_no_reason_for_a_note(home: Home) -> None:
    land(home, school("A", 4), MAPPING, file="attendance_2026_09.csv")
    assert land(home, school("A", 5), MAPPING, file="attendance_2026_10.csv").notes == ()


def test_a_file_of_two_schools_is_refused_and_what_was_there_stays(home: Home) -> None:
    land(home, school("A", 2))
    both = school("A", 3) + school("B", 2).partition("\n")[2]
    with pytest.raises(UserError, match='2 different values of "Term"') as refused:
        land(home, both)
    assert refused.value.code is ExitCode.BAD_FILE
    assert pupils(home) == {"A": 2}


def test_a_file_of_the_whole_replaces_every_part(home: Home) -> None:
    land(home, school("A", 2))
    land(home, school("B", 2))
    land(home, school("C", 4), MAPPING)
    assert pupils(home) == {"C": 4}
    land(home, school("A", 3))
    assert pupils(home) == {"A": 3}


def test_a_feed_with_one_late_school_is_late(home: Home) -> None:
    land(home, school("A", 2))
    land(home, school("B", 2), on=ON + timedelta(days=100))
    (health,) = feed_health(vault_of(home), ON + timedelta(days=130))
    assert (health.parts, health.parts_late, health.freshness) == (2, 1, Freshness.LATE)


@pytest.mark.parametrize("text", [HEADER + "\n", HEADER, HEADER + "\n,,,,,,\n\n"])
def test_a_file_without_rows_is_refused_unless_the_mapping_says_that_it_may_come(
    home: Home, text: str
) -> None:
    land(home, GOOD, MAPPING)
    with pytest.raises(UserError, match="may_be_empty = true") as refused:
        land(home, text, MAPPING)
    assert refused.value.code is ExitCode.BAD_FILE
    assert len(pupils(home)) == 1


def test_an_agency_with_nothing_to_report_empties_its_feed_and_is_fresh(home: Home) -> None:
    land(home, HEADER + "\n", MAY_BE_EMPTY, file="attendance_01.csv")
    land(home, GOOD, MAY_BE_EMPTY, file="attendance_02.csv")
    report = land(home, HEADER + "\n", MAY_BE_EMPTY, file="attendance_03.csv", on=ON + timedelta(days=119))
    assert (report.rows, report.landed, report.already_landed) == (0, 0, False)
    assert "less than half" in report.notes[0]
    assert pupils(home) == {}
    (health,) = feed_health(vault_of(home), ON + timedelta(days=121))
    assert (health.freshness, health.coverage) == (Freshness.FRESH, None)


def test_a_file_that_landed_before_and_was_replaced_since_says_so(home: Home) -> None:
    land(home, GOOD, MAPPING)
    assert land(home, GOOD, MAPPING).notes == ()
    land(home, school("A", 3), MAPPING)
    again = land(home, GOOD, MAPPING)
    assert again.already_landed
    assert "a later delivery of this mapping has replaced it" in again.notes[-1]
    assert len(vault_of(home).list("delivery")) == 2
