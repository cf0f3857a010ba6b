"""The process that unpacks a workbook: limited in memory and time, told one file, answering on its output.

It answers in JSON, and in CSV for the rows: Arrow would take longer to load than most workbooks to read. Run
by its path; see :mod:`read_xlsx`. It never writes a file and never opens a connection.
"""

import csv
import datetime
import io
import json
import resource
import sys
from typing import Any

SECONDS = 120
MEMORY = 3 << 30
FAULT_EXIT = 3
LOOK_ROWS = 40


class Unreadable(Exception):  # noqa: N818 - what was found, told to the parent and no further
    """What is wrong with the workbook, and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def main(arguments: list[str]) -> int:
    """Answer one question about a workbook: ``header`` or ``rows`` of a sheet, or a ``look`` at it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    what, path, sheet, skip = arguments
    with io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="") as answer:
        try:
            if what == "look":
                json.dump(look(path), answer)
                return 0
            header, rows = read_sheet(path, sheet or None, int(skip))
        except Unreadable as fault:
            answer.write(f"{fault.what}\n{fault.fix}")
            return FAULT_EXIT
        if what == "header":
            json.dump(header, answer)
        else:
            csv.writer(answer).writerows(rows)
    return 0


def look(path: str) -> dict[str, Any]:
    """Return the names of the sheets that hold something, and the first rows of the first of them."""
    workbook = _opened(path)
    filled = _filled(workbook)
    if not filled:
        raise Unreadable("The workbook is empty", "Ask the sender for the workbook again.")
    sheet = workbook.get_sheet_by_name(filled[0])
    rows = sheet.to_python(skip_empty_area=False, nrows=LOOK_ROWS)
    return {"sheets": filled, "rows": [[as_text(cell) for cell in row] for row in rows]}


def _opened(path: str) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - after the limits are set

    try:
        return CalamineWorkbook.from_path(path)
    except (CalamineError, OSError, ValueError) as fault:
        raise Unreadable(
            "The file is not an Excel workbook that can be read",
            "Save it as .xlsx without a password, or as CSV, and send it again.",
        ) from fault


def _filled(workbook: Any) -> list[str]:
    return [name for name in workbook.sheet_names if workbook.get_sheet_by_name(name).height > 0]


def read_sheet(path: str, sheet: str | None, skip: int) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a sheet, each cell as text."""
    workbook = _opened(path)
    names = workbook.sheet_names
    if sheet is None and len(names) > 1:
        names = _filled(workbook)
    if sheet is None and len(names) > 1:
        raise Unreadable(
            f"The workbook has {len(names)} sheets, and the mapping does not say which",
            'Set sheet = "..." under [file] in the mapping.',
        )
    if sheet is not None and sheet not in names:
        raise Unreadable(
            f"The workbook has no sheet called '{sheet}'",
            "Correct sheet under [file] in the mapping, or ask the sender for that sheet.",
        )
    if not names:
        raise Unreadable("The workbook is empty", "Ask the sender for the workbook again.")
    chosen = workbook.get_sheet_by_name(sheet or names[0])
    _refuse_merged(chosen.merged_cell_ranges or [], skip)
    rows = chosen.to_python(skip_empty_area=False)
    if len(rows) <= skip:
        raise Unreadable("The sheet is empty", "Ask the sender for the workbook again.")
    header = [as_text(cell) for cell in rows[skip]]
    while (
        header
        and not header[-1].strip()
        and all(not as_text(r[len(header) - 1]).strip() for r in rows[skip + 1 :])
    ):
        header.pop()
    return header, [[as_text(cell) for cell in row[: len(header)]] for row in rows[skip + 1 :]]


def _refuse_merged(ranges: list[Any], skip: int) -> None:
    """Refuse cells that are merged where it matters; ``ranges`` count rows from 0, both ends included."""
    if any(first[0] <= skip <= last[0] for first, last in ranges):
        raise Unreadable(
            "Cells of the header are merged, so it is not sure which column a name belongs to",
            "Unmerge them and give each column its own name; if it is a title above the header, set "
            "skip_rows under [file] in the mapping.",
        )
    down = [first[0] for first, last in ranges if first[0] > skip and last[0] > first[0]]
    if down:
        raise Unreadable(
            f"Cells of several rows are merged, first in row {min(down) + 1}, so only the first of these "
            "has their value",
            "Unmerge them and fill in each row.",
        )


def as_text(cell: Any) -> str:
    """Return a cell as text: days in ISO form, whole numbers without a point."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
