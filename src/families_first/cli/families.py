"""``families-first families``: form families from matched people, and show them."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from families_first.cli.options import HERE, HomeOption, JsonOption, OnOption, day_or_today
from families_first.cli.output import Sheet, counted, emit
from families_first.cli.progress import progress

if TYPE_CHECKING:
    from families_first.council.families.result import Families

app = App(name="families", help="Form families from matched people, and show one.")


@app.command
def build(*, home: HomeOption = HERE, on: OnOption = None, json: JsonOption = False) -> None:
    """Form families from the people as last matched, and keep them; ids persist from the families before."""
    from families_first.council.journey import build_families
    from families_first.governance.home import Home

    day = day_or_today(on)
    with progress("Forming families"):
        families = build_families(Home.open(home), on=day)
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
    names: Annotated[
        bool, Parameter(negative="", help="Put names beside ids; keep what is printed as you keep records.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show a family: who is in it, since when, why, and by which record; or list all families."""
    import pyarrow.compute as pc

    families = _kept_families(home)
    if not family:
        rows = families.family.to_pylist()
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
    members = families.membership.filter(pc.equal(families.membership["family_id"], family)).to_pylist()
    if not members:
        from families_first.errors import ExitCode, UserError

        raise UserError(
            "There is no family with that id",
            fix="List them with 'families-first families show'.",
            code=ExitCode.NOT_FOUND,
        )
    people = {row["person_id"] for row in members}
    ties = [row for row in families.tie.to_pylist() if {row["person_a"], row["person_b"]} <= people]
    called = _names_of(home, people) if names else {}
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


def _called(person_id: str, names: dict[str, str]) -> str:
    return f"{person_id} {names.get(person_id, '')}".rstrip()


def _names_of(home: HomeOption, people: set[str]) -> dict[str, str]:
    from families_first.council.pages.families_found import name_of
    from families_first.governance.home import Home
    from families_first.governance.vault import Vault

    vault = Vault(Home.open(home))
    latest = vault.latest("people")
    rows = vault.read(latest, "person", ["person_id", "forename", "surname"]).to_pylist() if latest else []
    return {row["person_id"]: name_of(row, row["person_id"]) for row in rows if row["person_id"] in people}


def _figures(families: "Families") -> dict[str, Any]:
    from collections import Counter

    return {
        "families": families.family.num_rows,
        "children": sum(families.family["children"].to_pylist()),
        "set_aside": dict(Counter(families.set_aside["code"].to_pylist()).most_common()),
    }


def _kept_families(home: HomeOption) -> "Families":
    from families_first.council.journey import families_in
    from families_first.errors import ExitCode, UserError
    from families_first.governance.home import Home
    from families_first.governance.vault import Vault

    vault = Vault(Home.open(home))
    latest = vault.latest("families")
    if latest is None:
        raise UserError(
            "No families have been formed in this home yet",
            fix="Form them with 'families-first families build'.",
            code=ExitCode.NOT_FOUND,
        )
    return families_in(vault, latest)
