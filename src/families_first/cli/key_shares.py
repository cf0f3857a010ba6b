"""The commands of ``families-first keys`` that deal with shares of masters."""

from pathlib import Path

from families_first.cli.keys import (
    PURPOSE,
    HolderOption,
    ThresholdOption,
    UnlockOption,
    ceremony_of,
    keys_of,
    listed,
)
from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, emit


def split(
    class_id: str,
    /,
    *,
    holder: HolderOption,
    threshold: ThresholdOption = 2,
    unlock_with: UnlockOption = (),
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Split a class's master among custodians as printed words; a home of custodians makes it so.

    Parameters
    ----------
    class_id
        The retention class.
    """
    from families_first.governance.keys.ceremony import AFTER_SPLITTING, split_master
    from families_first.governance.policy import Resource

    desk = desk_at(home, as_, PURPOSE)
    ceremony = ceremony_of(desk, holder, threshold)
    with desk.act("make-keys", Resource("KeyRing", class_id)) as act:
        master = split_master(ceremony, class_id, keys_of(desk, unlock_with, holder, threshold))
        act.note(
            master=master.fingerprint, threshold=master.threshold, shares=listed(s.id for s in master.shares)
        )
    emit(
        {
            "retention_class": class_id,
            "master": master.fingerprint,
            "threshold": master.threshold,
            "shares": [share.model_dump() for share in master.shares],
        },
        json=json,
        show=[
            f"Any {master.threshold} of {len(master.shares)} shares open master {master.fingerprint}.",
            Sheet(
                ["Share", "Holder", "Organisation"], [[s.id, s.holder, s.organisation] for s in master.shares]
            ),
            "Now, in this order:",
            *(f"{number}. {step}" for number, step in enumerate(AFTER_SPLITTING, start=1)),
        ],
    )


def shares(*, home: HomeOption = HERE, json: JsonOption = False) -> None:
    """List every share that was ever handed out, and whether its master is still in use."""
    from families_first.governance.home import Home
    from families_first.governance.keys.register import MastersRegister

    rows = [
        [share.id, share.holder, share.organisation, master.retention_class, master.fingerprint, master.state]
        for master in MastersRegister(Home.open(home).keys).masters()
        for share in master.shares
    ]
    columns = ["share", "holder", "organisation", "retention_class", "master", "state"]
    headings = ["Share", "Holder", "Organisation", "Class", "Master", "State of the master"]
    emit(
        {"shares": [dict(zip(columns, row, strict=True)) for row in rows]},
        json=json,
        show=[Sheet(headings, rows)] if rows else ["No master of this home was ever split."],
    )


def check_shares(*files: Path, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False) -> None:
    """Prove that shares open a master of this home, without keeping it.

    Parameters
    ----------
    files
        The share files; the words are asked on the terminal when none is given.
    """
    from families_first.governance.keys.recovery import check_shares as checked
    from families_first.governance.keys.unlocking import opening_of
    from families_first.governance.policy import Resource

    desk = desk_at(home, as_, PURPOSE)
    with desk.act("unlock-keys", Resource("KeyRing", desk.home.name)) as act:
        found = checked(desk.home, opening_of(desk.home, files).ask_shares())
        act.note(
            masters=listed(m.fingerprint for m in found.masters), shares=listed(s.id for s in found.shares)
        )
    emit(
        {
            "masters": [m.model_dump(exclude={"shares"}) for m in found.masters],
            "shares": [share.model_dump() for share in found.shares],
        },
        json=json,
        show=[
            *(
                f"They open master {m.fingerprint} of class {m.retention_class}, {m.state}."
                for m in found.masters
            ),
            Sheet(
                ["Share", "Holder", "Organisation"], [[s.id, s.holder, s.organisation] for s in found.shares]
            ),
        ],
    )


def recover(
    *files: Path,
    unlock_with: UnlockOption = (),
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Bring back a master whose file was lost, from its shares.

    Parameters
    ----------
    files
        The share files; the words are asked on the terminal when none is given.
    """
    from families_first.governance.keys.recovery import recover_master
    from families_first.governance.keys.unlocking import Opening
    from families_first.governance.policy import Resource

    desk = desk_at(home, as_, PURPOSE)
    with desk.act("unlock-keys", Resource("KeyRing", desk.home.name)) as act:
        given = Opening(files).ask_shares()
        found = recover_master(desk.home, given, keys_of(desk, unlock_with))
        act.note(masters=listed(each.fingerprint for each in found))
    emit(
        {"recovered": [each.model_dump(include={"retention_class", "fingerprint"}) for each in found]},
        json=json,
        show=[f"Master {each.fingerprint} of class {each.retention_class} is back." for each in found],
    )


def ceremony(*, json: JsonOption = False) -> None:
    """Print the steps of the custodians' ceremony, to be followed and signed on paper."""
    from families_first.governance.keys.ceremony import STEPS

    emit(
        {"steps": list(STEPS)},
        json=json,
        show=[f"{number}. {step}" for number, step in enumerate(STEPS, start=1)],
    )
