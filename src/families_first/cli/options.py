"""Options that many commands share, so that each is named, explained and read in one way."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from cyclopts import Parameter

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

HERE = Path()


def day_or_today(on: date | None) -> date:
    """Return ``on``, or today's date in the United Kingdom."""
    return on if on is not None else datetime.now(tz=ZoneInfo("Europe/London")).date()
