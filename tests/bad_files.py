"""Bad files, made up, and what is said of each: the specification tests hold them, and the docs print them.

``python tests/bad_files.py`` prints the table as Markdown.
"""

import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from families_first.council.deliveries.landing import land_delivery
from families_first.council.deliveries.mapping_file import SourceMapping, parse_mapping
from families_first.council.deliveries.report import DeliveryReport
from families_first.errors import UserError
from families_first.governance.agreements import Agreement
from families_first.governance.home import Home
from made_up_desk import open_desk

ON = date(2026, 9, 30)
HEADER = "UPN,Forename,Surname,DOB,Term,Possible,Absent"
ROWS = (
    "P001,Amelia,Exampleton,03/04/2012,2026-summer,120,9",
    "P002,Oliver,Samplewick,21/11/2011,2026-summer,118,30",
    "P003,Zofia,Testerby,15/06/2013,2026-summer,120,0",
)
GOOD = "\n".join((HEADER, *ROWS)) + "\n"

MAPPING = """
[mapping]
id = "attendance"
source = "schools"
title = "Attendance by term (made up)"
sender = "Exampleshire schools"
agreement = "schools-2026"
purpose = "identify-and-support"
files = ["attendance*"]
cadence_days = 120
kind = "snapshot"
quarantine_limit = 0.5

[file]
format = "csv"

[columns]
UPN = { type = "text", required = true }
Forename = { type = "name" }
Surname = { type = "name", required = true }
DOB = { type = "date", formats = ["%d/%m/%Y"], required = true }
Term = { type = "text", required = true }
Possible = { type = "count", required = true }
Absent = { type = "count", required = true }

[[emit]]
table = "person_record"
record_id = "{UPN}"
forename = "{Forename}"
surname = "{Surname}"
date_of_birth = "{DOB}"

[[emit]]
table = "measure"
record_id = "{UPN}"
kind = "absence"
period = "{Term}"
period_start = "2026-05-01"
period_end = "2026-08-31"
numerator = "{Absent}"
denominator = "{Possible}"
"""

CENSUS_MAPPING = (
    MAPPING[: MAPPING.index("[file]")].replace('"attendance"', '"census"')
    + """
[file]
format = "cin-census-xml"

[columns]
LAchildID = { type = "text", required = true }
PersonBirthDate = { type = "date", formats = ["%Y-%m-%d"] }

[[emit]]
table = "person_record"
from = "Child"
record_id = "{LAchildID}"
date_of_birth = "{PersonBirthDate}"
"""
)


