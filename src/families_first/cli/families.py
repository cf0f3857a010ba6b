"""``families-first families``: form families from matched people, and show them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from families_first.cli.options import (
    HERE,
    AsOption,
    HomeOption,
    JsonOption,
    OnOption,
    day_or_today,
    desk_at,
)
from families_first.cli.output import Sheet, counted, emit
from families_first.cli.progress import progress

if TYPE_CHECKING:
    from families_first.council.families.result import Families

app = App(name="families", help="Form families from matched people, and show one.")


@app.command
def build(
    *, home: HomeOption = HERE, as_: AsOption = "", on: OnOption = None, json: JsonOption = False
) -> None:
    """Form families from the people as last matched, and keep them; ids persist from the families before."""
    from families_first.council.journey import build_families

    day = day_or_today(on)
    with progress("Forming families"):
        families = build_families(desk_at(home, as_), on=day)
    figures = _figures(families)
    emit(
        {"on": day, **figures},
        json=json,
        show=[
            f"{counted(figures['families'], 'family', 'families')} with "
            f"{counted(figures['children'], 'dependent child', 'dependent children')}.",
            Sheet(["Not used", "How many"], [[code, number] for code, number in figures["set_aside"].items()])
            if figures["set_aside"]
            else "Nothing was set aside.",
        ],
    )


@app.command
def show(
    family: Annotated[str, Parameter(help="A family's id; all families in brief when not given.")] = "",
    /,
    *,
    home: HomeOption = HERE,
    as_: AsOption = "",
    names: Annotated[
        bool, Parameter(negative="", help="Put names beside ids; keep what is printed as you keep records.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show a family: who is in it, since when, why, and by which record; or list all families."""
    from families_first.council.viewing import list_families, view_family

    desk = desk_at(home, as_)
    if not family:
        rows = list_families(desk)
        emit(
            {"families": rows},
            json=json,
            show=[
                Sheet(
                    ["Family", "Formed on", "Members", "Children"],
                    [[row["family_id"], row["formed_on"], row["members"], row["children"]] for row in rows],
                )
                if rows
                else "There are no families yet."
            ],
        )
        return
    seen = view_family(desk, family, names=names)
    members, ties, called = seen.members, seen.ties, seen.names
    emit(
        {"family_id": family, "members": members, "ties": ties} | ({"names": called} if names else {}),
        json=json,
        show=[
            Sheet(
                ["Person", "Role", "From", "To", "Why"],
                [
                    [
                        _called(row["person_id"], called),
                        row["role"].replace("parents_partner", "parent's partner").replace("_", " "),
                        row["valid_from"],
                        row["valid_to"],
                        row["reason"],
                    ]
                    for row in members
                ],
                title=f"Family {family}",
            ),
            Sheet(
                ["Person", "is", "Person", "Why", "Source"],
                [
                    [
                        _called(row["person_a"], called),
                        row["kind"].replace("_", " "),
                        _called(row["person_b"], called),
                        row["reason"],
                        row["source"],
                    ]
                    for row in ties
                ],
            )
            if ties
            else "No tie is on record.",
        ],
    )


def _called(person_id: str, names: Mapping[str, str]) -> str:
    return f"{person_id} {names.get(person_id, '')}".rstrip()


def _figures(families: "Families") -> dict[str, Any]:
    from collections import Counter

    return {
        "families": families.family.num_rows,
        "children": sum(families.family["children"].to_pylist()),
        "set_aside": dict(Counter(families.set_aside["code"].to_pylist()).most_common()),
    }
