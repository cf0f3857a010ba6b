"""``families-first retention``: what is kept until when, who decided it, and its destruction."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from families_first.cli.keys import UnlockOption
from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, OnOption, desk_at
from families_first.cli.output import Sheet, counted, emit

if TYPE_CHECKING:
    from families_first.governance.retention.going import Going

app = App(name="retention", help="Say what is kept until when, and destroy it with a certificate.")

_TO_BE_SIGNED = (
    ("end-programme", "Prepare the decision that a programme has ended, for its owner to sign."),
    ("extend", "Prepare an extension, for two people to sign."),
    ("bring-forward", "Prepare an earlier day of destruction, for two people to sign."),
    ("sign-share-destroyed", "Prepare a custodian's statement that a share of a key is destroyed."),
)
for _name, _help in _TO_BE_SIGNED:
    app.command(f"families_first.cli.retention_records:{_name.replace('-', '_')}", name=_name, help=_help)

PURPOSE = "protect-data"
SIGNED_NEXT = "Now have it signed: `families-first retention sign FILE --key KEY`, then `... record FILE`."


@app.command
def status(*, home: HomeOption = HERE, on: OnOption = None, json: JsonOption = False) -> int:
    """Show each class: its day of destruction and what stands behind it. Fails when a record is not right."""
    from families_first.cli.options import day_or_today
    from families_first.errors import ExitCode
    from families_first.governance.audit.log import AuditLog
    from families_first.governance.home import Home
    from families_first.governance.retention.status import status_of

    place = Home.open(home)
    log = AuditLog.open(place)
    last = log.last_time()
    # A clock that was set back must not make a day look further away.
    day = on or max(day_or_today(None), last.date() if last else date.min)
    found = status_of(place, log, on=day)
    columns = ["Class", "Kept for", "Datasets", "Day", "Days left", "State", "Extended because"]
    rows = [
        [each.id, each.rule, each.datasets, each.day, each.days_left, each.state, each.extension]
        for each in found.classes
    ]
    outstanding = [(each.id, share) for each in found.classes for share in each.shares_outstanding]
    expires = found.last_backup_expires
    emit(
        {
            "classes": found.classes,
            "records": [line.model_dump(mode="json") for line in found.records],
            "last_backup_expires": expires,
            "faults": found.faults,
        },
        json=json,
        show=[
            Sheet(columns, rows),
            *(
                [Sheet(["Record", "Entered"], [[line.file, line.entered] for line in found.records])]
                if found.records
                else ["No decision has been signed yet: no programme has ended."]
            ),
            *(
                f"Share {share} of class {each} is not yet stated to be destroyed."
                for each, share in outstanding
            ),
            f"The last backup expires on {expires:%d %B %Y}." if expires else "No backup was made.",
            *(f"WRONG: {fault}." for fault in found.faults),
        ],
    )
    return ExitCode.PROMISE if found.faults else ExitCode.OK


@app.command
def sign(
    file: Path,
    /,
    *,
    key: Annotated[Path, Parameter(help="Your personal signing key, made by `keys make-signing-key`.")],
    passphrase_from: Annotated[
        Path | None, Parameter(help="A file whose first line is the passphrase; asked when not given.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show a prepared record and sign it with a personal key. Needs no home.

    Parameters
    ----------
    file
        The record; your signature is added to those that it has.
    """
    from families_first.governance.durable import write_durably
    from families_first.governance.keys.personal import personal_signer
    from families_first.governance.keys.unlocking import passphrase_in, typed_passphrase
    from families_first.governance.notes import sign_note
    from families_first.governance.retention.records import read_record

    text = _text_of(file)
    record = read_record(text, where=file.name)
    emit({}, json=False, show=[] if json else [text.rstrip("\n"), ""])
    passphrase = (
        passphrase_in(passphrase_from)
        if passphrase_from
        else typed_passphrase("Passphrase of your key, to sign this", new=False)
    )
    signer = personal_signer(key, passphrase)
    write_durably(file, sign_note(text, signer).encode(), mode=0o644)
    emit(
        {"record": record.record, "signed_by": signer.name},
        json=json,
        show=[f"Signed by {signer.name}."],
    )


