"""``families-first keys``: masters, their shares and their rotation. No secret is ever an argument."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit

if TYPE_CHECKING:
    from families_first.governance.desk import Desk
    from families_first.governance.keys import KeyProvider
    from families_first.governance.keys.ceremony import Ceremony
    from families_first.governance.keys.rotation import Rotation

app = App(name="keys", help="Make, split, rotate and forget keys; the custodians' ceremony.")

_OF_SHARES = (
    ("split", "Split a class's master among custodians as printed words."),
    ("shares", "List every share that was ever handed out, and whether its master is still in use."),
    ("check-shares", "Prove that shares open a master of this home, without keeping it."),
    ("recover", "Bring back a master whose file was lost, from its shares."),
    ("ceremony", "Print the steps of the custodians' ceremony."),
)
for _name, _help in _OF_SHARES:
    app.command(f"families_first.cli.key_shares:{_name.replace('-', '_')}", name=_name, help=_help)

UnlockOption = Annotated[
    tuple[Path, ...],
    Parameter(
        name="--unlock-with",
        negative="",
        help="A file to unlock the home's keys with: the passphrase's, or a share (once for each). "
        "Asked on the terminal when not given.",
    ),
]
HolderOption = Annotated[
    tuple[str, ...],
    Parameter(
        name="--holder",
        negative="",
        help="A custodian and the file for their share, as name:kind-of-organisation:file, once for each. "
        "The name is the one under which they sign.",
    ),
]
ThresholdOption = Annotated[int, Parameter(name="--threshold", help="How many shares open the master.")]

PURPOSE = "protect-data"


@app.command
def status(*, home: HomeOption = HERE, json: JsonOption = False) -> None:
    """Show each retention class's master: its fingerprint, its age, and whether it is split."""
    from families_first.governance.home import Home
    from families_first.governance.keys import provider_of
    from families_first.governance.keys.register import MastersRegister
    from families_first.governance.retention.rules import classes_known

    place = Home.open(home)
    keys, register = provider_of(place), MastersRegister(place.keys)
    rules = {each.id: each.destroy_after.says for each in place.retention_classes}
    rows = []
    for each in classes_known(place):
        held = keys.masters(each)
        entries = {entry.fingerprint: entry for entry in register.masters(each)}
        last = entries.get(held[-1]) if held else next(reversed(entries.values()), None)
        rows.append(
            {
                "retention_class": each,
                "destroyed": rules.get(each, "not in the zone file"),
                "state": _state(held, last.state if last else ""),
                "master": held[-1] if held else last.fingerprint if last else "",
                "made": last.made if last else None,
                "shares": f"any {last.threshold} of {len(last.shares)}"
                if last and last.shares
                else "not split",
            }
        )
    columns = ("retention_class", "state", "master", "made", "shares", "destroyed")
    headings = ["Class", "State", "Master", "Made", "Shares", "Destroyed"]
    emit(
        {"provider": place.settings.keys.provider, "classes": rows},
        json=json,
        show=[
            f"The masters of this home are held by: {place.settings.keys.provider}.",
            Sheet(headings, [[row[column] for column in columns] for row in rows]),
        ],
    )


