"""``families-first study run``: the whole journey of a study over homes that lie on one machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from families_first.cli.options import JsonOption
from families_first.cli.output import Sheet, emit
from families_first.errors import ExitCode, UserError

if TYPE_CHECKING:
    from families_first.cli.study_journey import Journey
    from families_first.research.analysis.effects import Effect


def run(
    protocol: Path,
    /,
    *,
    homes: Annotated[
        Path, Parameter(help="The folder that holds the homes, as the demo lays them out.")
    ] = Path("demo"),
    json: JsonOption = False,
) -> int:
    """Split, link, seal the protocol, release outcomes, evaluate and hand over for checking: all of a study.

    For homes side by side on one machine, as in the demo or a rehearsal. Each step is done at the desk of
    whoever the home's staff register names for it, decided and logged there. In production each organisation
    runs its own step: docs/how-to/link-a-study.md has them in order.

    Parameters
    ----------
    protocol
        The protocol's file.
    """
    from families_first.cli.evaluate import told, write_draft
    from families_first.cli.progress import progress
    from families_first.cli.study_journey import finish_study
    from families_first.research.report.hiding import as_draft
    from families_first.simulation.study_homes import REPORT

    with progress("Beginning") as steps:
        done = finish_study(homes, protocol, said=steps.describe)
    findings, objects = done.evaluated.findings, done.evaluated.objects
    folder = homes / REPORT
    write_draft(folder, findings, objects)
    emit(
        {
            "journey": journey_as_json(done.journey),
            "objects": as_draft(objects),
            "outputs": done.outputs.serial,
        },
        json=json,
        show=[
            *told_of_journey(done.journey),
            *told(findings),
            f"Sealed {len(objects)} tables and figures for checking; the draft of the "
            f"report is in {folder.name}/.",
        ],
    )
    return ExitCode.OK


def told_of_journey(journey: "Journey") -> list[Sheet | str]:
    """Return what a person sees of the steps: counts, shares and hashes."""
    link = journey.link
    return [
        Sheet(
            ["Owner", "People", "Objected", "Rows open", "Rows locked", "Linked", "Precision", "Recall"],
            [
                [
                    owner,
                    split.people,
                    split.objected,
                    sum(each.open.manifest.body.rows for each in split.sections),
                    sum(each.locked.manifest.body.rows for each in split.sections if each.locked),
                    *_quality(journey, owner),
                ]
                for owner, split in journey.splits.items()
            ],
            title="Split by their owners, and linked without ever meeting what happened to people",
        ),
        f"The linker found {link.people:,} people in {link.families:,} families of the programme, sent "
        f"pseudonyms and probabilities, and destroyed {journey.destroyed.datasets} sets of identifiers and "
        f"{len(journey.destroyed.masters)} master key(s).",
        f"Protocol sealed before outcomes could be opened: SHA-256 {journey.sealed.seal.sha256}.",
    ]


def _quality(journey: "Journey", owner: str) -> list[str]:
    run = next((each for each in journey.link.owners if each.owner == owner), None)
    if run is None:
        return ["", "", ""]
    return [f"{100 * each.value:.1f} %" for each in (run.linked, run.precision, run.recall)]


def journey_as_json(journey: "Journey") -> dict[str, object]:
    """Return the steps as JSON values."""
    return {
        "splits": {
            owner: {"people": split.people, "objected": split.objected, "split": split.id}
            for owner, split in journey.splits.items()
        },
        "people": journey.link.people,
        "families": journey.link.families,
        "links": {
            each.owner: {
                "linked": each.linked.value,
                "precision": each.precision.value,
                "recall": each.recall.value,
                "candidates": each.candidates,
            }
            for each in journey.link.owners
        },
        "destroyed": {
            "datasets": journey.destroyed.datasets,
            "files": journey.destroyed.files,
            "masters": len(journey.destroyed.masters),
        },
        "protocol_sha256": journey.sealed.seal.sha256,
        "extract_sha256": journey.extract.sha256,
        "outcomes_sha256": journey.outcomes.sha256,
    }


def beside_truth(effects: "tuple[Effect, ...]", truth: Path) -> list[dict[str, object]]:
    """Return each effect beside the one that was planted, for made-up studies.

    Raises
    ------
    UserError
        NOT_FOUND, when the truth is not there.
    """
    import pyarrow.parquet as pq

    path = truth / "effects.parquet"
    if not path.is_file():
        raise UserError(
            "The truth of this study is not there",
            where=path.name,
            fix="Only a made-up study has one.",
            code=ExitCode.NOT_FOUND,
        )
    planted = {
        (each["outcome"], each["window"]): each
        for each in pq.read_table(path).to_pylist()
        if each["field"] == "all"
    }
    rows = []
    for each in effects:
        true = planted[each.question.outcome, each.question.window]["difference"]
        rows.append(
            {
                "label": each.question.label,
                "variable": each.question.variable,
                "primary": each.question.is_primary,
                "planted": true,
                "found": each.difference.value,
                "low": each.difference.low,
                "high": each.difference.high,
                "holds_truth": each.difference.low <= true <= each.difference.high,
                "verdict": each.verdict.word.value,
            }
        )
    return rows


def sheet_beside_truth(rows: list[dict[str, object]], *, level: float = 0.05) -> Sheet:
    """Return the effects and what was planted as a table, in percentage points.

    ``level`` is the protocol's ``multiplicity.level``, of which the intervals are.
    """
    from families_first.research.report.wording import level_words

    def points(value: object) -> str:
        return f"{100 * float(str(value)):+.2f}"

    return Sheet(
        ["Outcome", "Planted", "Found", f"{level_words(level, ' ')} interval", "Holds the truth", "Verdict"],
        [
            [
                str(each["label"]),
                points(each["planted"]),
                points(each["found"]),
                f"{points(each['low'])} to {points(each['high'])}",
                "yes" if each["holds_truth"] else "no",
                str(each["verdict"]),
            ]
            for each in rows
        ],
        title="What was found beside what was planted (percentage points)",
    )
