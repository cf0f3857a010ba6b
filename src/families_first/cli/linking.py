"""The linker's commands of ``families-first study``: link, sample, seal-spine, destroy-identifiers.

Nothing that they print is of one person: counts, shares, serials and hashes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit

if TYPE_CHECKING:
    from families_first.linkage.linking import LinkRun, OwnerRun
    from families_first.linkage.plan import LinkPlan
    from families_first.linkage.quality.measures import Measure

PURPOSE = "research"

PlanOption = Annotated[
    Path | None,
    Parameter(
        name="--plan",
        help="The plan, a TOML file; the home's plans/PROJECT.toml, or what follows from the agreements, "
        "when not given.",
    ),
]
EngineOption = Annotated[
    Literal["duckdb", "spark"] | None,
    Parameter(
        name="--engine", help="Where pairs are found, for every owner; as the plan says when not given."
    ),
]
LatestOption = Annotated[
    bool,
    Parameter(
        name="--latest", negative="", help="Where an owner sent more than one split, take the newest of each."
    ),
]


def link(
    project: str,
    /,
    *,
    plan: PlanOption = None,
    engine: EngineOption = None,
    latest: LatestOption = False,
    again: Annotated[
        bool,
        Parameter(
            name="--again",
            negative="",
            help="Link though it was linked before: everybody gets a new pseudonym.",
        ),
    ] = False,
    decided: Annotated[
        tuple[str, ...],
        Parameter(
            name="--decided",
            negative="",
            help="Pairs that people decided, as OWNER=FILE; once for each owner. They correct probabilities, "
            "and the quality sheet tells precision and recall by them.",
        ),
    ] = (),
    truth: Annotated[
        Path | None,
        Parameter(
            name="--truth", help="Who each row is of, for made-up records alone: owner,row_key,person."
        ),
    ] = None,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Link a study's identifiers, and keep the spine of pseudonyms and its quality sheet in the vault.

    Parameters
    ----------
    project
        The study, as the agreements name it under [study].
    """
    from families_first.cli.progress import progress
    from families_first.linkage.decided import read_decided
    from families_first.linkage.linking import Given, link_study
    from families_first.linkage.truth import read_truth

    desk = desk_at(home, as_, PURPOSE)
    given = Given(
        decided={owner: read_decided(path) for owner, path in map(_owner_and_file, decided)},
        truth=read_truth(truth) if truth is not None else None,
    )
    with progress("Linking") as steps:
        run = link_study(
            desk,
            project,
            plan=_plan(desk.home.root, project, plan, engine),
            latest=latest,
            again=again,
            given=given,
            said=steps.describe,
        )
    emit(
        _as_json(run),
        json=json,
        show=[
            f"Linked '{run.project}': {counted(run.council_rows, 'row')} of the council are of "
            f"{counted(run.people, 'person', 'people')} in {counted(run.families, 'family', 'families')}.",
            *(
                [
                    f"{counted(run.in_two_families, 'person', 'people')} stood in two families; each is in "
                    "the one that came first."
                ]
                if run.in_two_families
                else []
            ),
            _sheet(run),
            f"The spine has {counted(run.spine_rows, 'row')}, and its quality sheet "
            f"{counted(run.quality.num_rows, 'line')}. Both are in the vault; "
            "`families-first study seal-spine` seals them for research.",
        ],
    )


