"""Where a split is made: an owner's rows in memory, each under a place in random order, not a reference.

Nothing is written to the disk. Tables are loaded one after the other, and let go of once they are sealed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.agreements.study import FAMILY_KEY, FAMILY_REFERENCE, REFERENCE
from families_first.governance.study.identifying_values import IdentifyingValues
from families_first.governance.study.plan import Part
from families_first.governance.study.row_keys import RowKeys, random_marks
from families_first.governance.study.sections import in_sql
from families_first.governance.study.source_files import ROW, ROWS_TOLD, SourceFile, in_rows, type_of
from families_first.governance.vault.duck import locked_connection

_PLACE: Final = "ff_place"
_FAMILY: Final = "ff_family"
_OBJECTS: Final = -1  # the place of everybody who objected
_ROWS_AT_ONCE: Final = 500_000
_BATCH_ROWS: Final = 131_072


class Workbench:
    """The people of one split, and one section at a time.

    Parameters
    ----------
    objectors
        References of people who objected.
    """

    def __init__(self, objectors: pa.Array) -> None:
        self._con = locked_connection({"objector": pa.table({REFERENCE: objectors})})
        self.people = 0
        self.objected = 0
        self._keys = RowKeys(0)
        self._family_keys = RowKeys(0)
        self._has_payload = np.zeros(0, bool)

    def close(self) -> None:
        """Let go of everything."""
        self._con.close()

    @property
    def people_without_payload(self) -> int:
        """How many people no section has told anything of so far."""
        return int(self.people - np.count_nonzero(self._has_payload))

    def admit(self, file: SourceFile, *, families: bool) -> None:
        """Read the references of the people, leave out who objected, and give everybody else a place.

        Raises
        ------
        UserError
            BAD_FILE, when people have no reference, or one that stands there twice: in which rows.
        """
        self._con.execute(f"CREATE TABLE known ({ROW} BIGINT, {REFERENCE} VARCHAR, mark UBIGINT)")
        self._con.execute(f"CREATE TABLE family ({FAMILY_REFERENCE} VARCHAR)")
        wanted = [REFERENCE, FAMILY_REFERENCE] if families else [REFERENCE]
        for piece in file.pieces(wanted):
            marked = piece.append_column("mark", pa.array(random_marks(piece.num_rows)))
            self._insert("known", f"SELECT {ROW}, {REFERENCE}, mark FROM piece", marked)
            if families:
                self._insert("family", f"SELECT DISTINCT {FAMILY_REFERENCE} FROM piece", marked)
        self._check_references(file)
        self._con.execute(f"""
            CREATE TABLE reference_place AS
            SELECT {REFERENCE}, CASE
                WHEN objects THEN {_OBJECTS}
                ELSE row_number() OVER (PARTITION BY objects ORDER BY mark) - 1 END::INTEGER AS {_PLACE}
            FROM (SELECT {REFERENCE}, mark, {REFERENCE} IN (SELECT {REFERENCE} FROM objector) AS objects
                  FROM known)
        """)
        self._con.execute("DROP TABLE known")
        self.people = self._number(f"SELECT count(*) FROM reference_place WHERE {_PLACE} >= 0")
        self.objected = self._number(f"SELECT count(*) FROM reference_place WHERE {_PLACE} < 0")
        self._keys = RowKeys(self.people)
        self._has_payload = np.zeros(self.people, bool)
        self._con.execute(f"""
            CREATE TABLE family_place AS
            SELECT {FAMILY_REFERENCE}, (row_number() OVER () - 1)::INTEGER AS {_FAMILY}
            FROM (SELECT DISTINCT {FAMILY_REFERENCE} FROM family WHERE {FAMILY_REFERENCE} IS NOT NULL)
        """)
        self._con.execute("DROP TABLE family")
        self._family_keys = RowKeys(self._number("SELECT count(*) FROM family_place"))

    def load(self, part: Part, row_key: str) -> "LoadedPart":
        """Read a file and put its rows under places; whatever was loaded before is let go of.

        Raises
        ------
        UserError
            BAD_FILE, as the file's own reading says, or when payload has values by which somebody could be
            known.
        """
        columns = [name for name in part.columns if name not in (row_key, FAMILY_KEY)]
        columns += [name for name in part.shape.needs if name not in columns]
        families = FAMILY_KEY in part.columns
        wanted = [REFERENCE, *columns, *([FAMILY_REFERENCE] if families else [])]
        kept = "".join(f", piece.{in_sql(name)}" for name in columns)
        family = f", {_FAMILY}" if families else ""
        also = f"LEFT JOIN family_place USING ({FAMILY_REFERENCE})" if families else ""
        held = [f"{in_sql(name)} {_SQL_TYPES[type_of(name)]}" for name in columns]
        held += [f"{_FAMILY} INTEGER"] if families else []
        self._con.execute(f"CREATE OR REPLACE TABLE part ({', '.join([f'{_PLACE} INTEGER', *held])})")
        self._con.execute(f"CREATE OR REPLACE TABLE stranger ({REFERENCE} VARCHAR)")
        read = without = 0
        telling = IdentifyingValues()
        for piece in part.file.pieces(wanted):
            read += piece.num_rows
            if part.contents == Contents.PAYLOAD:
                telling.look(piece, columns=columns, reference=REFERENCE)
            placed = self._insert(
                "part",
                f"SELECT {_PLACE}{kept}{family} FROM piece JOIN reference_place USING ({REFERENCE}) {also}",
                piece,
            )
            if placed < piece.num_rows:
                without += piece.num_rows - placed
                self._insert(
                    "stranger",
                    f"SELECT DISTINCT {REFERENCE} FROM piece ANTI JOIN reference_place USING ({REFERENCE})",
                    piece,
                )
        if told := "; ".join(telling.faults()):
            raise UserError(
                f"What tells what happened to people tells who they are too: {told}",
                where=part.file.path.name,
                fix="Take the identifiers out, or leave the column out of the agreement: researchers never "
                "get what names somebody. Nothing was sealed.",
                code=ExitCode.BAD_FILE,
            )
        strangers = self._number(f"SELECT count(DISTINCT coalesce({REFERENCE}, '')) FROM stranger")
        objected = self._number(f"SELECT count(*) FROM part WHERE {_PLACE} < 0")
        dated_by = part.shape.dated_by
        return LoadedPart(
            _bench=self,
            _part=part,
            _row_key=row_key,
            read=read,
            objected=objected,
            undated=self.count(f"{dated_by} IS NULL", None) if dated_by else 0,
            without_identifiers=without,
            references_without_identifiers=strangers,
        )

    def note_payload(self) -> None:
        """Note which people the loaded part tells something of."""
        found = self._con.sql(f"SELECT DISTINCT {_PLACE} FROM part WHERE {_PLACE} >= 0").fetchnumpy()
        self._has_payload[np.asarray(found[_PLACE])] = True

    def count(self, condition: str, day: date | None) -> int:
        """Return how many rows of the loaded part, of people who did not object, fulfil a condition."""
        return self._number(
            f"SELECT count(*) FROM part WHERE {_PLACE} >= 0 AND ({condition})", _given(condition, day)
        )

    def rows(
        self, columns: Mapping[str, str], condition: str, schema: pa.Schema, row_key: str, day: date | None
    ) -> Iterator[pa.RecordBatch]:
        """Yield rows of the loaded part in random order: people by their places, a person's rows shuffled.

        ``columns`` gives SQL for each column of ``schema`` but the keys.
        """
        expected = max(1, self._number("SELECT count(*) FROM part"))
        step = max(1, self.people * _ROWS_AT_ONCE // expected)
        taken = "".join(f", {sql}" for sql in columns.values())
        family = f", {_FAMILY}" if FAMILY_KEY in schema.names else ""
        query = f"""
            SELECT {_PLACE}{taken}{family} FROM part
            WHERE {_PLACE} >= $begins AND {_PLACE} < $ends AND ({condition})
            ORDER BY {_PLACE}, random()
        """
        for begins in range(0, self.people, step):
            given = {"begins": begins, "ends": begins + step, **_given(query, day)}
            found = self._con.sql(query, params=given).to_arrow_table()
            for batch in found.to_batches(max_chunksize=_BATCH_ROWS):
                yield self._keyed(batch, schema, row_key)

    def _keyed(self, batch: pa.RecordBatch, schema: pa.Schema, row_key: str) -> pa.RecordBatch:
        def column(name: str) -> pa.Array:
            if name == row_key:
                return self._keys.at(batch.column(_PLACE).to_numpy())
            if name == FAMILY_KEY:
                return self._family_keys.at_or_missing(batch.column(_FAMILY))
            return batch.column(name).cast(schema.field(name).type)

        return pa.RecordBatch.from_arrays([column(name) for name in schema.names], schema=schema)

    def _check_references(self, file: SourceFile) -> None:
        self._refuse_rows(
            f"SELECT {ROW} FROM known WHERE {REFERENCE} IS NULL",
            file,
            "People have no reference",
            f"Give each a {REFERENCE} of its own.",
        )
        self._refuse_rows(
            f"""SELECT {ROW} FROM known WHERE {REFERENCE} IN
                (SELECT {REFERENCE} FROM known GROUP BY {REFERENCE} HAVING count(*) > 1)""",
            file,
            "References stand there more than once",
            "Each person has one row, or what happened to one could be told of another; keep the row that is "
            "true.",
        )

    def _refuse_rows(self, query: str, file: SourceFile, what: str, fix: str) -> None:
        count = self._number(f"SELECT count(*) FROM ({query})")
        if count:
            rows = self._con.sql(f"{query} ORDER BY {ROW} LIMIT {ROWS_TOLD}").fetchall()
            raise UserError(
                f"{what}: {in_rows(count, [row for (row,) in rows])}",
                where=file.path.name,
                fix=f"{fix} Nothing was sealed.",
                code=ExitCode.BAD_FILE,
            )

    def _insert(self, table: str, query: str, piece: pa.Table) -> int:
        self._con.register("piece", piece)
        try:
            ((inserted,),) = self._con.execute(f"INSERT INTO {table} {query}").fetchall()
        finally:
            self._con.unregister("piece")
        return int(inserted)

    def _number(self, query: str, given: Mapping[str, object] | None = None) -> int:
        ((number,),) = self._con.execute(query, dict(given or {})).fetchall()
        return int(number)


@dataclass(frozen=True, slots=True)
class LoadedPart:
    """A file of which the rows lie under places.

    Attributes
    ----------
    read
        Rows of the file.
    objected
        Rows of people who objected.
    undated
        Rows of others without the date that says where they go; they go nowhere.
    without_identifiers, references_without_identifiers
        Rows, and the references on them, of nobody among the people.
    """

    _bench: Workbench
    _part: Part
    _row_key: str
    read: int
    objected: int
    undated: int
    without_identifiers: int
    references_without_identifiers: int

    @property
    def schema(self) -> pa.Schema:
        """The columns that are sent."""
        return pa.schema([(name, type_of(name)) for name in self._part.columns])

    def rows(self, *, locked: bool, day: date | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the open or of the locked part, as they are sent."""
        shape = self._part.shape
        names = [name for name in self._part.columns if name not in (self._row_key, FAMILY_KEY)]
        return self._bench.rows(
            {name: shape.selected(name, locked=locked) for name in names},
            shape.locked if locked else shape.open,
            self.schema,
            self._row_key,
            day,
        )


_SQL_TYPES = {pa.date32(): "DATE", pa.float64(): "DOUBLE", pa.int64(): "BIGINT", pa.string(): "VARCHAR"}


def _given(query: str, day: date | None) -> dict[str, object]:
    return {"day": day} if "$day" in query else {}
