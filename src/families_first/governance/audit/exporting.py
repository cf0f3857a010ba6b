"""Handing the log to somebody who trusts nobody here: entries as hashed, a checkpoint, the public key.

``scripts/verify-log.py`` verifies the folder without any code of this project.
"""

import base64
import shutil
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import Checkpoint
from families_first.governance.audit.log import AuditLog
from families_first.governance.durable import disk_refusals
from families_first.governance.notes import Verifier

ENTRIES_FILE = "entries.jsonl"
CHECKPOINT_FILE = "checkpoint.note"
KEY_FILE = "log.key"

PROOF_FORM = "c2sp.org/tlog-proof@v1"


def export_log(log: AuditLog, checkpoint: Checkpoint, verifier: Verifier, out: Path) -> None:
    """Write the entries under a checkpoint into the new folder ``out``, with it and the public key.

    Raises
    ------
    UserError
        BAD_FILE, when there is something at ``out``; AUDIT, when an entry is not as it was written; RESOURCE,
        when the disk is full. Nothing is then left at ``out``.
    """
    if out.exists():
        raise UserError(
            "There is something of that name already",
            where=out.name,
            fix="Name a folder that is not there yet.",
            code=ExitCode.BAD_FILE,
        )
    part = out.with_name(f".{out.name}.part")
    with disk_refusals(out.name):
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir()
            with (part / ENTRIES_FILE).open("wb") as file:
                for _, leaf in log.leaves(0, checkpoint.size):
                    file.write(leaf + b"\n")
            (part / CHECKPOINT_FILE).write_text(checkpoint.note, encoding="utf-8")
            (part / KEY_FILE).write_text(f"{verifier}\n", encoding="utf-8")
            part.rename(out)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def proof_of(log: AuditLog, index: int, checkpoint: Checkpoint) -> str:
    """Return the proof that the entry at ``index`` is in the log of a checkpoint.

    Source: C2SP tlog-proof, https://c2sp.org/tlog-proof.

    Raises
    ------
    UserError
        NOT_FOUND, when the checkpoint covers no such entry.
    """
    if not 0 <= index < checkpoint.size:
        raise UserError(
            f"There is no entry {index}",
            where="audit log",
            fix=f"Name one from 0 to {checkpoint.size - 1}.",
            code=ExitCode.NOT_FOUND,
        )
    proof = log.inclusion_proof(index, checkpoint.size)
    lines = [PROOF_FORM, f"index {index}", *(base64.b64encode(each).decode() for each in proof)]
    return "\n".join(lines) + f"\n\n{checkpoint.note}"
