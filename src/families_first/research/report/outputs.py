"""Report objects as rows: what the vault keeps of an evaluation, and what goes to publication to be
checked.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.desk import Act, Desk
from families_first.governance.identity import partners_of
from families_first.governance.parcels import Addressee, SealedParcel, seal_parcel
from families_first.governance.vault import Vault
from families_first.governance.zone_file import Zone
from families_first.research.protocol.sealing import sealed_protocol
from families_first.research.report.objects import ReportObject

RESULTS: Final = "results"
OBJECTS_TABLE = "object"
_WORDS = ("output", "kind", "title", "note", "figures", "beneath", "rows_sha256", "protocol")
OUTPUTS = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _WORDS),
        pa.field("protocol_version", pa.int64(), nullable=False),
        *(
            pa.field(name, pa.string(), nullable=False)
            for name in ("protocol_sha256", "extract_sha256", "code_version")
        ),
        pa.field("made_up", pa.bool_(), nullable=False),
    ]
)
"""One row a report object: ``figures`` are its columns and rows and ``beneath`` what stands beneath each
row, as JSON.
"""


def table_of_objects(objects: Sequence[ReportObject]) -> pa.Table:
    """Return report objects as rows of :data:`OUTPUTS`."""
    return pa.Table.from_pylist([_row(each) for each in objects], schema=OUTPUTS)


def seal_outputs(desk: Desk, protocol_id: str, agreement: str) -> SealedParcel:
    """Seal what an evaluation came to for publication, where it is checked; nothing else of a study goes
    there.

    Raises
    ------
    UserError
        NOT_FOUND, when nothing was evaluated or no home of publication is known; REFUSED, when the protocol
        is not as it was sealed, or the results are of another version; as
        :func:`families_first.governance.parcels.seal_parcel`.
    """
    sealed = sealed_protocol(desk, protocol_id)
    to = [name for name, each in partners_of(desk.home).items() if each.zone == Zone.PUBLICATION]
    if len(to) != 1:
        raise UserError(
            f"This home knows {len(to) or 'no'} homes of publication, and outputs go to one",
            where=desk.home.root.name,
            fix="Add the publisher with `families-first parcel add-partner`.",
            code=ExitCode.NOT_FOUND,
        )

    def rows(act: Act) -> Iterator[pa.RecordBatch]:
        vault = Vault(act)
        found = vault.find(RESULTS, protocol_id)
        if found is None:
            raise UserError(
                "Nothing was evaluated under this protocol yet",
                where=protocol_id,
                fix="Run `families-first evaluate` first.",
                code=ExitCode.NOT_FOUND,
            )
        if found.about["protocol_sha256"] != sealed.seal.sha256:
            raise UserError(
                "These results are of another version of this protocol",
                where=protocol_id,
                fix="Run `families-first evaluate` again.",
                code=ExitCode.REFUSED,
            )
        yield from vault.read(found, OBJECTS_TABLE).cast(OUTPUTS).to_batches()

    return seal_parcel(
        desk, rows, schema=OUTPUTS, agreement=agreement, to=(Addressee(to[0], Contents.OUTPUTS),)
    )


def _row(each: ReportObject) -> dict[str, object]:
    told, source = each.as_json(), each.provenance
    return {
        "output": each.id,
        "kind": each.kind.value,
        "title": each.title,
        "note": each.note,
        "figures": json.dumps({"columns": told["columns"], "rows": told["rows"]}, ensure_ascii=False),
        "beneath": json.dumps(told["beneath"], ensure_ascii=False),
        "rows_sha256": each.rows_sha256,
        "protocol": source.protocol_id,
        "protocol_version": source.protocol_version,
        "protocol_sha256": source.protocol_sha256,
        "extract_sha256": source.extract_sha256,
        "code_version": source.code_version,
        "made_up": source.made_up,
    }