@app.command
def make(
    *,
    unlock_with: UnlockOption = (),
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Make a master for each retention class that never had one."""
    from families_first.governance.keys.register import MastersRegister
    from families_first.governance.policy import Resource

    desk = desk_at(home, as_, PURPOSE)
    keys = keys_of(desk, unlock_with)
    made = {}
    with desk.act("make-keys", Resource("KeyRing", desk.home.name)) as act, desk.home.locked():
        for each in desk.home.retention_classes:
            if not MastersRegister(desk.home.keys).knows(each.id) and not keys.masters(each.id):
                keys.make_master(each.id)
                made[each.id] = keys.masters(each.id)[-1]
        act.note(made=len(made))
    emit(
        {"made": made},
        json=json,
        show=[f"Made master {master} for class {name}." for name, master in made.items()]
        or ["Every class of this home has, or had, a master; none was made."],
    )


@app.command(name="rotate")
def rotate_(
    class_id: str,
    /,
    *,
    holder: HolderOption = (),
    threshold: ThresholdOption = 2,
    unlock_with: UnlockOption = (),
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Give a class a new master and destroy the old one; goes on with a rotation that was cut short.

    Parameters
    ----------
    class_id
        The retention class.
    """
    from families_first.governance.keys.rotation import rotate
    from families_first.governance.policy import Resource
    from families_first.governance.retention.tombstones import bury

    desk = desk_at(home, as_, PURPOSE)
    keys = _keys_to_rotate(desk, unlock_with, holder, threshold)
    with desk.act("rotate-keys", Resource("KeyRing", class_id)) as act:
        done = rotate(desk.home, class_id, keys)
        bury(desk.home, on=desk.today)
        act.note(
            master=done.master, retired=listed(done.retired), datasets=done.datasets, subjects=done.subjects
        )
    _tell_rotations(desk, [done], json=json)


@app.command(name="forget")
def forget_(
    ids: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    holder: HolderOption = (),
    threshold: ThresholdOption = 2,
    unlock_with: UnlockOption = (),
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Erase the keys of people and rotate, so that no old copy of the files opens what was theirs.

    Parameters
    ----------
    ids
        A file with their ids, one a line; `-` reads them from standard input. An id is never an argument,
        because other accounts may see those.
    """
    from families_first.governance.keys.rotation import forget
    from families_first.governance.policy import Resource
    from families_first.governance.retention.tombstones import bury

    desk = desk_at(home, as_, PURPOSE)
    keys = _keys_to_rotate(desk, unlock_with, holder, threshold)
    subjects = _lines_of(ids)
    with desk.act(
        "erase-subject", Resource("KeyRing", desk.home.name), details={"subjects": len(subjects)}
    ) as act:
        done = forget(desk.home, subjects, keys)
        bury(desk.home, on=desk.today)
        act.note(
            erased=sum(each.erased for each in done),
            retired=listed(m for each in done for m in each.retired),
        )
    _tell_rotations(desk, done, json=json)


@app.command(name="make-signing-key")
def make_signing_key(
    file: Path,
    /,
    *,
    name: Annotated[str, Parameter(help="The name to sign under: the person's id in the staff register.")],
    passphrase_from: Annotated[
        Path | None, Parameter(help="A file whose first line is the passphrase; asked when not given.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Make a signing key for a custodian or the senior responsible owner, under a passphrase of their own.

    Parameters
    ----------
    file
        Where to write it: outside every home, best on a medium of the person's own.
    """
    from families_first.governance.keys.personal import make_personal_key
    from families_first.governance.keys.unlocking import passphrase_in, typed_passphrase

    passphrase = (
        passphrase_in(passphrase_from)
        if passphrase_from
        else typed_passphrase("Passphrase of the new key", new=True)
    )
    verifier = make_personal_key(file, name, passphrase)
    emit(
        {"name": name, "signing": str(verifier)},
        json=json,
        show=[
            "Made. Put this line into the person's entry of the staff register:",
            f'signing = "{verifier}"',
        ],
    )


def keys_of(
    desk: "Desk", unlock_with: tuple[Path, ...], holder: tuple[str, ...] = (), threshold: int = 2
) -> "KeyProvider":
    """Return who holds the masters, given what is named to unlock them and the custodians gathered."""
    from families_first.governance.keys import provider_of
    from families_first.governance.keys.unlocking import opening_of

    opening_of(desk.home, unlock_with)
    return provider_of(desk.home, ceremony_of(desk, holder, threshold) if holder else None)


def _keys_to_rotate(
    desk: "Desk", unlock_with: tuple[Path, ...], holder: tuple[str, ...], threshold: int
) -> "KeyProvider":
    from families_first.errors import ExitCode, UserError

    provider = desk.home.settings.keys.provider
    if holder and provider != "custodians":
        raise UserError(
            f"The masters of this home are held by: {provider}. A rotation hands out shares only where "
            "custodians hold them",
            where="--holder",
            fix="Rotate without --holder, and split the new master afterwards: "
            "`families-first keys split CLASS --holder ...`.",
            code=ExitCode.USAGE,
        )
    return keys_of(desk, unlock_with, holder, threshold)


def ceremony_of(desk: "Desk", holder: tuple[str, ...], threshold: int) -> "Ceremony":
    from families_first.governance.keys.ceremony import Ceremony, Holder

    return Ceremony(desk.home, tuple(map(Holder.parse, holder)), threshold)


def _lines_of(ids: Path) -> list[str]:
    from families_first.errors import ExitCode, UserError

    try:
        text = sys.stdin.read() if str(ids) == "-" else ids.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if not found:
        raise UserError(
            "There are no ids to forget",
            where=ids.name,
            fix="Name a file of text with one id a line.",
            code=ExitCode.BAD_FILE,
        )
    return found


def _tell_rotations(desk: "Desk", done: "list[Rotation]", *, json: bool) -> None:
    from families_first.governance.keys.register import MastersRegister

    retired = {each for rotation in done for each in rotation.retired}
    new = {rotation.master for rotation in done}
    known = MastersRegister(desk.home.keys).masters()
    worthless = [share for m in known if m.fingerprint in retired for share in m.shares]
    handed_out = [share for m in known if m.fingerprint in new for share in m.shares]
    emit(
        {
            "rotations": done,
            "shares": [share.model_dump() for share in handed_out],
            "shares_to_destroy": [share.model_dump() for share in worthless],
        },
        json=json,
        show=[
            *(
                f"Class {each.retention_class}: {each.master} wraps {counted(each.datasets, 'dataset')} "
                f"and {counted(each.subjects, 'subject')}; {counted(each.erased, 'subject')} erased; "
                f"{counted(len(each.retired), 'old master')} destroyed."
                for each in done
            ),
            *(f"New: share {share.id} of {share.holder} ({share.organisation})." for share in handed_out),
            *(f"Share {share.id} of {share.holder} is to be destroyed by its holder." for share in worthless),
        ],
    )


def _state(held: tuple[str, ...], last: str) -> str:
    if len(held) > 1:
        return "rotation under way: run it again"
    if held:
        return "in use"
    return {"": "none yet", "in use": "lost"}.get(last, last)


def listed(ids: Iterable[str]) -> str:
    return ", ".join(ids)
