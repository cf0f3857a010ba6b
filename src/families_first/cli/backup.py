"""``families-first backup``: a home for its custodians, without any key; and bringing it back."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit

app = App(name="backup", help="Back a home up for its custodians, and restore it.")


@app.command(name="make-identity")
def make_identity_(file: Path, /, *, json: JsonOption = False) -> None:
    """Make the age identity of somebody who can open backups, on a machine and a medium of their own.

    Parameters
    ----------
    file
        Where to write it; it must not exist yet.
    """
    from families_first.governance.backup.identities import make_identity

    recipient = make_identity(file)
    emit(
        {"recipient": recipient},
        json=json,
        show=[
            f"Made an identity in {file.name}. Keep it apart from every home, and show it to nobody.",
            f"Its public half, for a line of backup-recipients.txt in the home: {recipient}",
        ],
    )


@app.command
def make(
    *,
    to: Annotated[Path, Parameter(help="The file to write, outside the home.")],
    recipient: Annotated[
        tuple[str, ...],
        Parameter(
            negative="",
            help="An age recipient (age1...) who can open it, once for each; those of backup-recipients.txt "
            "when not given.",
        ),
    ] = (),
    days: Annotated[int, Parameter(help="After how many days it expires, 35 at most.")] = 35,
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write everything of a home but its keys into one file, encrypted to the custodians."""
    from families_first.governance.backup.making import make_backup

    made = make_backup(desk_at(home, as_, "protect-data"), to, recipients=recipient, days=days)
    emit(
        {"backup": made.backup.model_dump(mode="json"), "files": made.files, "audit_size": made.audit_size},
        json=json,
        show=[
            f"Backup {made.backup.id}: {counted(made.files, 'file')}, {made.backup.bytes:,} bytes, for "
            f"{counted(made.backup.recipients, 'recipient')}.",
            f"It is to be destroyed by {made.backup.expires:%d %B %Y}. It holds no keys: keep a copy "
            "of keys/ apart.",
        ],
    )


@app.command
def restore(
    file: Path,
    /,
    *,
    to: Annotated[Path, Parameter(help="The folder to make; it must not exist yet.")],
    identity: Annotated[Path, Parameter(help="A file with the age identity of a recipient of the backup.")],
    keys: Annotated[Path, Parameter(help="The copy of the home's keys/ that was kept apart.")],
    tombstones: Annotated[
        Path | None, Parameter(help="The newest tombstones.note, from outside the backup.")
    ] = None,
    nothing_died_since: Annotated[
        bool,
        Parameter(
            negative="",
            help="Instead of --tombstones: that nothing was erased or destroyed since the backup.",
        ),
    ] = False,
    checkpoints: Annotated[
        Path | None, Parameter(help="A witness's file of checkpoints of the home's audit log.")
    ] = None,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Restore a backup as a home. What was erased or destroyed since stays so, or nothing is restored.

    Parameters
    ----------
    file
        The backup.
    """
    from families_first.errors import ExitCode, UserError
    from families_first.governance.backup.restoring import Outside
    from families_first.governance.backup.restoring import restore as restore_backup

    if (tombstones is None) != nothing_died_since:
        raise UserError(
            "A backup cannot know what died after it was made",
            where="--tombstones",
            fix="Give the newest tombstones.note with --tombstones, or say --nothing-died-since "
            "where that is so.",
            code=ExitCode.USAGE,
        )
    outside = Outside(identity=identity, keys=keys, tombstones=tombstones, checkpoints=checkpoints)
    done = restore_backup(file, to=to, outside=outside, named=as_)
    emit(
        {"restored": done},
        json=json,
        show=[
            f"Restored backup {done.backup} of {done.made:%d %B %Y}: {counted(done.files, 'file')}, "
            f"{counted(done.datasets, 'dataset')}.",
            f"Stayed dead: {counted(done.dropped, 'dataset')}; {counted(done.keys_refused, 'key')} of "
            "the copy were "
            "not taken.",
            f"The audit log of {counted(done.audit_size, 'entry', 'entries')} agrees with the witness up to "
            f"{done.witnessed:,}; {counted(done.later_entries, 'later entry', 'later entries')} are "
            "not in the "
            "backup."
            if checkpoints
            else "The audit log was held against the backup's own word alone: no witness was asked.",
            "This is a copy: its log sends no checkpoint. If it replaces the old home, a custodian or the "
            "data protection officer says so with `families-first audit take-over`; otherwise remove it "
            "after use.",
        ],
    )


@app.command(name="list")
def list_(*, home: HomeOption = HERE, json: JsonOption = False) -> None:
    """List the backups that were made, and the day by which each must be gone."""
    from families_first.governance.backup.catalogue import opens_nothing, read_catalogue
    from families_first.governance.home import Home

    place = Home.open(home)
    rows = [
        [each.id, each.made, each.expires, each.bytes, each.recipients, opens_nothing(place, each)]
        for each in read_catalogue(place)
    ]
    columns = ["id", "made", "expires", "bytes", "recipients", "opens_nothing"]
    emit(
        {"backups": [dict(zip(columns, row, strict=True)) for row in rows]},
        json=json,
        show=[Sheet(["Backup", "Made", "Expires", "Bytes", "Recipients", "Opens nothing any more"], rows)]
        if rows
        else ["No backup was made."],
    )
