"""People who object to research on their records: noted once, and left out of every split from then on.

Source: UK GDPR article 21(6): the right to object to research.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements.study import REFERENCE
from families_first.governance.desk import Act, Desk
from families_first.governance.policy import Resource
from families_first.governance.study.source_files import ROW, ROWS_TOLD, in_rows, read_heading
from families_first.governance.vault import Vault

RECORDING = "record-objection"
KIND: Final = "objections"
TABLE = "objections"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a file of objections: how many were new, how many were known, how many are kept now."""

    new: int
    known_before: int
    kept: int


def record_objections(desk: Desk, path: Path) -> Recorded:
    """Note the references of a file (CSV or Parquet, with a column ``reference``) as of people who object.

    The same file twice changes nothing. Nothing is taken back: who changes their mind is asked again for the
    next study.

    Raises
    ------
    UserError
        BAD_FILE, when the file is no table, has no such column, or has rows without a reference; REFUSED,
        when the policy says no.
    """
    with desk.act(RECORDING, Resource("StudyRecords", KIND)) as act, desk.home.locked():
        found = _references_in(path)
        before = objectors_of(act)
        new = found.filter(pc.invert(pc.is_in(found, value_set=before)))
        if len(new):
            Vault(act).commit(
                KIND,
                secrets.token_hex(8),
                {TABLE: pa.table({REFERENCE: new})},
                retention_class=desk.home.retention_classes[0].id,
                about={"received": desk.today.isoformat()},
            )
        recorded = Recorded(len(new), len(found) - len(new), len(before) + len(new))
        act.note(new=recorded.new, known_before=recorded.known_before, kept=recorded.kept)
    return recorded


def objectors_of(act: Act) -> pa.Array:
    """Return the references of everybody who objected, each once."""
    vault = Vault(act)
    tables = [vault.read(each, TABLE)[REFERENCE] for each in vault.list(KIND)]
    if not tables:
        return pa.array([], pa.string())
    return pa.chunked_array([chunk for each in tables for chunk in each.chunks], pa.string()).unique()


def _references_in(path: Path) -> pa.Array:
    file = read_heading(path)
    if REFERENCE not in file.columns:
        raise _bad_file(f"The file has no column {REFERENCE}", path)
    found: list[pa.Array] = []
    blank: list[int] = []
    for piece in file.pieces([REFERENCE]):
        blank += piece[ROW].filter(pc.is_null(piece[REFERENCE])).to_pylist()
        found += piece[REFERENCE].chunks
    if blank:
        raise _bad_file(f"There is no {REFERENCE} {in_rows(len(blank), blank[:ROWS_TOLD])}", path)
    return pa.chunked_array(found, pa.string()).unique()


def _bad_file(what: str, path: Path) -> UserError:
    return UserError(
        what,
        where=path.name,
        fix="Give the references of the people who object, as they stand in the files that are split. "
        "Nothing was recorded.",
        code=ExitCode.BAD_FILE,
    )
