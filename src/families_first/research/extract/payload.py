"""Taking payload in: rows of the programme's people get random numbers for row keys, others are dropped."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.parcels import ParcelRows
from families_first.governance.vault import DatasetInfo, Vault, locked_connection
from families_first.research.extract.names import KEYS_TABLE, LINKED, ROWS, section_name
from families_first.research.extract.studies import OPEN, PROGRAMME, SINCE, OwnerTerms

Ints = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class PayloadTaken:
    """What became of one payload parcel.

    ``rows`` came; ``kept`` are of records that the spine names, ``dropped`` are of everybody else.
    ``records`` of the owner are in the spine, ``silent`` of them have no row here.
    """

    owner: str
    section: str
    part: str
    rows: int
    kept: int
    dropped: int
    records: int
    silent: int


def part_of(parcel_is_locked: bool) -> str:
    """Return which part of a section a parcel is, by whether it was sealed locked."""
    return SINCE if parcel_is_locked else OPEN


def take_payload(parcel: ParcelRows, spine: DatasetInfo, terms: OwnerTerms, section: str) -> PayloadTaken:
    """Keep the rows of one payload parcel that are of the programme's people.

    Raises
    ------
    UserError
        PARCEL, when the owner sent this section already, the parcel is of another split than the spine, no
        row is of anybody in the spine, or a person is there twice in the programme's data.
    """
    project, owner = terms.study.project, terms.owner
    part = part_of(bool(parcel.manifest.locked))
    vault = Vault(parcel.act)
    name = section_name(project, owner, section, part)
    _make_way(parcel, vault, name, owner=owner, section=section)
    _check_split(parcel, spine, owner)
    row_key = str(terms.agreement.row_key)
    keys = vault.read(spine, KEYS_TABLE).filter(_of(owner))
    seen = np.zeros(int(spine.about["records"].get(owner, 0)), dtype=np.int64)
    rows = kept = 0
    with (
        locked_connection({"keys": keys.select(["row_key", "record"])}) as con,
        vault.draft(LINKED, name, retention_class=parcel.retention_class) as draft,
    ):
        for piece in _pieces(parcel.batches()):
            con.register("piece", piece)
            others = ", ".join(f'piece."{column}"' for column in piece.schema.names if column != row_key)
            found = con.sql(
                f"SELECT keys.record{', ' if others else ''}{others} FROM piece "
                f'JOIN keys ON piece."{row_key}" = keys.row_key'
            ).to_arrow_table()
            con.unregister("piece")
            np.add.at(seen, found["record"].to_numpy(), 1)
            rows += piece.num_rows
            kept += found.num_rows
            draft.write(ROWS, found)
        _check_rows(owner, section, rows=rows, kept=kept, seen=seen)
        taken = PayloadTaken(owner, section, part, rows, kept, rows - kept, len(seen), int((seen == 0).sum()))
        day = terms.study.outcomes_from
        draft.about.update(
            project=project,
            owner=owner,
            section=section,
            part=part,
            serial=parcel.manifest.serial,
            agreement=parcel.manifest.agreement.id,
            agreement_sha256=parcel.manifest.agreement.sha256,
            outcomes_from=None if day is None else day.isoformat(),
            repeats_people=terms.study.repeats_people,
            rows=rows,
            kept=kept,
            silent=taken.silent,
            released_for=None if parcel.release is None else parcel.release.protocol_sha256,
        )
    parcel.act.note(owner=owner, section=section, kept=kept, dropped=rows - kept)
    return taken


def _make_way(parcel: ParcelRows, vault: Vault, name: str, *, owner: str, section: str) -> None:
    """Refuse a second parcel of one section; remove what an opening that was cut short left of this one."""
    before = vault.find(LINKED, name)
    if before is None:
        return
    if parcel.begun_before and before.about.get("serial") == parcel.manifest.serial:
        vault.remove_named(LINKED, name)
        return
    raise UserError(
        f"{owner} has sent its section '{section}' before",
        where=parcel.manifest.serial,
        fix="Leave this parcel: a section is taken once. If the first was wrong, the owner splits anew, the "
        "linker links anew, and the whole study is taken in again.",
        code=ExitCode.PARCEL,
    )


def _check_split(parcel: ParcelRows, spine: DatasetInfo, owner: str) -> None:
    splits, linked = set(parcel.manifest.splits or ()), set(spine.about["splits"])
    if splits and linked and not splits <= linked:
        raise UserError(
            f"This payload of {owner} is of another split than the spine, so its row keys are of nobody here",
            where=parcel.manifest.serial,
            fix="Each split draws its row keys anew. Ask the owner for the payload of the split that the "
            "linker had, or have the linker link this one.",
            code=ExitCode.PARCEL,
        )


def _check_rows(owner: str, section: str, *, rows: int, kept: int, seen: Ints) -> None:
    if rows and not kept and len(seen):
        raise UserError(
            f"Of the {rows:,} rows of '{section}' of {owner} none is of anybody in the spine",
            where=f"{owner}, {section}",
            fix="These are row keys of another split. Ask the owner for the payload of the split that the "
            "linker had, or have the linker link this one; nothing was kept.",
            code=ExitCode.PARCEL,
        )
    if section == PROGRAMME and (twice := int((seen > 1).sum())):
        raise UserError(
            f"{twice:,} row keys are there more than once in the programme's data",
            where=f"{owner}, {section}",
            fix="The programme's data have one row a person. Ask the council for a split of a file without "
            "duplicates; nothing was kept.",
            code=ExitCode.PARCEL,
        )


def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield tables of about a million rows; one without rows where there are none."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS_AT_ONCE:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def _of(owner: str) -> pa.compute.Expression:
    return pa.compute.field("owner") == owner