@app.command
def record(
    file: Path,
    /,
    *,
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Enter a signed record: checked, logged, signed by the home, and published in `retention/`.

    Parameters
    ----------
    file
        The record with its signatures.
    """
    from families_first.governance.retention.recording import record_decision

    entered = record_decision(desk_at(home, as_, PURPOSE), _text_of(file), where=file.name)
    line = entered.line
    emit(
        {
            "file": line.file,
            "sha256": line.sha256,
            "days": dict(line.days),
            "audit_entry": entered.audit_entry,
        },
        json=json,
        show=[
            f"Entered as {line.file}.",
            *(f"Class {each} is destroyed on {day:%d %B %Y}." for each, day in line.days.items()),
        ],
    )


@app.command
def destroy(
    class_id: str,
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="Say what would go, and destroy nothing.")] = False,
    unlock_with: UnlockOption = (),
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Destroy what is due of a class and what was made from it, and draw up the certificate, for good.

    With a whole class every file of inbox/ and outbox/ goes as well; the dry run says how many.

    Parameters
    ----------
    class_id
        The retention class.
    """
    from families_first.governance.keys.unlocking import opening_of
    from families_first.governance.retention.destroying import destroy as destroy_class
    from families_first.governance.retention.destroying import rehearse

    desk = desk_at(home, as_, PURPOSE)
    opening_of(desk.home, unlock_with)
    if dry_run:
        going = rehearse(desk, class_id)
        emit(
            {"dry_run": True, "going": going},
            json=json,
            show=["Nothing was destroyed. This would go:", *_in_words(going)],
        )
        return
    done = destroy_class(desk, class_id)
    emit(
        {"destroyed": done.going, "plan": done.plan.file, "certificate": done.certificate},
        json=json,
        show=[
            *_in_words(done.going),
            f"Destroyed. The certificate lies in outbox/{done.certificate}, to be signed by the senior "
            "responsible owner.",
            SIGNED_NEXT,
        ],
    )


@app.command
def verify(
    certificate: Path,
    /,
    *,
    key: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", help="A public signing key, name+id+key; once for each. The home and its owner."
        ),
    ],
    json: JsonOption = False,
) -> None:
    """Verify a certificate of destruction with public keys alone. Needs no home.

    Parameters
    ----------
    certificate
        The certificate, as it was entered.
    """
    from families_first.governance.notes import Verifier
    from families_first.governance.retention.certificates import verify_certificate

    known = [Verifier.parse(each, where="--key") for each in key]
    found = verify_certificate(_text_of(certificate), known, where=certificate.name)
    said = found.certificate
    emit(
        {"verified": True, "signers": found.signers, "certificate": said.model_dump(mode="json")},
        json=json,
        show=[
            f"Verified: signed by {', '.join(found.signers)}.",
            f"Class {said.retention_class} of {said.home}: destroyed on {said.destroyed_on:%d %B %Y}.",
            f"{said.method}.",
            *said.means,
        ],
    )


def _in_words(going: "Going") -> list[str]:
    shares = sum(len(each.fates) for each in going.shares)
    expires = going.backups_expire
    return [
        f"Class {going.retention_class}: {'everything' if going.whole else 'what was kept its years'}.",
        f"{counted(len(going.datasets), 'dataset')}, {counted(going.files, 'file')}, {going.bytes:,} bytes.",
        *(
            [f"{counted(len(going.derived), 'dataset')} of these, of other classes, made from such records."]
            if going.derived
            else []
        ),
        f"Master keys: {', '.join(going.masters) or 'none'}; {counted(shares, 'share')} handed out.",
        f"The last backup expires on {expires:%d %B %Y}." if expires else "No backup was made.",
        _clear_in_words(going),
    ]


def _clear_in_words(going: "Going") -> str:
    inbox, outbox = going.in_the_clear.inbox, going.in_the_clear.outbox
    lie = f"in inbox/ {counted(inbox, 'file')}, in outbox/ {counted(outbox, 'file')}"
    if going.clears:
        return f"In the clear, {lie}: all of them go, because they cannot be told apart by class."
    return f"In the clear, {lie}: they stay. Empty these yourself if they hold what was due."


def _text_of(file: Path) -> str:
    from families_first.errors import ExitCode, UserError

    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UserError(
            "There is no file of this name here",
            where=file.name,
            fix="Name the record's file, with the folder that it lies in.",
            code=ExitCode.NOT_FOUND,
        ) from None
    except (OSError, UnicodeDecodeError):
        raise UserError(
            "This file cannot be read as a record",
            where=file.name,
            fix="Name the record.",
            code=ExitCode.BAD_FILE,
        ) from None
