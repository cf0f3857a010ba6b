"""The process that unpacks a workbook: limited in memory and time, told one file, answering in Arrow on its
output.

Run by its path; see :mod:`read_xlsx`. It never writes a file and never opens a connection.
"""

import datetime
import resource
import sys
from typing import Any

SECONDS = 120
MEMORY = 3 << 30
FAULT_EXIT = 3


class Unreadable(Exception):  # noqa: N818 - what was found, told to the parent and no further
    """What is wrong with the workbook, and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def main(arguments: list[str]) -> int:
    """Read the header or the rows of one sheet and write them to standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    what, path, sheet, skip = arguments
    try:
        header, rows = read_sheet(path, sheet or None, int(skip))
    except Unreadable as fault:
        sys.stdout.write(f"{fault.what}\n{fault.fix}")
        return FAULT_EXIT
    import pyarrow as pa  # noqa: PLC0415 - after the limits are set

    columns: list[list[str]] = [[] for _ in header]
    if what == "rows":
        columns = [[row[place] for row in rows] for place in range(len(header))]
    arrays = [pa.array(column, pa.string()) for column in columns]
    table = pa.Table.from_arrays(arrays, names=header)
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
        stream.write_table(table)
    return 0


def read_sheet(path: str, sheet: str | None, skip: int) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a sheet, each cell as text."""
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - after the limits are set

    try:
        workbook = CalamineWorkbook.from_path(path)
    except (CalamineError, OSError, ValueError) as fault:
        raise Unreadable(
            "The file is not an Excel workbook that can be read",
            "Save it as .xlsx without a password, or as CSV, and send it again.",
        ) from fault
    names = workbook.sheet_names
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
    chosen = workbook.get_sheet_by_name(sheet or names[0])
    if any(first[0] <= skip for first, _ in chosen.merged_cell_ranges or []):
        raise Unreadable(
            "Cells of the header are merged, so it is not sure which column a name belongs to",
            "Unmerge them and give each column its own name.",
        )
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
