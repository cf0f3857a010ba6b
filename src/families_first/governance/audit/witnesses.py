"""Witnesses: people outside who hold checkpoints of the audit log, so that it cannot be changed unseen.

A witness is a file, which may lie on another organisation's machine, or a command that hands the checkpoint
on. A file gets the checkpoint appended after this program has compared it with the last one there. A command
gets, on its standard input, the body of a request of C2SP tlog-witness: the size that the witness had last,
the hashes that show the log to have only grown since, and the checkpoint. It answers with what the witness
holds now, the size and the root as they stand in the checkpoint; without that answer, or when it ends with
anything but 0, it has not witnessed.

A file inside the home is no witness, and what two names stand for is one witness. What each witness took is
kept in the home too, so that a witness's file that lost something is noticed; it is evidence of nothing else.

Source: C2SP tlog-witness (add-checkpoint), https://c2sp.org/tlog-witness.
"""

import base64
import binascii
import fcntl
import subprocess
from dataclasses import dataclass
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import Checkpoint, CheckpointFile, checkpoints_in
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.merkle import CompactRange, proves_consistency
from families_first.governance.durable import disk_refusals
from families_first.governance.home import Home
from families_first.governance.notes import Verifier
from families_first.governance.zone_file import WitnessSection

COMMAND_SECONDS = 20

_NOTHING = CompactRange().root()
_LOG_SHRANK = (
    "it holds a checkpoint of {held:,} entries and the log has {size:,}: entries are gone from the log"
)
_LOG_CHANGED = "the log does not begin with the {held:,} entries that it holds a checkpoint of"
_FILE_SHRANK = "it holds less than it took before: checkpoints were removed from it"
_INSIDE = "its file lies in the home itself, where whoever could change the log could change it too"
_SAME = "it is the same as witness {other}, and the two count once"
_NO_ANSWER = "its command did not answer with the size and the root that it holds now"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Whether a witness holds a checkpoint now; ``fault`` says why not, and is empty when it does."""

    name: str
    fault: str = ""


def witness_file(home: Home, witness: WitnessSection, verifier: Verifier) -> CheckpointFile:
    """Return the file of a witness that is one; a relative path starts at the home."""
    return CheckpointFile(home.root / witness.file, verifier, name=f"witness {witness.name}")


def taken_by(home: Home, witness: WitnessSection) -> CheckpointFile:
    """Return the home's copy of what a witness took."""
    return checkpoints_in(home, f"taken-by-{witness.name}.notes")


def not_witnesses(home: Home) -> dict[str, str]:
    """Return why some that the zone file names as witnesses are none, by name.

    Links are followed, so neither a link into the home nor a second name for one file is another witness.
    """
    found: dict[str, str] = {}
    names: dict[object, str] = {}
    for each in home.settings.audit.witnesses:
        path = (home.root / each.file).resolve()
        if each.file and path.is_relative_to(home.root.resolve()):
            found[each.name] = _INSIDE
            continue
        first = names.setdefault(_file_itself(path) if each.file else each.command, each.name)
        if first != each.name:
            found[each.name] = _SAME.format(other=first)
    return found


def _file_itself(path: Path) -> object:
    """Return what is the same for every name of one file."""
    try:
        found = path.stat()
    except OSError:
        return path
    return found.st_dev, found.st_ino


def send(home: Home, log: AuditLog, checkpoint: Checkpoint, verifier: Verifier) -> tuple[Witnessed, ...]:
    """Hand a checkpoint to every witness of the home, and say which hold it now; a fault raises nothing."""
    none = not_witnesses(home)
    return tuple(
        Witnessed(each.name, none.get(each.name) or _send(home, log, checkpoint, each, verifier))
        for each in home.settings.audit.witnesses
    )


def _send(
    home: Home, log: AuditLog, checkpoint: Checkpoint, witness: WitnessSection, verifier: Verifier
) -> str:
    """Hand a checkpoint to one witness; return why it does not hold it, or nothing."""
    try:
        copy = taken_by(home, witness)
        held = before = copy.last()
        file = witness_file(home, witness, verifier) if witness.file else None
        if file is not None:
            held = file.last()
            if before is not None and (held is None or held.size < before.size):
                return _FILE_SHRANK
        fault = _why_not_grown(log, held, checkpoint)
        if not fault and file is None:
            fault = hand_over(home, log, checkpoint, witness, held.size if held else 0)
        elif not fault and file is not None and (held is None or held.size < checkpoint.size):
            file.add(checkpoint)
        if not fault and (before is None or before.size < checkpoint.size):
            copy.add(checkpoint)
    except UserError as refusal:
        return refusal.what
    except OSError:
        return "it cannot be reached"
    return fault


