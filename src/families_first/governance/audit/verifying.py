"""Verifying the whole log: each entry, each root, and every checkpoint that the home or a witness holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import Checkpoint, CheckpointFile, own_checkpoints
from families_first.governance.audit.entry import time_text
from families_first.governance.audit.log import CLOCK_TOLERANCE, AuditLog, entry_at
from families_first.governance.audit.merkle import CompactRange, leaf_hash
from families_first.governance.audit.store import EMPTY, Head
from families_first.governance.audit.witnesses import not_witnesses, taken_by, witness_file
from families_first.governance.home import Home
from families_first.governance.identity import signer_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a holder's checkpoints say of the log.

    ``checkpoints`` is how many it holds, ``newest`` the size of its last; ``faults`` are sentences, none when
    all fit. ``outside`` says whether what was read lies outside the home.
    """

    holder: str
    checkpoints: int
    newest: int
    faults: tuple[str, ...]
    outside: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """The log as it was found: ``size`` entries with the root ``root``, and what is wrong in sentences."""

    size: int
    root: bytes
    faults: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and not any(each.faults for each in self.verdicts)

    @property
    def unwitnessed(self) -> int:
        """How many entries come after the last checkpoint that somebody outside holds and that agrees."""
        held = [each.newest for each in self.verdicts if each.outside and not each.faults]
        return self.size - max(held, default=0)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds checkpoints in ``file``; ``took`` is the home's copy of what a witness took."""

    name: str
    file: CheckpointFile
    took: CheckpointFile | None = None
    outside: bool = True


def verify_log(home: Home, log: AuditLog) -> Verification:
    """Read the whole log and hold it against its own roots, the home's checkpoints and the witnesses' files.

    What is wrong is told, not raised.
    """
    own = Holder("the home", own_checkpoints(home), outside=False)
    return verify_against(log, [own, *witnesses_of(home)])


def witnesses_of(home: Home) -> list[Holder]:
    """Return the witnesses of a home, and what can be read of each.

    Of one that is a command that is the home's copy of what it took, which shows nothing of the witness, so
    it is not outside; nor is one that is no witness.
    """
    verifier, none = signer_of(home).verifier, not_witnesses(home)
    return [
        Holder(each.name, witness_file(home, each, verifier), taken_by(home, each), each.name not in none)
        if each.file
        else Holder(each.name, taken_by(home, each), outside=False)
        for each in home.settings.audit.witnesses
    ]


def witness_named(home: Home, file_or_name: str) -> Holder:
    """Return a witness of the zone file, or the holder of a file that a witness handed over.

    Raises
    ------
    UserError
        NOT_FOUND, when there is neither.
    """
    for each in witnesses_of(home):
        if each.name == file_or_name:
            return each
    path = Path(file_or_name)
    if not path.is_file():
        raise UserError(
            "There is no witness and no file of that name",
            where=path.name,
            fix="Name a file of checkpoints, or a witness of [[audit.witnesses]] in the zone file.",
            code=ExitCode.NOT_FOUND,
        )
    return Holder(path.name, CheckpointFile(path, signer_of(home).verifier))


def verify_against(log: AuditLog, holders: Iterable[Holder]) -> Verification:
    """Verify the log against some holders of checkpoints; see :func:`verify_log`."""
    held = [(each, *_held_by(each)) for each in holders]
    wanted = {checkpoint.size for _, checkpoints, _ in held for checkpoint in checkpoints}
    roots, tree, faults, whole = _read(log, wanted)
    verdicts = []
    for holder, checkpoints, unreadable in held:
        # What comes after a place that cannot be read can be compared with nothing.
        comparable = [each for each in checkpoints if whole or each.size <= tree.size]
        told = (*unreadable, *compare(comparable, roots, tree.size))
        newest = checkpoints[-1].size if checkpoints else 0
        verdicts.append(Verdict(holder.name, len(checkpoints), newest, told, holder.outside))
    return Verification(tree.size, tree.root(), tuple(faults), tuple(verdicts))


def _held_by(holder: Holder) -> tuple[list[Checkpoint], list[str]]:
    """Return the checkpoints that a holder has, as far as they can be read, and what is wrong with them."""
    held: list[Checkpoint] = []
    faults = []
    try:
        held += holder.file.all()
        took = list(holder.took.all()) if holder.took else []
        if took and (not held or held[-1].size < took[-1].size):
            faults.append(f"Checkpoints were removed from it: it took one of {took[-1].size} entries.")
    except UserError as refusal:
        faults.append(f"{refusal.what}.")
    except OSError:
        faults.append("Its file cannot be read.")
    return held, faults


def compare(checkpoints: Iterable[Checkpoint], roots: Mapping[int, bytes], size: int) -> list[str]:
    """Return in sentences how a log differs from what checkpoints say of it; nothing when it does not.

    Parameters
    ----------
    checkpoints
        By size, smallest first.
    roots
        The root of the log at each of their sizes up to its own.
    size
        How many entries the log has.
    """
    agreed, differing, beyond = 0, 0, 0
    for each in checkpoints:
        if each.size > size:
            beyond = each.size
        elif differing == 0:
            agreed, differing = (each.size, 0) if roots[each.size] == each.root else (agreed, each.size)
    where = f"between entry {agreed} and entry {differing - 1}"
    if beyond and differing:
        return [f"Entries were deleted: {beyond - size} of {beyond} are gone, the first {where}."]
    if beyond:
        return [
            f"The end was cut off: {beyond - size} of {beyond} entries are gone, none before entry {agreed}."
        ]
    if differing:
        return [f"Entries were rewritten {where}: they are not those that were there."]
    return []


def _read(log: AuditLog, wanted: set[int]) -> tuple[dict[int, bytes], CompactRange, list[str], bool]:
    """Return the log's roots at the sizes wanted, its tree, what is wrong, and whether it was read whole."""
    tree, latest, faults = CompactRange(), datetime.fromtimestamp(0, UTC), list[str]()
    roots = {0: EMPTY.root}
    try:
        log.store.check_structure()
        size = log.size
        heads = log.store.heads()
        head = next(heads, None)
        for index, leaf in log.leaves(0, size):
            time = entry_at(index, leaf).time
            if time < latest - CLOCK_TOLERANCE:
                faults.append(f"Entry {index} is older than one before it.")
            latest = max(latest, time)
            tree.append(leaf_hash(leaf))
            if tree.size in wanted:
                roots[tree.size] = tree.root()
            if head is not None and head.size == tree.size:
                if head != Head.of(tree, time_text(latest)):
                    faults.append(
                        f"The first {tree.size} entries do not give the root that was kept of them."
                    )
                head = next(heads, None)
    except UserError as refusal:
        return roots, tree, [*faults[:1], f"{refusal.what}."], False
    return roots, tree, faults[:1], True
