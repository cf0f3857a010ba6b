"""Bad files: each is refused, or lands without its wrong rows, and says why; the docs print this table."""

import resource
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bad_files import (
    SPECIMENS,
    Outcome,
    Specimen,
    as_markdown,
    in_child,
    land_specimen,
    same_file_twice,
)
from families_first.governance.home import Home
from made_up_desk import vault_of

# What the message must say, in the words a data lead needs.
SAYS = {
    "Wrong encoding: UTF-16": ('UTF-16 or UTF-32 ("Unicode text")', 'Save it as "CSV UTF-8"'),
    "Wrong encoding: neither UTF-8 nor Windows-1252": ("neither UTF-8 nor Windows-1252", "line 5"),
    "Windows-1252, which is accepted and noted": ("4 of 4 rows landed", "Windows-1252"),
    "A byte order mark, which is accepted": ("3 of 3 rows landed",),
    "Ragged rows": ("3 of 5 rows landed", "line 5: ", "line 6: ", "ragged-row", "quotation marks"),
    "Duplicate headers": ('more than once: "Surname"', "line 1"),
    "A header without a name": ("no name for column 5",),
    "A column that the agreement does not list": ("not agreed: Religion", "nothing was read"),
    "A column that the mapping does not know": ("does not know these columns: Tutor", 'type = "ignore"'),
    "An expired agreement": ("expired on 2026-07-31", "nothing was read"),
    "A missing required column": ("lacks columns that must be there: Absent",),
    "A missing required value": ("3 of 4 rows landed", "line 5, Surname", "(missing; row not landed)"),
    "Ambiguous dates: a year of two digits": ("line 5, DOB", "two digits", "two-digit-year"),
    "Ambiguous dates: two formats that disagree": ("line 2, DOB", "different days", "ambiguous-date"),
    "NUL bytes": ("NUL byte", "line 5"),
    "Semicolons where commas are agreed": ("separated by semicolons, not by commas", "delimiter = ';'"),
    "A workbook under the name of a CSV file": ("not text: it is a workbook",),
    "An XLSX bomb": ("would unpack to 600 MiB", "Do not open it"),
    "A file that is no workbook": ("not an Excel workbook",),
    "An XML external entity": ("declares a document type or an entity",),
    "An XML entity bomb": ("declares a document type or an entity",),
    "A truncated XML file": ("not whole XML", "line 1"),
    "A 2 GB field of NUL bytes": ("NUL byte", "line 2"),
    "A field of many megabytes of text": ("longer than a mebibyte", "line 2"),
    "A field longer than any value": ("3 of 4 rows landed", "line 5, Surname", "too-long"),
    "A truncated file: cut inside a row": ("stops in the middle of its last row", "line 5"),
    "A truncated file: cut inside quotation marks": ("opened and never closed", "line 5"),
    "A truncated Parquet file": ("not Parquet, or it was cut off",),
    "An empty file": ("The file is empty",),
    "A header and no rows": ("a header and no rows",),
    "More wrong rows than the mapping allows": ("2 of 3 rows (66.7%)", "two-digit-year 2", "quarantine-"),
}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "bad-input.md"
MADE_UP_VALUES = ("Amelia", "Exampleton", "Samplewick", "Zofia", "P001", "03/04/2012")


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Specimen], tuple[Outcome, Path]]:
    """Land each specimen once, in a folder of its own."""

    @cache
    def land(case: str) -> tuple[Outcome, Path]:
        folder = tmp_path_factory.mktemp("specimen")
        specimen = next(each for each in SPECIMENS if each.case == case)
        outcome = land_specimen(specimen, folder)
        (folder / specimen.file).unlink()
        return outcome, folder

    return lambda specimen: land(specimen.case)


Land = Callable[[Specimen], tuple[Outcome, Path]]


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.case)
def test_a_bad_file_is_told_in_words_that_a_person_can_act_upon(specimen: Specimen, landed: Land) -> None:
    outcome, folder = landed(specimen)
    for words in SAYS[specimen.case]:
        assert words in outcome.message
    assert not [value for value in MADE_UP_VALUES if value in outcome.message]
    assert str(folder) not in outcome.message


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.case)
def test_a_bad_file_lands_its_right_rows_or_nothing(specimen: Specimen, landed: Land) -> None:
    outcome, folder = landed(specimen)
    kept = vault_of(Home.open(folder / "home")).list("delivery")
    if specimen.lands is None:
        assert kept == []
    else:
        assert outcome.report is not None
        assert outcome.report.landed == specimen.lands
        assert outcome.report.rows == outcome.report.landed + outcome.report.quarantined_rows
        assert len(kept) == 1
        assert kept[0].tables["person_record"].rows == specimen.lands


def test_every_specimen_has_its_words() -> None:
    assert set(SAYS) == {specimen.case for specimen in SPECIMENS}


def test_a_file_refused_for_its_many_faults_still_leaves_a_quarantine_file(landed: Land) -> None:
    specimen = next(each for each in SPECIMENS if each.case.startswith("More wrong rows"))
    _, folder = landed(specimen)
    files = list((folder / "home" / "outbox").glob("quarantine-*.csv"))
    assert len(files) == 1
    assert "two-digit-year" in files[0].read_text(encoding="utf-8-sig")


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    outcome = same_file_twice(tmp_path)
    assert outcome.report is not None
    assert outcome.report.already_landed
    assert outcome.report.landed == 3
    assert len(vault_of(Home.open(tmp_path / "home")).list("delivery")) == 1


def test_a_full_disk_is_told_and_nothing_is_half_landed(tmp_path: Path) -> None:
    child = in_child("full-disk", tmp_path)
    assert "The disk is full" in child.stdout, child.stderr
    assert vault_of(Home.open(tmp_path / "home")).list("delivery") == []
    assert "3 of 3 rows landed" in in_child("land", tmp_path).stdout


def test_a_landing_that_is_killed_leaves_nothing_and_can_be_run_again(tmp_path: Path) -> None:
    assert in_child("kill", tmp_path).returncode == -9
    assert vault_of(Home.open(tmp_path / "home")).list("delivery") == []
    assert "3 of 3 rows landed" in in_child("land", tmp_path).stdout
    assert len(vault_of(Home.open(tmp_path / "home")).list("delivery")) == 1


def test_a_field_of_two_gigabytes_is_refused_without_reading_it(tmp_path: Path) -> None:
    specimen = next(each for each in SPECIMENS if each.case.startswith("A 2 GB field"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = land_specimen(specimen, tmp_path)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (tmp_path / specimen.file).stat().st_size > 2 << 30
    assert "NUL byte" in outcome.message
    assert grown_kib < 300_000


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.case)
def test_the_reference_page_says_what_is_said_today(specimen: Specimen, landed: Land) -> None:
    outcome, _ = landed(specimen)
    row = as_markdown([(outcome.case, outcome.message)]).splitlines()[-1]
    assert row in PAGE.read_text(encoding="utf-8").splitlines(), "run `make docs`"
