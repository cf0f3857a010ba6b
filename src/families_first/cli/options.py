"""Options that many commands share, so that each is named, explained and read in one way."""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from families_first.cli.output import emit

if TYPE_CHECKING:
    from families_first.governance.desk import Desk
    from families_first.governance.home import Home

HomeOption = Annotated[
    Path,
    Parameter(
        name="--home",
        env_var="FAMILIES_FIRST_HOME",
        help="The organisation's home, as made by `init`; the folder you are in when not given.",
    ),
]

JsonOption = Annotated[
    bool, Parameter(name="--json", negative="", help="Print one JSON document instead of text.")
]

OnOption = Annotated[
    date | None,
    Parameter(name="--on", help="The day for which to answer, as 2026-09-30; today when not given."),
]

AsOption = Annotated[
    str,
    Parameter(
        name="--as",
        env_var="FAMILIES_FIRST_AS",
        help="As whom you act: an id of the home's staff register; the person whose account this is when not "
        "given.",
    ),
]

HERE = Path()


def day_or_today(on: date | None) -> date:
    """Return ``on``, or today's date in the United Kingdom."""
    return on if on is not None else datetime.now(tz=ZoneInfo("Europe/London")).date()


def desk_at(home: Path, named: str, purpose: str = "identify-and-support") -> "Desk":
    """Return the desk of whoever acts in a home, for a purpose of the vocabulary."""
    from families_first.governance.desk import Desk
    from families_first.governance.home import Home
    from families_first.governance.purposes import Purpose

    desk = Desk.of(Home.open(home), named, Purpose(purpose))
    _acted_in.append(desk.home)
    return desk


_acted_in: "list[Home]" = []  # by the command that runs now


def checkpoint_what_was_done() -> None:
    """At the end of a command: checkpoint the audit log of each home it acted in, where that is due.

    A witness that cannot be reached holds up nobody's work; it is told on a terminal, and `audit checkpoint`
    and `assure` are red until it is mended.
    """
    if not _acted_in:
        return
    from families_first.errors import UserError
    from families_first.governance.audit.checkpointing import WITNESSES_NEEDED, checkpoint_if_due
    from families_first.governance.identity import ensure_identity

    homes = {home.root: home for home in _acted_in}
    _acted_in.clear()
    for home in homes.values():
        try:
            ensure_identity(home)
            report = checkpoint_if_due(home)
        except UserError as error:
            told = str(error)
        else:
            if report is None or report.is_witnessed:
                continue
            told = (
                f"Of the {WITNESSES_NEEDED} witnesses that the audit log needs, {len(report.held_by)} have "
                "it. `families-first audit checkpoint` says why."
            )
        if sys.stderr.isatty():
            emit({}, json=False, show=[told], stream=sys.stderr)
