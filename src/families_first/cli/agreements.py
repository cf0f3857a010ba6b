"""``families-first agreements``: are they in order, and what do they say."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from families_first.cli.options import HERE, HomeOption, JsonOption, OnOption, day_or_today
from families_first.cli.output import Sheet, emit

if TYPE_CHECKING:
    from families_first.governance.agreements import Agreement

app = App(name="agreements", help="Check and show data-sharing agreements.")


@app.command
def check(*files: Path, home: HomeOption = HERE, on: OnOption = None, json: JsonOption = False) -> None:
    """Check agreements, and say which are in force; every fault is told at once.

    Parameters
    ----------
    files
        The agreements to check; all of the home's when none is named.
    """
    from families_first.governance.agreements import load_agreement, load_agreements
    from families_first.governance.home import Home

    day = day_or_today(on)
    found = (
        [load_agreement(path) for path in files]
        if files
        else list(load_agreements(Home.open(home).agreements).values())
    )
    emit(
        {"on": day, "agreements": [_summary(agreement, day) for agreement in found]},
        json=json,
        show=[
            Sheet(
                ["Agreement", "Title", "In force", "Files", "Stands"],
                [
                    [
                        each.id,
                        each.title,
                        f"{each.in_force_from} to {each.in_force_to}",
                        len(each.files),
                        _standing(each, day),
                    ]
                    for each in found
                ],
            )
            if found
            else "There is no agreement here, so nothing may be read."
        ],
    )


@app.command
def show(
    agreement: str, /, *, home: HomeOption = HERE, on: OnOption = None, json: JsonOption = False
) -> None:
    """Write an agreement out for people: parties, law, purposes, and each column with why it is needed.

    Parameters
    ----------
    agreement
        The id of an agreement in the home, or a file.
    """
    from families_first.governance.agreements import load_agreement, load_agreements, render_agreement
    from families_first.governance.home import Home

    day = day_or_today(on)
    if Path(agreement).suffix == ".toml":
        found = load_agreement(Path(agreement))
    else:
        found = named(load_agreements(Home.open(home).agreements), agreement)
    emit(
        {**_summary(found, day), "agreement": found.model_dump(mode="json")},
        json=json,
        show=[render_agreement(found, on=day).rstrip()],
    )


def named(agreements: "dict[str, Agreement]", agreement_id: str) -> "Agreement":
    """Return an agreement by its id.

    Raises
    ------
    UserError
        AGREEMENT, when there is none of that id.
    """
    from families_first.errors import ExitCode, UserError

    if agreement_id in agreements:
        return agreements[agreement_id]
    raise UserError(
        f"There is no agreement '{agreement_id}' in this home",
        where="agreements",
        fix=f"Use one of: {', '.join(agreements)}." if agreements else "Put one into the folder.",
        code=ExitCode.AGREEMENT,
    )


def _summary(agreement: "Agreement", day: date) -> dict[str, object]:
    return {
        "id": agreement.id,
        "title": agreement.title,
        "in_force": agreement.in_force(day),
        "review_due": agreement.review_is_due(day),
        "in_force_from": agreement.in_force_from,
        "in_force_to": agreement.in_force_to,
        "files": list(agreement.files),
        "made_up": agreement.made_up,
    }


def _standing(agreement: "Agreement", day: date) -> str:
    if not agreement.in_force(day):
        return "not yet in force" if day < agreement.in_force_from else "expired"
    return "in force, review due" if agreement.review_is_due(day) else "in force"