def _why_not_grown(log: AuditLog, held: Checkpoint | None, new: Checkpoint) -> str:
    """Return why ``new`` is not the log that a witness holds, grown; nothing when it is."""
    if held is None:
        return ""
    if held.size > new.size:
        return _LOG_SHRANK.format(held=held.size, size=new.size)
    proof = log.consistency_proof(held.size, new.size)
    if proves_consistency(held.size, new.size, held.root, new.root, proof):
        return ""
    return _LOG_CHANGED.format(held=held.size)


def hand_over(home: Home, log: AuditLog, checkpoint: Checkpoint, witness: WitnessSection, old: int) -> str:
    """Run a witness's command; return why it does not hold the checkpoint, or nothing.

    Where ``old`` is the checkpoint's own size, that asks the witness whether it holds it. A command that
    fails and prints a size has that many entries already, as when it was cut off after keeping a checkpoint
    and before saying so; it is asked once more, from there.
    """
    try:
        done = _run(home, witness, body_for(log, checkpoint, old))
        size = done.stdout.strip()
        if done.returncode and size.isdigit() and old != int(size[:19]) <= checkpoint.size:
            done = _run(home, witness, body_for(log, checkpoint, int(size)))
    except subprocess.TimeoutExpired:
        return f"its command did not end within {COMMAND_SECONDS} seconds"
    except OSError:
        return "its command cannot be run"
    if done.returncode:
        return f"its command ended with {done.returncode}"
    return "" if done.stdout.split() == checkpoint.answer.encode().split() else _NO_ANSWER


def _run(home: Home, witness: WitnessSection, body: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603 - the command stands in the zone file, which the home's people keep
        witness.command,
        input=body.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=home.root,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def body_for(log: AuditLog, checkpoint: Checkpoint, old: int) -> str:
    """Return what a command witness gets: the old size, the proof, an empty line, and the checkpoint."""
    proof = log.consistency_proof(old, checkpoint.size)
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof)]
    return "\n".join(lines) + f"\n\n{checkpoint.note}"


def receive(body: str, path: Path, verifier: Verifier) -> Checkpoint:
    """Be the witness of another home's log: check what it sent and keep the checkpoint in a file.

    Raises
    ------
    UserError
        AUDIT, when the log is not what it was before, grown; BAD_FILE, when the body is not one, or the
        checkpoint is not signed by the home of ``verifier``. Nothing is then kept.
    """
    head, blank, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    try:
        if not blank or not first.startswith("old "):
            raise ValueError
        old = int(first.removeprefix("old "))
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except (ValueError, binascii.Error):
        raise UserError(
            "This is not what an audit log sends to a witness",
            where="standard input",
            fix="Pass on what the home's command got, unchanged.",
            code=ExitCode.BAD_FILE,
        ) from None
    checkpoint = Checkpoint.read(note, verifier, where="checkpoint")
    file = CheckpointFile(path, verifier)
    with disk_refusals(path.name), path.open("ab") as held_open:
        fcntl.flock(held_open, fcntl.LOCK_EX)
        held = file.last()
        size, root = (held.size, held.root) if held else (0, _NOTHING)
        if checkpoint.size < size:
            raise _inconsistent(_LOG_SHRANK.format(held=size, size=checkpoint.size), path)
        if old != size:
            raise ElsewhereError(size, path)
        if not proves_consistency(size, checkpoint.size, root, checkpoint.root, proof):
            raise _inconsistent(_LOG_CHANGED.format(held=size), path)
        if held is None or checkpoint.size > size:
            file.add(checkpoint)
    return checkpoint


class ElsewhereError(UserError):
    """The proof starts at another size than the witness holds, which is ``size``."""

    def __init__(self, size: int, path: Path) -> None:
        self.size = size
        super().__init__(
            f"This witness holds a checkpoint of {size:,} entries, and the proof starts elsewhere",
            where=path.name,
            fix=f"Send the checkpoint again with a proof from {size}.",
            code=ExitCode.AUDIT,
        )


def _inconsistent(how: str, path: Path) -> UserError:
    return UserError(
        f"This witness does not accept the checkpoint: {how}",
        where=path.name,
        fix="Keep both. Tell the data protection officer of the home whose log it is, and your own.",
        code=ExitCode.AUDIT,
    )
