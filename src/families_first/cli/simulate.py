"""``families-first simulate``: a made-up county with the truth known, to try everything on."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from families_first.cli.options import JsonOption, OnOption
from families_first.cli.output import Sheet, counted, emit
from families_first.cli.progress import progress

_FEWEST_PEOPLE = 500


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
