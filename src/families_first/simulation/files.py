"""Writing files in the shapes agencies send: CSV, a workbook, the children in need census as XML."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import xlsxwriter

from families_first.simulation.agencies.social_care import FACTORS

_CENSUS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Message>\n<Header>'
    "<CollectionDetails><Collection>CIN</Collection>"
    "<Year>2026</Year><ReferenceDate>2026-03-31</ReferenceDate></CollectionDetails>"
    "<Source><SourceLevel>L</SourceLevel><LEA>999</LEA><SoftwareCode>Families First simulation</SoftwareCode>"
    "</Source></Header>\n<Children>\n"
)
_CENSUS_TAIL = "</Children>\n</Message>\n"


def write_csv(path: Path, columns: Mapping[str, pa.Array]) -> None:
    """Write UTF-8 CSV with a header, quoting only what needs it; nulls are empty."""
    header = ",".join(f'"{name}"' if "," in name else name for name in columns) + "\n"
    options = pa.csv.WriteOptions(include_header=False, quoting_style="needed")
    with path.open("wb") as target:
        target.write(header.encode())
        pa.csv.write_csv(pa.table(dict(columns)), target, options)


def write_workbook(path: Path, columns: Mapping[str, pa.Array], *, sheet: str) -> None:
    """Write one worksheet of text cells, row by row in constant memory."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        # Without a fixed day the same county would not give the same bytes.
        book.set_properties({"created": datetime(2026, 9, 30, tzinfo=UTC)})
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, list(columns))
        for number, row in enumerate(
            zip(*(column.to_pylist() for column in columns.values()), strict=True), 1
        ):
            page.write_row(number, 0, [value or "" for value in row])


def _element(tag: str, text: pa.Array) -> pa.Array:
    """Return ``<tag>text</tag>`` for each row, empty where the text is null."""
    return pc.fill_null(pc.binary_join_element_wise(f"<{tag}>", text, f"</{tag}>", ""), "")


def _around(tag: str, inside: pa.Array, present: pa.Array) -> pa.Array:
    wrapped = pc.binary_join_element_wise(f"<{tag}>", inside, f"</{tag}>", "")
    return pc.if_else(present, wrapped, "")


def _joined(*parts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def write_census(path: Path, columns: Mapping[str, pa.Array]) -> None:
    """Write children in need as census XML: one ``Child`` a line, built a column at a time; there are no
    names.
    """
    identifiers = _joined(
        *(_element(tag, columns[tag]) for tag in ("LAchildID", "UPN", "PersonBirthDate", "Sex"))
    )
    factors = _joined(*(_element("AssessmentFactors", columns[f"Factor {code}"]) for code in FACTORS))
    listed = pc.not_equal(factors, "")
    assessment = _joined(
        _element("AssessmentActualStartDate", columns["AssessmentActualStartDate"]),
        _around("FactorsIdentifiedAtAssessment", factors, listed),
    )
    enquiry = _element("S47ActualStartDate", columns["S47ActualStartDate"])
    plan = _joined(
        _element("CPPstartDate", columns["CPPstartDate"]), _element("CPPendDate", columns["CPPendDate"])
    )
    everyone = pc.is_valid(columns["LAchildID"])
    details = _joined(
        _element("CINreferralDate", columns["CINreferralDate"]),
        _element("CINclosureDate", columns["CINclosureDate"]),
        _around("Assessments", assessment, everyone),
        _around("Section47", enquiry, pc.is_valid(columns["S47ActualStartDate"])),
        _around("ChildProtectionPlans", plan, pc.is_valid(columns["CPPstartDate"])),
    )
    child = _joined(
        _around("ChildIdentifiers", identifiers, everyone),
        _around("ChildCharacteristics", _element("Ethnicity", columns["Ethnicity"]), everyone),
        _around("CINdetails", details, everyone),
    )
    lines = pc.binary_join_element_wise("<Child>", child, "</Child>\n", "")
    with path.open("w", encoding="utf-8") as target:
        target.write(_CENSUS_HEAD)
        target.writelines(lines.to_pylist())
        target.write(_CENSUS_TAIL)


def write_file(path: Path, columns: Mapping[str, pa.Array]) -> None:
    """Write a sheet in the format that its file name says."""
    if path.suffix == ".xml":
        write_census(path, columns)
    elif path.suffix == ".xlsx":
        write_workbook(path, columns, sheet="Orders")
    else:
        write_csv(path, columns)
