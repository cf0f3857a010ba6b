"""``families-first audit``: the log of every decision and act, and whether it is as it was written."""

import sys
from collections import deque
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Outcome

if TYPE_CHECKING:
    from families_first.governance.audit.checkpointing import Report
    from families_first.governance.audit.restored_copy import RestoredCopy
    from families_first.governance.audit.verifying import Verification
    from families_first.governance.policy import Resource

app = App(name="audit", help="Verify, read, checkpoint and export the log of every decision and act.")

_PURPOSE = "protect-data"


@app.command
def verify(*, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False) -> int:
    """Read the whole log and hold it against its roots, its checkpoints and the witnesses' files.

    A log that is too damaged to be opened is verified all the same, and only then without an entry about it.
    """
    from families_first.governance.audit.log import AuditLog, store_of
    from families_first.governance.audit.restored_copy import differs_by_age_alone, restored_copy
    from families_first.governance.audit.verifying import verify_log
    from families_first.governance.home import Home

    place = Home.open(home)
    copy = restored_copy(place)
    try:
        desk = desk_at(home, as_, _PURPOSE)
    except UserError as refusal:
        if refusal.code != ExitCode.AUDIT:
            raise
        return _tell(verify_log(place, AuditLog(store_of(place))), json=json, copy=copy)
    with desk.act("verify-audit", _the_log(place.name)) as act:
        found = verify_log(place, desk.log)
        act.note(entries=found.size, root=found.root.hex(), sound=found.is_sound)
        older = copy is not None and differs_by_age_alone(place, desk.log, copy, found)
    return _tell(found, json=json, copy=copy, is_older=older)


@app.command(name="take-over")
def take_over_(*, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False) -> None:
    """Say that this restored copy replaces the old home; from then on its log is witnessed.

    A custodian or the data protection officer says so, once the old home is gone for good.
    """
    from families_first.governance.audit.restored_copy import take_over

    desk = desk_at(home, as_, _PURPOSE)
    with desk.act("checkpoint-audit", _the_log(desk.home.name), details={"take_over": True}) as act:
        copy = take_over(desk.home, desk.person.roles)
        act.note(backup=copy.backup, backup_entries=copy.entries)
    emit(
        {"backup": copy.backup, "entries": copy.entries},
        json=json,
        show=[
            f"This home, restored from backup {copy.backup}, replaces the old one.",
            f"Tell the witnesses. One that holds a checkpoint of more than {copy.entries:,} entries refuses "
            "those of this log: it keeps that file and begins a new one, under a new name in zone.toml.",
        ],
    )


@app.command
def witness(
    file_or_name: str, /, *, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False
) -> int:
    """Hold the log against what one witness has.

    Parameters
    ----------
    file_or_name
        A file of checkpoints that a witness has handed you, or the name of a witness of the zone file.
    """
    from families_first.governance.audit.verifying import verify_against, witness_named

    desk = desk_at(home, as_, _PURPOSE)
    holder = witness_named(desk.home, file_or_name)
    with desk.act("verify-audit", _the_log(desk.home.name)) as act:
        found = verify_against(desk.log, [holder])
        act.note(entries=found.size, root=found.root.hex(), sound=found.is_sound)
    return _tell(found, json=json)


