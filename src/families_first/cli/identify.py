"""``families-first identify``: find families that meet published criteria, and explain each."""

from pathlib import Path
from typing import Annotated

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

app = App(name="identify", help="Find families that meet published criteria, and explain each.")

PackOption = Annotated[
    str,
    Parameter(
        name="--pack",
        help="The criteria pack: an id from the home's packs folder or a shipped one. Not needed where the "
        "home has one pack of its own.",
    ),
]


@app.command
def run(
    *,
    home: HomeOption = HERE,
    as_: AsOption = "",
    pack: PackOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """Find the families that meet a pack's criteria, and keep the findings.

    The list is in the order of distinct problems, then of the latest evidence. There is no score. Rules that
    cannot say, because a source is silent or absent, are named.
    """
    from families_first.council.journey import identify_families, pack_named

    day, desk = day_or_today(on), desk_at(home, as_)
    criteria = pack_named(desk.home, pack)
    with progress("Identifying families"):
        found = identify_families(desk, criteria, on=day)
    nominated = found.nomination.to_pylist()
    blind = found.blind.to_pylist()
    emit(
        {
            "on": day,
            "pack": criteria.id,
            "indicative": criteria.head.indicative,
            "in_force": criteria.in_force(day),
            "findings": found.finding.num_rows,
            "nominated": nominated,
            "near_misses": found.near_miss.num_rows,
            "cannot_say": blind,
        },
        json=json,
        show=[
            f"{counted(len(nominated), 'family', 'families')} "
            f"{'meets' if len(nominated) == 1 else 'meet'} {criteria.head.title}.",
            *([] if criteria.in_force(day) else ["These criteria are not in force on that day."]),
            *(["These criteria are indicative."] if criteria.head.indicative else []),
            Sheet(
                ["Place", "Family", "Problems", "Which", "Latest", "Holds until"],
                [
                    [
                        row["place"],
                        row["family_id"],
                        row["distinct_problems"],
                        ", ".join(row["problems"]),
                        row["latest_on"],
                        row["holds_until"],
                    ]
                    for row in nominated
                ],
            )
            if nominated
            else "",
            *(f"{row['rule']}: {row['sentence']}" for row in blind if row["wholly"]),
        ],
    )


@app.command
def explain(
    family: Annotated[str, Parameter(help="The family's id.")],
    /,
    *,
    home: HomeOption = HERE,
    as_: AsOption = "",
    pack: PackOption = "",
    json: JsonOption = False,
) -> None:
    """Explain a family: what each rule found, by which records, what cannot be said, what would change it."""
    from families_first.council.journey import pack_named
    from families_first.council.viewing import explain as explain_as_kept

    desk = desk_at(home, as_)
    explanation = explain_as_kept(desk, family, pack_named(desk.home, pack))
    emit(explanation.data, json=json, show=[explanation.text])


@app.command
def diff(
    before: Annotated[str, Parameter(help="The id of the one pack.")],
    after: Annotated[str, Parameter(help="The id of the other.")],
    /,
    *,
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """Say which families enter and leave when the criteria change from one pack to another, and why."""
    from families_first.council.journey import compare_packs, pack_named

    day, desk = day_or_today(on), desk_at(home, as_)
    packs = pack_named(desk.home, before), pack_named(desk.home, after)
    with progress("Comparing the packs"):
        rows = compare_packs(desk, packs, on=day).to_pylist()
    counts = {
        change: sum(row["change"] == change for row in rows) for change in ("enters", "leaves", "stays")
    }
    emit(
        {"on": day, "before": before, "after": after, "counts": counts, "families": rows},
        json=json,
        show=[
            f"From {before} to {after}: {counts['enters']:,} enter, {counts['leaves']:,} leave, "
            f"{counts['stays']:,} stay.",
            Sheet(
                ["Family", "Change", "Why"],
                [[row["family_id"], row["change"], row["why"]] for row in rows if row["change"] != "stays"],
            )
            if counts["enters"] + counts["leaves"]
            else "",
        ],
    )


@app.command
def packs(*, home: HomeOption = HERE, on: OnOption = None, json: JsonOption = False) -> None:
    """List the criteria packs: those that ship, and the home's own, which come first where ids are equal."""
    from families_first.council.identification.pack import load_pack, pack_ids, shipped_packs_folder

    day = day_or_today(on)
    folders = [("shipped", shipped_packs_folder()), ("own", home / "packs")]
    found = {name: (kind, folder / name) for kind, folder in folders for name in pack_ids(folder)}
    loaded = [(kind, load_pack(folder)) for _, (kind, folder) in sorted(found.items())]
    rows = [
        {
            "id": pack.id,
            "title": pack.head.title,
            "kind": pack.head.kind,
            "version": pack.head.version,
            "whose": kind,
            "in_force": pack.in_force(day),
            "indicative": pack.head.indicative,
            "rules": len(pack.rules),
            "minimum_problems": pack.head.minimum_problems,
            "problems": len(pack.head.problems),
        }
        for kind, pack in loaded
    ]
    emit(
        {"on": day, "packs": rows},
        json=json,
        show=[
            Sheet(
                ["Pack", "Title", "Version", "Asks for", "Rules", "In force", "Indicative", "Whose"],
                [
                    [
                        row["id"],
                        row["title"],
                        row["version"],
                        f"{row['minimum_problems']} of {row['problems']}",
                        row["rules"],
                        row["in_force"],
                        row["indicative"],
                        row["whose"],
                    ]
                    for row in rows
                ],
            )
        ],
    )


@app.command
def check(
    pack: Annotated[str, Parameter(help="A pack's folder, or the id of a pack.")],
    /,
    *,
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> int:
    """Check a pack; every fault is told at once, with its file and key."""
    from families_first.council.identification.pack import check_pack
    from families_first.errors import ExitCode

    folder = _pack_folder(home, pack)
    faults = check_pack(folder)
    emit(
        {"pack": folder.name, "faults": faults},
        json=json,
        show=[
            Sheet(["File", "Key", "What is wrong"], [[each.file, each.key, each.what] for each in faults])
            if faults
            else f"The pack {folder.name} is in order."
        ],
    )
    return int(ExitCode.CRITERIA if faults else ExitCode.OK)


@app.command
def reference(
    pack: Annotated[str, Parameter(help="A pack's folder, or the id of a pack.")],
    /,
    *,
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write a pack out in words, as a page in Markdown."""
    from families_first.council.identification.pack import load_pack
    from families_first.council.identification.reference_page import reference_page

    loaded = load_pack(_pack_folder(home, pack))
    page = reference_page(loaded)
    emit({"pack": loaded.id, "page": page}, json=json, show=[page.rstrip()])


def _pack_folder(home: Path, pack: str) -> Path:
    from families_first.council.identification.pack import shipped_packs_folder
    from families_first.errors import ExitCode, UserError

    for folder in (Path(pack), home / "packs" / pack, shipped_packs_folder() / pack):
        if (folder / "pack.toml").is_file():
            return folder.resolve()
    raise UserError(
        "There is no such criteria pack",
        fix="List them with 'families-first identify packs', or name a folder that holds a pack.toml.",
        code=ExitCode.CRITERIA,
    )