@dataclass(frozen=True, slots=True)
class Specimen:
    """A bad file: how it is made, under which mapping, agreed until when, and what happens to it.

    ``lands``: the rows that land all the same; None when the whole file is refused.
    """

    case: str
    file: str
    make: Callable[[Path], object]
    lands: int | None = None
    mapping: str = MAPPING
    agreed_until: date = date(2027, 3, 31)
    agreed: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of a specimen, and the report where some of it landed."""

    case: str
    message: str
    report: DeliveryReport | None = None


def _text(text: str, encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda path: path.write_bytes(text.encode(encoding))


def _with_row(row: str) -> Callable[[Path], object]:
    return _text(GOOD + row + "\n")


def _huge_field(path: Path) -> None:
    """Make a file of two gigabytes, almost all of it one value; sparse, so that it takes no room on disk."""
    with path.open("wb") as file:
        file.write(f'{HEADER}\nP001,"'.encode())
        file.truncate(2 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b'"\n')


def _huge_text_field(path: Path) -> None:
    with path.open("wb") as file:
        file.write(f'{HEADER}\nP001,"'.encode())
        for _ in range(24):
            file.write((b"x" * 79 + b"\n") * 13_107)
        file.write(b'"\n')


def workbook_bomb(path: Path, *, megabytes: int = 600) -> None:
    """Make a small workbook that unpacks to a great deal."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(megabytes):
                sheet.write(b"<row/>" * (2**20 // 6))


_XXE = """<?xml version="1.0"?>
<!DOCTYPE Message [<!ENTITY other SYSTEM "file:///etc/hostname">]>
<Message><Children><Child><ChildIdentifiers><LAchildID>&other;</LAchildID></ChildIdentifiers></Child></Children></Message>
"""
_XML_BOMB = """<?xml version="1.0"?>
<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Message><Child><LAchildID>&b;</LAchildID></Child></Message>
"""
_CUT_XML = "<Message><Children><Child><ChildIdentifiers><LAchildID>C1</LAchildID></ChildIdent"

SPECIMENS = (
    Specimen("Wrong encoding: UTF-16", "attendance.csv", _text(GOOD, "utf-16")),
    Specimen(
        "Wrong encoding: neither UTF-8 nor Windows-1252",
        "attendance.csv",
        lambda path: path.write_bytes(
            GOOD.encode() + b"P004,Jos\x81,Exampleton,03/04/2012,2026-summer,1,1\n"
        ),
    ),
    Specimen(
        "Windows-1252, which is accepted and noted",
        "attendance.csv",
        _text(GOOD + "P004,José,O’Example,03/04/2012,2026-summer,120,1\n", "cp1252"),
        lands=4,
    ),
    Specimen("A byte order mark, which is accepted", "attendance.csv", _text(GOOD, "utf-8-sig"), lands=3),
    Specimen(
        "Ragged rows",
        "attendance.csv",
        _with_row("P004,Aisha,Exampleton,03/04/2012\nP005,Jack,Wick, Sam,03/04/2012,2026-summer,120,1"),
        lands=3,
    ),
    Specimen(
        "Duplicate headers", "attendance.csv", _text(GOOD.replace("Forename,Surname", "Surname,Surname"))
    ),
    Specimen("A header without a name", "attendance.csv", _text(GOOD.replace("Term", "", 1))),
    Specimen(
        "A column that the agreement does not list",
        "attendance.csv",
        _text(GOOD.replace(HEADER, HEADER + ",Religion")),
    ),
    Specimen(
        "A column that the mapping does not know",
        "attendance.csv",
        _text(GOOD.replace(HEADER, HEADER + ",Tutor")),
        agreed=("Tutor",),
    ),
    Specimen("An expired agreement", "attendance.csv", _text(GOOD), agreed_until=date(2026, 7, 31)),
    Specimen(
        "A missing required column",
        "attendance.csv",
        _text("\n".join(line.rsplit(",", 1)[0] for line in GOOD.splitlines()) + "\n"),
    ),
    Specimen(
        "A missing required value",
        "attendance.csv",
        _with_row("P004,Aisha,,03/04/2012,2026-summer,120,1"),
        lands=3,
    ),
    Specimen(
        "Ambiguous dates: a year of two digits",
        "attendance.csv",
        _with_row("P004,Aisha,Exampleton,03/04/12,2026-summer,120,1"),
        lands=3,
    ),
    Specimen(
        "Ambiguous dates: two formats that disagree",
        "attendance.csv",
        _with_row("P004,Aisha,Exampleton,25/12/2012,2026-summer,120,1"),
        lands=3,
        mapping=MAPPING.replace('["%d/%m/%Y"]', '["%d/%m/%Y", "%m/%d/%Y"]'),
    ),
    Specimen(
        "NUL bytes", "attendance.csv", lambda path: path.write_bytes(GOOD.encode() + b"P004,A\0isha,,,,,\n")
    ),
    Specimen("Semicolons where commas are agreed", "attendance.csv", _text(GOOD.replace(",", ";"))),
    Specimen(
        "A workbook under the name of a CSV file",
        "attendance.csv",
        lambda path: workbook_bomb(path, megabytes=1),
    ),
    Specimen("An XLSX bomb", "attendance.xlsx", workbook_bomb, mapping=MAPPING.replace('"csv"', '"xlsx"')),
    Specimen(
        "A file that is no workbook",
        "attendance.xlsx",
        _text(GOOD),
        mapping=MAPPING.replace('"csv"', '"xlsx"'),
    ),
    Specimen("An XML external entity", "attendance.xml", _text(_XXE), mapping=CENSUS_MAPPING),
    Specimen("An XML entity bomb", "attendance.xml", _text(_XML_BOMB), mapping=CENSUS_MAPPING),
    Specimen("A truncated XML file", "attendance.xml", _text(_CUT_XML), mapping=CENSUS_MAPPING),
    Specimen("A 2 GB field of NUL bytes", "attendance.csv", _huge_field),
    Specimen("A field of many megabytes of text", "attendance.csv", _huge_text_field),
    Specimen(
        "A field longer than any value",
        "attendance.csv",
        _with_row(f"P004,Aisha,{'x' * 40_000},03/04/2012,2026-summer,120,1"),
        lands=3,
    ),
    Specimen("A truncated file: cut inside a row", "attendance.csv", _text(GOOD + "P004,Aisha,Examp")),
    Specimen("A truncated file: cut inside quotation marks", "attendance.csv", _text(GOOD + 'P004,"Aisha')),
    Specimen(
        "A truncated Parquet file",
        "attendance.parquet",
        _text("PAR1" + GOOD),
        mapping=MAPPING.replace('"csv"', '"parquet"'),
    ),
    Specimen("An empty file", "attendance.csv", _text("")),
    Specimen("A header and no rows", "attendance.csv", _text(HEADER + "\n")),
    Specimen(
        "More wrong rows than the mapping allows",
        "attendance.csv",
        _text(GOOD.replace("/2012,", "/12,").replace("/2011,", "/11,")),
    ),
)


def mapping_of(specimen: Specimen) -> SourceMapping:
    """Return the mapping under which a specimen is read."""
    return parse_mapping(specimen.mapping)


def agreement_of(specimen: Specimen, *, retention_class: str) -> Agreement:
    """Return a made-up agreement that lists the columns of the specimen's mapping (and ``agreed``)."""
    content = mapping_of(specimen).content
    columns = (*content.headers, *specimen.agreed)
    return made_up_agreement(
        content.id, columns, until=specimen.agreed_until, retention_class=retention_class
    )


def made_up_agreement(
    mapping_id: str, columns: tuple[str, ...], *, until: date, retention_class: str
) -> Agreement:
    """Return a made-up agreement for one file."""
    said: dict[str, Any] = {
        "id": "schools-2026",
        "title": "School attendance, 2026-27 (made up)",
        "made_up": True,
        "parties": [
            {"name": "Exampleshire Council", "role": "controller"},
            {"name": "Exampleshire schools", "role": "controller"},
        ],
        "gateway": {"tag": "CA2004", "name": "Co-operation", "provision": "Children Act 2004, section 10"},
        "purposes": ["identify-and-support"],
        "in_force_from": date(2026, 4, 1),
        "in_force_to": until,
        "review_on": date(2026, 7, 1),
        "retention_class": retention_class,
        "files": {mapping_id: {"columns": dict.fromkeys(columns, "Needed for the made-up example")}},
    }
    return Agreement.model_validate(said)


def land_specimen(specimen: Specimen, folder: Path) -> Outcome:
    """Make a specimen and land it in a home of its own inside ``folder``."""
    home = Home.create(folder / "home", zone="council", title="Exampleshire (made up)")
    path = folder / specimen.file
    specimen.make(path)
    agreement = agreement_of(specimen, retention_class=home.retention_classes[0].id)
    try:
        report = land_delivery(path, mapping_of(specimen), agreement, open_desk(home), on=ON)
    except UserError as refused:
        return Outcome(specimen.case, str(refused))
    return Outcome(specimen.case, said_of(report), report)


def said_of(report: DeliveryReport) -> str:
    """Return what a report says of a file of which at least some landed."""
    parts = [f"{report.landed} of {report.rows} rows landed"]
    parts += [f"note: {note}" for note in report.notes]
    for row in report.quarantine.to_pylist():
        place = f"line {row['line']}" + (f", {row['field']}" if row["field"] else "")
        parts.append(f"{place}: {row['reason']} ({row['code']}; {row['action']}). {row['how to fix']}")
    return "; ".join(parts)


def same_file_twice(folder: Path) -> Outcome:
    """Land a good file twice."""
    good = Specimen("The same file twice", "attendance.csv", _text(GOOD), lands=3)
    home = Home.create(folder / "home", zone="council", title="Exampleshire (made up)")
    path = folder / good.file
    good.make(path)
    agreement = agreement_of(good, retention_class=home.retention_classes[0].id)
    land_delivery(path, mapping_of(good), agreement, open_desk(home), on=ON)
    again = land_delivery(path, mapping_of(good), agreement, open_desk(home), on=ON)
    said = (
        "It landed before under this mapping: nothing was changed" if again.already_landed else said_of(again)
    )
    return Outcome(good.case, said, again)


def in_child(what: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Land a good file in a process that meets a full disk (``full-disk``) or is killed (``kill``)."""
    command = [sys.executable, __file__, what, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def bad_input_table(folder: Path) -> list[tuple[str, str]]:
    """Return each case with what is said of it."""
    rows: list[tuple[str, str]] = []
    for number, specimen in enumerate(SPECIMENS):
        place = folder / str(number)
        place.mkdir()
        outcome = land_specimen(specimen, place)
        (place / specimen.file).unlink()
        rows.append((outcome.case, outcome.message))
    for name in ("twice", "full-disk", "kill"):
        (folder / name).mkdir()
    twice = same_file_twice(folder / "twice")
    rows.append((twice.case, twice.message))
    rows.append(("A full disk", in_child("full-disk", folder / "full-disk").stdout.strip()))
    killed = in_child("kill", folder / "kill")
    again = in_child("land", folder / "kill").stdout.strip()
    rows.append(
        (
            "kill -9 in the middle of a landing",
            f"(exit {killed.returncode}); the vault is as it was; then: {again}",
        )
    )
    return rows


def as_markdown(rows: list[tuple[str, str]]) -> str:
    """Return the table for the docs."""
    text = io.StringIO()
    text.write("| What is wrong with the file | What the command says |\n| --- | --- |\n")
    for case, message in rows:
        text.write(f"| {case} | {message.replace('|', '\\|')} |\n")
    return text.getvalue()


def bad_input_page(folder: Path) -> str:
    """Return the reference page of bad files."""
    return f"""# Bad files, and what is said of each

<!-- Written from the specification tests by `make docs`; change the code, not this page. -->

Every file here is made up. A file that is refused leaves the vault as it was; a row that is not taken is in
the quarantine file with its line, its field, the reason and how to mend it. No message holds a value from a
record.

{as_markdown(bad_input_table(folder))}"""


def _child(what: str, folder: Path) -> None:
    good = Specimen("A good file", "attendance.csv", _text(GOOD), lands=3)
    root = folder / "home"
    home = Home.open(root) if root.exists() else Home.create(root, zone="council", title="Made up")
    path = folder / good.file
    good.make(path)
    agreement = agreement_of(good, retention_class=home.retention_classes[0].id)
    progress: Callable[[int], None] | None = None
    if what == "full-disk":
        progress = _fill_the_disk
    if what == "kill":
        progress = _die
    try:
        report = land_delivery(path, mapping_of(good), agreement, open_desk(home), on=ON, progress=progress)
        sys.stdout.write(said_of(report) + "\n")
    except UserError as refused:
        sys.stdout.write(f"{refused}\n")


def _fill_the_disk(rows: int) -> None:
    """From the first rows on no file may grow beyond 2,000 bytes: what was asked is in the log by then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))


def _die(rows: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Print the table, or be the child that is killed or meets a full disk."""
    if arguments:
        _child(arguments[0], Path(arguments[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(as_markdown(bad_input_table(Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
