"""``families-first simulate study``: a made-up study's homes, agreements and records, to try it by hand."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from families_first.cli.options import JsonOption
from families_first.cli.output import Sheet, counted, emit
from families_first.cli.progress import progress

_FEWEST_PEOPLE = 500
_FEWEST_FAMILIES = 10


def study(
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
        int,
        Parameter(validator=validators.Number(gte=_FEWEST_FAMILIES), help="How many families are assessed."),
    ] = 2_000,
    seed: Annotated[int, Parameter(help="The same seed gives the same records.")] = 1,
    json: JsonOption = False,
) -> None:
    """Make the homes of a made-up study, each with staff, agreements and records, ready for the first step.

    For the tutorial, for `study run`, and to rehearse. The homes hold their own keys; no custodians gather.

    Parameters
    ----------
    folder
        Where to make them; it must be empty or not exist.
    """
    from families_first.errors import ExitCode, UserError
    from families_first.simulation.exampleshire import study_protocol
    from families_first.simulation.homes import make_homes
    from families_first.simulation.study_homes import write_study

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            "There is something there already",
            where=folder.name,
            fix="Name a folder that is empty or does not exist.",
            code=ExitCode.USAGE,
        )
    with progress("Making homes") as steps:
        homes = make_homes(folder, seed=seed)
        steps.describe("Making national records")
        truth = write_study(homes, folder, people=people, programme_families=programme_families, seed=seed)
    text = study_protocol()
    (folder / text.name).write_bytes(text.read_bytes())
    places = {home.title: home.root.relative_to(folder.resolve()).as_posix() for home in homes.each()}
    emit(
        {"homes": places, "protocol": text.name, "truth": truth.relative_to(folder).as_posix()},
        json=json,
        show=[
            f"Made {counted(len(places), 'home')} and records of {counted(people, 'person', 'people')}, with "
            f"{counted(programme_families, 'family', 'families')} assessed; nobody in them exists.",
            Sheet(["Organisation", "Home"], [[title, place] for title, place in places.items()]),
            f"The protocol is {text.name}, and what was planted is in {truth.name}/, for afterwards.",
        ],
    )