def sample(
    project: str,
    owner: str,
    /,
    *,
    labels: Annotated[
        int, Parameter(name="--labels", validator=validators.Number(gte=1), help="About how many pairs.")
    ] = 300,
    seed: Annotated[int, Parameter(name="--seed", help="The same seed draws the same pairs.")] = 1,
    plan: PlanOption = None,
    engine: EngineOption = None,
    latest: LatestOption = False,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Draw pairs for people to decide, by which links are judged; the file names people and stays here.

    Parameters
    ----------
    project
        The study.
    owner
        The owner whose links are to be judged.
    """
    from families_first.cli.progress import progress
    from families_first.linkage.sampling import draw_pairs

    desk = desk_at(home, as_, PURPOSE)
    with progress("Drawing pairs") as steps:
        drawn = draw_pairs(
            desk,
            project,
            owner,
            plan=_plan(desk.home.root, project, plan, engine),
            labels=labels,
            seed=seed,
            latest=latest,
            said=steps.describe,
        )
    emit(
        {"owner": drawn.owner, "file": drawn.path, "pairs": drawn.pairs, "among": drawn.among},
        json=json,
        show=[
            f"Drew {counted(drawn.pairs, 'pair')} of {drawn.among:,}: outbox/{drawn.path.name}",
            "It holds names. Write yes or no into the column `same`, then link again with "
            f"--again --decided {drawn.owner}=FILE.",
        ],
    )


def seal_spine(
    project: str,
    /,
    *,
    agreement: Annotated[str, Parameter(name="--agreement", help="The id of the agreement that covers it.")],
    to: Annotated[
        str, Parameter(name="--to", help="The research home; the only one that is known when not given.")
    ] = "",
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Seal the spine and its quality sheet for research: two parcels in the outbox.

    Parameters
    ----------
    project
        The study that was linked.
    """
    from families_first.linkage.sealing import seal_spine as seal

    sealed = seal(desk_at(home, as_, PURPOSE), project, agreement, to)
    both = {"spine": sealed.spine, "quality": sealed.quality}
    emit(
        {
            name: {
                "serial": each.serial,
                "file": each.path.name,
                "rows": each.manifest.body.rows,
                "body_sha256": each.manifest.body.sha256,
            }
            for name, each in both.items()
        },
        json=json,
        show=[
            f"Sealed the {name}, {counted(each.manifest.body.rows, 'row')}: outbox/{each.path.name}"
            for name, each in both.items()
        ],
    )


def destroy_identifiers(
    project: str,
    /,
    *,
    holder: Annotated[
        tuple[str, ...],
        Parameter(
            name="--holder",
            negative="",
            help="In a home of custodians: a custodian and the file for their share of the new master, as "
            "name:kind-of-organisation:file, once for each.",
        ),
    ] = (),
    threshold: Annotated[int, Parameter(name="--threshold", help="How many shares open the new master.")] = 2,
    unlock_with: Annotated[
        tuple[Path, ...],
        Parameter(
            name="--unlock-with",
            negative="",
            help="A file to unlock the home's keys with: the passphrase's, or a share (once for each).",
        ),
    ] = (),
    unsent: Annotated[
        bool,
        Parameter(
            name="--unsent", negative="", help="Destroy the spine though it was not sealed for anybody."
        ),
    ] = False,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Destroy a study's identifiers, its spine and the keys to them; fetch the sealed spine before.

    Parameters
    ----------
    project
        The study.
    """
    from families_first.cli.keys import keys_of
    from families_first.linkage.destroying import destroy_identifiers as destroy

    desk = desk_at(home, as_, PURPOSE)
    keys = keys_of(desk, unlock_with, holder, threshold)
    is_ready = bool(holder) or desk.home.settings.keys.provider != "custodians"
    done = destroy(desk, project, keys=keys if is_ready else None, unsent=unsent)
    emit(
        {
            "project": done.project,
            "datasets": done.datasets,
            "files": done.files,
            "masters_destroyed": done.masters,
            "certificates": [each.name for each in done.certificates],
        },
        json=json,
        show=[
            f"Destroyed {counted(done.datasets, 'dataset')} and {counted(done.files, 'file')} of "
            f"'{done.project}', and {counted(len(done.masters), 'master key')} that could open a copy.",
            *(
                f"Certificate outbox/{each.name}: the senior responsible owner signs it (`families-first "
                "retention sign`), and `families-first retention record` enters it."
                for each in done.certificates
            ),
        ],
    )


def _plan(
    root: Path, project: str, path: Path | None, engine: Literal["duckdb", "spark"] | None
) -> "LinkPlan":
    from families_first.governance.home import Home
    from families_first.linkage.plan import plan_of

    plan = plan_of(Home.open(root), project, path)
    return plan if engine is None else plan.with_engine(engine)


def _owner_and_file(text: str) -> tuple[str, Path]:
    from families_first.errors import ExitCode, UserError

    owner, equals, file = text.partition("=")
    if not (owner and equals and file):
        raise UserError(
            "Decided pairs are given as OWNER=FILE",
            where="--decided",
            fix="Name the owner whose pairs they are, as in education=decided.csv.",
            code=ExitCode.USAGE,
        )
    return owner, Path(file)


def _measure(found: "Measure | None") -> dict[str, float | int] | None:
    """Return a figure with its interval; None where there was nothing to measure it by."""
    if found is None or found.people == 0:
        return None
    return {"value": found.value, "low": found.low, "high": found.high, "people": found.people}


def _share(found: "Measure | None") -> float | None:
    measured = _measure(found)
    return None if measured is None else float(measured["value"])


def _sheet(run: "LinkRun") -> Sheet:
    known = any(each.true_precision is not None for each in run.owners)
    columns = ["Owner", "Records", "Candidates", "Links", "People linked", "Precision", "Recall"]
    return Sheet(
        [*columns, *(["True precision", "True recall"] if known else [])],
        [
            [
                each.owner,
                each.records,
                each.candidates,
                each.links,
                _share(each.linked),
                _share(each.precision),
                _share(each.recall),
                *([_share(each.true_precision), _share(each.true_recall)] if known else []),
            ]
            for each in run.owners
        ],
    )


def _as_json(run: "LinkRun") -> dict[str, Any]:
    return {
        "project": run.project,
        "council_rows": run.council_rows,
        "people": run.people,
        "families": run.families,
        "in_two_families": run.in_two_families,
        "owners": [_owner_as_json(each) for each in run.owners],
        "spine_rows": run.spine_rows,
        "quality_lines": run.quality.num_rows,
        "seconds": round(run.seconds, 3),
    }


def _owner_as_json(run: "OwnerRun") -> dict[str, Any]:
    return {
        "owner": run.owner,
        "serial": run.serial,
        "records": run.records,
        "with_candidates": run.with_candidates,
        "candidates": run.candidates,
        "links": run.links,
        "compared": run.compared,
        "engine": run.engine,
        "model": run.model,
        "linked": _measure(run.linked),
        "precision": _measure(run.precision),
        "recall": _measure(run.recall),
        "true_precision": _measure(run.true_precision),
        "true_recall": _measure(run.true_recall),
        "seconds": round(run.seconds, 3),
    }