@app.command
def show(
    *,
    actor: Annotated[str, Parameter(help="Only of this person, by id in the staff register.")] = "",
    action: Annotated[str, Parameter(help="Only this action of the vocabulary.")] = "",
    outcome: Annotated[Outcome | None, Parameter(help="Only what became of it so.")] = None,
    since: Annotated[date | None, Parameter(help="Only from this day (UTC) on.")] = None,
    limit: Annotated[int, Parameter(help="How many to show, the newest of them.")] = 50,
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show entries as sentences, the newest last. To read the log is an act, and is logged too."""
    from families_first.governance.audit.sentences import Wanted, sentence

    desk = desk_at(home, as_, _PURPOSE)
    start = datetime.combine(since, time.min, tzinfo=UTC) if since else None
    with desk.act("read-audit", _the_log(desk.home.name)) as act:
        wanted = Wanted(actor, action, outcome, start)
        found = deque(wanted.of(desk.log.entries()), maxlen=max(0, limit))
        act.note(entries=len(found))
    emit(
        {"entries": list(found)},
        json=json,
        show=[sentence(each) for each in found] or ["There is no such entry."],
    )


@app.command
def checkpoint(*, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False) -> int:
    """Sign the log as it is now and send that to the witnesses; fails when fewer than two hold it."""
    from families_first.governance.audit.checkpointing import as_details
    from families_first.governance.audit.checkpointing import checkpoint as make

    desk = desk_at(home, as_, _PURPOSE)
    with desk.act("checkpoint-audit", _the_log(desk.home.name)) as act:
        report = make(desk.home, desk.log)
        act.note(**as_details(report))
    emit(
        {
            "entries": report.checkpoint.size,
            "root": report.checkpoint.root.hex(),
            "witnesses": report.witnesses,
            "witnessed": report.is_witnessed,
        },
        json=json,
        show=_report_lines(report),
    )
    return ExitCode.OK if report.is_witnessed else ExitCode.AUDIT


@app.command
def receive(
    file: Path,
    /,
    *,
    of: Annotated[Path, Parameter(name="--of", help="The identity.toml of the home whose log it is.")],
    json: JsonOption = False,
) -> int:
    """Be a witness of another home's log: check the checkpoint on standard input and keep it.

    The answer, for the home's program, is the size and the root that are held now.

    Parameters
    ----------
    file
        Where you keep that home's checkpoints; made the first time.
    """
    from families_first.governance.audit.witnesses import ElsewhereError, receive
    from families_first.governance.identity import read_identity

    verifier = read_identity(of).verifier
    try:
        kept = receive(sys.stdin.read(), file, verifier)
    except ElsewhereError as refusal:
        # The sender reads this size and sends the proof that starts from it (C2SP tlog-witness).
        emit({"holds": refusal.size}, json=json, show=[str(refusal.size)])
        return refusal.code
    emit(
        {"origin": kept.origin, "entries": kept.size, "root": kept.root.hex()},
        json=json,
        show=[kept.answer],
    )
    return ExitCode.OK


@app.command
def prove(index: int, /, *, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False) -> None:
    """Print the proof that an entry is in the log, for whoever holds a checkpoint and the entry.

    Parameters
    ----------
    index
        The number of the entry.
    """
    from families_first.governance.audit.checkpointing import make_checkpoint
    from families_first.governance.audit.exporting import proof_of

    desk = desk_at(home, as_, _PURPOSE)
    with desk.act("verify-audit", _the_log(desk.home.name), details={"entry": index}):
        proof = proof_of(desk.log, index, make_checkpoint(desk.home, desk.log))
    emit({"proof": proof}, json=json, show=[proof.removesuffix("\n")])


@app.command
def export(out: Path, /, *, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False) -> None:
    """Write the log, a checkpoint and the public key for somebody who verifies it with verify-log.py.

    Parameters
    ----------
    out
        A folder that is not there yet.
    """
    from families_first.governance.audit.checkpointing import make_checkpoint
    from families_first.governance.audit.exporting import export_log
    from families_first.governance.identity import signer_of

    desk = desk_at(home, as_, _PURPOSE)
    with desk.act("read-audit", _the_log(desk.home.name), details={"export": True}) as act:
        made = make_checkpoint(desk.home, desk.log)
        export_log(desk.log, made, signer_of(desk.home).verifier, out)
        act.note(entries=made.size, root=made.root.hex())
    emit(
        {"folder": out, "entries": made.size, "root": made.root.hex()},
        json=json,
        show=[
            f"Wrote {counted(made.size, 'entry', 'entries')} to {out.name}. Whoever verifies it needs the "
            "home's public key from somebody else than you, and a witness's file."
        ],
    )


def _the_log(name: str) -> "Resource":
    from families_first.governance.policy import Resource

    return Resource("AuditLog", name)


def _tell(
    found: "Verification", *, json: bool, copy: "RestoredCopy | None" = None, is_older: bool = False
) -> int:
    rows = [
        [
            each.holder,
            each.checkpoints,
            each.newest,
            " ".join(each.faults) or ("agrees" if each.outside else "agrees, but lies in the home"),
        ]
        for each in found.verdicts
    ]
    emit(
        {
            "entries": found.size,
            "root": found.root.hex(),
            "sound": found.is_sound,
            "faults": found.faults,
            "unwitnessed": found.unwitnessed,
            "restored_copy": copy.model_dump() if copy else None,
            "differs_by_age_alone": is_older,
            "checkpoints": found.verdicts,
        },
        json=json,
        show=[
            f"{counted(found.size, 'entry', 'entries')}, root {found.root.hex()}.",
            *found.faults,
            *([Sheet(["Checkpoints", "How many", "Newest", "Says"], rows)] if rows else []),
            f"{counted(found.unwitnessed, 'entry', 'entries')} after the last that a witness holds.",
            *(_copy_lines(copy) if copy else []),
            _verdict(found, is_older=is_older),
        ],
    )
    return ExitCode.OK if found.is_sound else ExitCode.AUDIT


def _copy_lines(copy: "RestoredCopy") -> list[str]:
    return [
        f"This home is a restored copy of backup {copy.backup}, in which the log had "
        f"{counted(copy.entries, 'entry', 'entries')}. What witnesses hold of more entries than that is "
        "of the old home, which went on after the backup: this log cannot agree with it. It sends no "
        "checkpoint itself."
    ]


def _verdict(found: "Verification", *, is_older: bool) -> str:
    if found.is_sound:
        return "The log is as it was written."
    if is_older:
        return (
            "Up to the backup the log is as it was written; it differs only from what was witnessed of the "
            "old home afterwards."
        )
    return "THE LOG IS NOT AS IT WAS WRITTEN."


def _report_lines(report: "Report") -> list[str]:
    from families_first.governance.audit.checkpointing import WITNESSES_NEEDED

    lines = [f"Signed the log at {counted(report.checkpoint.size, 'entry', 'entries')}."]
    lines += [f"Witness {each.name}: {each.fault or 'holds it'}." for each in report.witnesses]
    if not report.is_witnessed:
        lines.append(
            f"NOT WITNESSED: {len(report.held_by)} of at least {WITNESSES_NEEDED} witnesses hold it. Until "
            f"they do, whoever administers this machine could change the log unseen. {_what_to_do(report)}; "
            "work goes on meanwhile."
        )
    return lines


def _what_to_do(report: "Report") -> str:
    from families_first.governance.audit.checkpointing import WITNESSES_NEEDED

    if len(report.witnesses) < WITNESSES_NEEDED:
        return "Name witnesses in [[audit.witnesses]] of the zone file"
    refusing = ", ".join(each.name for each in report.witnesses if each.fault)
    return f"See to why {refusing} does not, which stands above"
