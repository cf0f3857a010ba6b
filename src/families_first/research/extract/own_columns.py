"""A file of one's own as a table: its columns as words and numbers, with the faults of each."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Floats

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", ".")
"""What stands for "not known"."""

_LINES_TOLD = 3


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table, the SHA-256 (hexadecimal) of its file, and the faults that reading it met, each with what it
    was read for."""

    table: pa.Table
    sha256: str
    faults: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def has(self, column: str, of: str) -> bool:
        """Whether there is a column; if not, that is a fault of what it is wanted for."""
        if column in self.table.schema.names:
            return True
        self.faults.append(f"{of}: there is no column '{column}'")
        return False

    def words(self, column: str) -> npt.NDArray[np.object_]:
        """Return a column as words, None where it is not known."""
        values = self.table[column]
        if pa.types.is_floating(values.type) and _are_whole(values):
            values = values.cast(pa.int64(), safe=False)
        text = values.cast(pa.string())
        blank = pc.is_in(pc.utf8_trim_whitespace(text), value_set=pa.array(MISSING))
        filled = pc.if_else(pc.or_kleene(blank, pc.is_null(text)), None, pc.utf8_trim_whitespace(text))
        found: npt.NDArray[np.object_] = filled.to_numpy(zero_copy_only=False)
        return found

    def numbers(self, column: str, of: str) -> Floats:
        """Return a column as numbers, NaN where it is not known; what is no number is a fault."""
        values = self.table[column]
        if pa.types.is_boolean(values.type):
            values = values.cast(pa.int8())
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            known: Floats = pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
            return np.where(np.isinf(known), np.nan, known)
        found = np.full(self.table.num_rows, np.nan)
        bad: list[int] = []
        for place, word in enumerate(self.words(column)):
            if word is None:
                continue
            try:
                found[place] = float(word.replace(",", ""))
            except ValueError:
                bad.append(place + 2)  # lines as a person counts them, below a heading
        if bad:
            more = f" and {len(bad) - _LINES_TOLD:,} more" if len(bad) > _LINES_TOLD else ""
            lines = ", ".join(str(line) for line in bad[:_LINES_TOLD])
            self.faults.append(f"{of}: the column '{column}' has what is no number, in row {lines}{more}")
        return found


def read_own_table(path: Path) -> OwnTable:
    """Read a CSV or Parquet file.

    Raises
    ------
    UserError
        BAD_FILE, when it cannot be read; what is told never quotes a value.
    """
    is_csv = path.suffix.lower() == ".csv"
    if not is_csv and path.suffix.lower() != ".parquet":
        raise _unreadable("It is neither a CSV (.csv) nor a Parquet file (.parquet)", path.name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _unreadable("There is no such file", path.name) from None
    except IsADirectoryError:
        raise _unreadable("It is a folder, not a file", path.name) from None
    try:
        buffer = pa.BufferReader(content)
        table = _read_csv(buffer) if is_csv else pq.read_table(buffer)
    except (pa.ArrowException, UnicodeDecodeError, OSError):
        # What the reader says may quote a value.
        raise _unreadable("It cannot be read as what its name says", path.name) from None
    if len(set(table.schema.names)) < len(table.schema.names):
        raise _unreadable("Two of its columns have one name", path.name)
    if not table.num_rows:
        raise _unreadable("It has no rows", path.name)
    return OwnTable(table, hashlib.sha256(content).hexdigest())


def _read_csv(source: pa.NativeFile) -> pa.Table:
    return pa.csv.read_csv(
        source,
        convert_options=pa.csv.ConvertOptions(null_values=list(MISSING), strings_can_be_null=True),
    )


def _are_whole(values: pa.ChunkedArray) -> bool:
    """Whether numbers are whole, as a column of whole numbers with gaps is after a spreadsheet."""
    return bool(pc.all(pc.equal(values, pc.floor(values))).as_py())


def _unreadable(what: str, where: str) -> UserError:
    return UserError(what, where=where, fix="Give one row a person, with a heading.", code=ExitCode.BAD_FILE)
