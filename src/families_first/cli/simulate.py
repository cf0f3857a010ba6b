"""``families-first simulate``: a made-up county or study with the truth known, to try everything on."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter, validators

from families_first.cli.options import JsonOption, OnOption
from families_first.cli.output import Sheet, counted, emit
from families_first.cli.progress import progress

_FEWEST_PEOPLE = 500

app = App(
    name="simulate", help="Make a made-up county with the truth known, or the records of a made-up study."
)
app.command(
    "families_first.cli.simulate_study:study",
    name="study",
    help="Make homes, agreements and records of a made-up study.",
)


@app.default
def simulate(
    folder: Path,
    /,
    *,
    people: Annotated[
        int, Parameter(validator=validators.Number(gte=_FEWEST_PEOPLE), help="How many people live in it.")
    ] = 20_000,
    seed: Annotated[int, Parameter(help="The same seed gives the same county.")] = 1,
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """Make a made-up county: the files its agencies would send, and the truth of who is who.

    Everything in it is computed. `extracts/` holds the files; `truth/` holds who is who and what happened,
    for measuring. Without `--on` the county is as of 30 September 2026.

    Parameters
    ----------
    folder
        Where to write; files of the same names are replaced.
    """
    from families_first.simulation import REFERENCE_DAY, simulate_county
    from families_first.simulation.extracts import write_extracts, write_truth

    with progress("Making the county") as steps:
        county = simulate_county(people=people, seed=seed, as_of=on or REFERENCE_DAY)
        steps.describe("Writing the agencies' files")
        extracts = write_extracts(county, folder / "extracts")
        steps.describe("Writing the truth")
        write_truth(county, folder / "truth", extracts)
    emit(
        {"people": people, "seed": seed, "on": on or REFERENCE_DAY, "extracts": dict(extracts.rows)},
        json=json,
        show=[
            f"Made a county of {counted(people, 'person', 'people')}; nobody in it exists.",
            Sheet(["File", "Rows"], [[name, rows] for name, rows in extracts.rows.items()]),
            f"The files are in {folder.name}/extracts, the truth in {folder.name}/truth.",
        ],
    )


@app.command
def national(
    folder: Path,
    /,
    *,
    people: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=_FEWEST_PEOPLE), help="How many people are on national registers."
        ),
    ] = 20_000,
    programme_families: Annotated[
        int, Parameter(validator=validators.Number(gte=10), help="How many families are assessed.")
    ] = 2_000,
    seed: Annotated[int, Parameter(help="The same seed gives the same study.")] = 1,
    json: JsonOption = False,
) -> None:
    """Make the national records of a made-up study, with known links and planted effects.

    Everything in it is computed. A folder for each data owner holds its `people` and what it records of them;
    `truth/` holds whose record each is and what the programme changed. Above a million people the nation is
    made county by county.

    Parameters
    ----------
    folder
        Where to write; files of the same names are replaced.
    """
    from families_first.simulation.national import write_national
    from families_first.simulation.national.planted import BY_ID

    with progress("Making the study", total=1.0) as steps:
        done = 0.0

        def told(counties: int, of: int) -> None:
            nonlocal done
            steps.advance(counties / of - done)
            done = counties / of

        written = write_national(
            folder, people=people, programme_families=programme_families, seed=seed, told=told
        )
    planted = [
        row
        for row in written.effects.to_pylist()
        if row["field"] == "all" and row["window"] == BY_ID[row["outcome"]].window
    ]
    emit(
        {
            "people": people,
            "programme_families": programme_families,
            "seed": seed,
            "rows": dict(written.rows),
            "planted": planted,
        },
        json=json,
        show=[
            f"Made a study of {counted(programme_families, 'family', 'families')} among "
            f"{counted(people, 'person', 'people')}; nobody in it exists.",
            Sheet(["File", "Rows"], [[name, rows] for name, rows in written.rows.items()]),
            "What the programme changes, of those who take part:",
            Sheet(
                ["Outcome", "Window", "Without", "With", "Difference", "Relative"],
                [
                    [
                        BY_ID[row["outcome"]].label,
                        row["window"],
                        f"{row['base']:.1%}",
                        f"{row['treated']:.1%}",
                        f"{100 * row['difference']:+.1f} points",
                        f"{row['relative']:+.1%}",
                    ]
                    for row in planted
                ],
            ),
            f"The files are in {folder.name}, the truth in {folder.name}/truth.",
        ],
    )
