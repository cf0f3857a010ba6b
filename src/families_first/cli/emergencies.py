"""``families-first policy``: opening a family in an emergency, and reading who did."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, emit
from families_first.errors import ExitCode, UserError


def break_glass(
    family: str,
    /,
    *,
    hours: Annotated[int, Parameter(help="For how long, from 1 to 24 hours.")],
    reason_file: Annotated[
        Path | None, Parameter(help="A file with the reason; asked on the terminal when not given.")
    ] = None,
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """In an emergency, open one family that was not given to you; the data protection officer is told.

    The reason may name people: it is kept in the vault alone, so it is not given on the command line.

    Parameters
    ----------
    family
        The family's id.
    """
    from families_first.governance.policy.break_glass import break_glass as open_family

    desk = desk_at(home, as_)
    opened = open_family(desk, family, hours=hours, reason=_reason(reason_file))
    emit(
        {
            "expires": opened.expires.isoformat(timespec="minutes"),
            "entry": opened.entry,
            "notice": opened.notice,
        },
        json=json,
        show=[
            f"The family is open to you until {opened.expires:%d %B %Y %H:%M} UTC "
            f"(entry {opened.entry} of the audit log).",
            f"Hand {opened.notice} in the outbox to the data protection officer.",
        ],
    )


def emergencies(*, as_: AsOption = "", home: HomeOption = HERE, json: JsonOption = False) -> None:
    """Read who broke the glass, for which family, why and until when; for the data protection officer.

    The newest stands first. To read it is an act, and is logged too.
    """
    from families_first.governance.policy.break_glass import review_emergencies

    found = review_emergencies(desk_at(home, as_, "protect-data"))
    columns = ["Who", "Family", "From (UTC)", "Until (UTC)", "State", "Why"]
    rows = [
        [
            each.person,
            each.family_id,
            f"{each.opened:%Y-%m-%d %H:%M}",
            f"{each.expires:%Y-%m-%d %H:%M}",
            each.state.value,
            each.reason,
        ]
        for each in found
    ]
    emit(
        {"emergencies": found},
        json=json,
        show=[Sheet(columns, rows)] if found else ["Nobody has broken the glass."],
    )


def _reason(file: Path | None) -> str:
    if file is None:
        print("Why can this not wait? One line; it may name people.", file=sys.stderr)  # noqa: T201
        return sys.stdin.readline()
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UserError(
            "The file with the reason cannot be read",
            where=file.name,
            fix="Name a text file in UTF-8, or give the reason on the terminal.",
            code=ExitCode.BAD_FILE,
        ) from None
