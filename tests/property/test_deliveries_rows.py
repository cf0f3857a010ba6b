"""Every row of a file lands or is quarantined, exactly once, whatever is in it."""

import csv
import io
import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from bad_files import (
    HEADER,
    MAPPING,
    ON,
    Specimen,
    agreement_of,
    mapping_of,
)
from families_first.council.deliveries import check_delivery
from families_first.council.deliveries.mapping import Column
from families_first.council.deliveries.quarantine import NOT_LANDED, without_formula
from families_first.council.deliveries.values import Known, Rules, check_column
from families_first.governance.vault.duck import locked_connection
from made_up_desk import desk_for

SPECIMEN = Specimen("generated", "attendance.csv", lambda path: None, mapping=MAPPING)

_texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=8
)
_dates = st.sampled_from(["03/04/2012", "3/4/2012", "03/04/12", "2012-04-03", "31/02/2012", "01/01/1900", ""])
_counts = st.sampled_from(["0", "7", "120", "-1", "1.5", "", "many"])
_row = st.tuples(
    st.one_of(st.just("P001"), _texts), _texts, st.one_of(st.just("Exampleton"), _texts), _dates, _texts,
    _counts, _counts,
)  # fmt: skip
_ragged = st.lists(_texts, min_size=1, max_size=10)
_rows = st.lists(st.one_of(_row, _row, _row, _ragged), min_size=1, max_size=25)


def _land(rows: list[tuple[str, ...] | list[str]], *, quoting: int) -> tuple[object, list[int], int]:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerow(HEADER.split(","))
    begins, line = [], 2
    for row in rows:
        at = text.tell()
        writer.writerow(row)
        begins.append(line)
        line += text.getvalue()[at:].count("\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SPECIMEN.file
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        agreement = agreement_of(SPECIMEN, retention_class="programme-2026")
        desk = desk_for(Path(folder) / "home")
        return check_delivery(path, mapping_of(SPECIMEN), agreement, desk, on=ON, workers=1), begins, line


@settings(max_examples=60, deadline=None)
@given(_rows, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_every_row_lands_or_is_quarantined_exactly_once(rows: list[tuple[str, ...]], quoting: int) -> None:
    report, begins, _ = _land(rows, quoting=quoting)
    assert report.landed + report.quarantined_rows + report.blank_rows == len(rows)
    assert report.rows == report.landed + report.quarantined_rows
    table = report.quarantine.to_pylist()
    refused = {row["line"] for row in table if row["action"] == NOT_LANDED}
    assert len(refused) == report.quarantined_rows
    assert refused <= set(begins)
    assert report.tables["person_record"] == report.landed
    assert report.tables["measure"] == report.landed


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(_texts, _dates, _counts), min_size=1, max_size=40), st.data())
def test_what_is_remembered_of_earlier_pieces_changes_no_verdict(
    texts: list[str], data: st.DataObject
) -> None:
    column = data.draw(
        st.sampled_from(
            [
                Column.model_validate({"type": "date", "formats": ["%d/%m/%Y"]}),
                Column.model_validate({"type": "count"}),
                Column.model_validate({"type": "name"}),
                Column.model_validate({"type": "code", "codes": {"7": "M"}}),
            ]
        )
    )
    cut = data.draw(st.integers(0, len(texts)))
    con = locked_connection(threads=1)
    known = Known()
    for part in (texts[:cut], texts[cut:]):
        array = pa.array(part, pa.string())
        fresh = check_column(array, column, Rules(ON), Known(), con)
        remembered = check_column(array, column, Rules(ON), known, con)
        assert remembered.values.to_pylist() == fresh.values.to_pylist()
        one = [None] * len(part) if fresh.faults is None else fresh.faults.to_pylist()
        other = [None] * len(part) if remembered.faults is None else remembered.faults.to_pylist()
        assert one == other
    con.close()


@given(st.text(max_size=20))
def test_no_cell_of_a_quarantine_file_starts_a_formula(cell: str) -> None:
    shown = without_formula(cell)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown.endswith(cell)
