"""``families-first evaluate``: what a protocol asks, answered; in a home, or on a file of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, emit
from families_first.errors import ExitCode, UserError

if TYPE_CHECKING:
    from families_first.research.analysis.findings import Findings
    from families_first.research.report.objects import ReportObject
    from families_first.research.report.wording import Told

REPORT_FILE = "report.html"
OBJECTS_FILE = "report-objects.json"


def evaluate(
    protocol: str,
    data: Path | None = None,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="A folder for the report's draft.")] = None,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> int:
    """Estimate the effects that a protocol asks for, with intervals and a verdict for each.

    What comes out is a draft: it has not passed disclosure control and must not be published.

    Parameters
    ----------
    protocol
        In a research home the id of a sealed protocol; with a file of one's own, the protocol's file.
    data
        A file of one's own, CSV or Parquet with one row a person; the protocol's [data] says which column is
        what. Without it the home's extract is evaluated.
    """
    from families_first.cli.progress import progress
    from families_first.research.analysis.findings import find
    from families_first.research.analysis.keeping import evaluate_extract
    from families_first.research.extract.own_file import read_analysis_file
    from families_first.research.protocol import load_protocol
    from families_first.research.report.hiding import as_draft
    from families_first.research.report.tables import objects_of

    with progress("Evaluating") as steps:
        if data is None:
            done = evaluate_extract(desk_at(home, as_, "research"), protocol, said=steps.describe)
            findings, objects = done.findings, done.objects
        else:
            text = load_protocol(Path(protocol))
            findings = find(read_analysis_file(text, data), text.protocol, said=steps.describe)
            objects = objects_of(findings)
    if out is not None:
        write_draft(out, findings, objects)
    emit(
        {"objects": as_draft(objects)},
        json=json,
        show=[
            *told(findings),
            *([f"The draft of the report is in {out.name}/{REPORT_FILE}."] if out else []),
        ],
    )
    return ExitCode.OK


def write_draft(folder: Path, findings: "Findings", objects: "tuple[ReportObject, ...]") -> None:
    """Write the draft of the report and its objects into a folder, no figure with few people beneath it.

    Raises
    ------
    UserError
        USAGE, when the folder is a file.
    """
    import json

    from families_first.governance.durable import make_private_folder, write_durably
    from families_first.research.report.hiding import as_draft
    from families_first.research.report.page import render_report

    if folder.exists() and not folder.is_dir():
        raise UserError(
            "The draft needs a folder, and this is a file",
            where=folder.name,
            fix="Name a folder with --out; it is made where there is none.",
            code=ExitCode.USAGE,
        )
    make_private_folder(folder)
    write_durably(folder / REPORT_FILE, render_report(findings).encode())
    told = as_draft(objects)
    write_durably(folder / OBJECTS_FILE, (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode())


def told(findings: "Findings") -> list[Sheet | str]:
    """Return what a person sees of the findings: each effect absolute and relative, with its verdict."""
    from families_first.research.report.deviating import deviating
    from families_first.research.report.wording import level_words, people_counted, tell

    analysis = findings.analysis
    protocol = analysis.protocol
    of = people_counted(analysis.effects, protocol)
    primary, secondary = (
        [tell(each, protocol, of=of) for each in analysis.effects if each.question.is_primary is is_primary]
        for is_primary in (True, False)
    )
    placebos = [tell(each, protocol, of=of) for each in analysis.placebos]
    level = level_words(protocol.multiplicity.level, " ")
    sealed = analysis.provenance.protocol_sha256[:16]
    shown: list[Sheet | str] = [
        f"Protocol {protocol.id}, version {protocol.version}, SHA-256 {sealed}...: "
        f"{analysis.people:,} people in {analysis.treated_families:,} families that took part and "
        f"{analysis.comparison_families:,} that were only assessed.",
        *([deviating(protocol, analysis.provenance)] if protocol.deviations else []),
    ]
    for each, title in (
        (primary, "Primary outcomes"),
        (secondary, "Secondary outcomes"),
        (placebos, "Before anybody joined, where the true effect is none"),
    ):
        if each:
            shown += [_sheet(each, title, level), *_reasons(each)]
    return [
        *shown,
        "A draft: it has not passed disclosure control, so nothing of it may be published as it is.",
    ]


def _sheet(effects: "list[Told]", title: str, level: str) -> Sheet:
    return Sheet(
        [
            "Outcome",
            "Without",
            "With",
            "Change",
            f"{level} interval",
            "As a share",
            "Smallest seen",
            "Verdict",
        ],
        [
            [
                f"{each.outcome}, {each.window}" if each.window else each.outcome,
                each.without,
                each.with_,
                each.difference,
                each.interval,
                each.relative,
                each.least,
                each.verdict,
            ]
            for each in effects
        ],
        title=title,
    )


def _reasons(effects: "list[Told]") -> list[str]:
    """Return a sentence for each verdict that needs one: what cannot be said, and what calls for care."""
    return [
        f"{each.outcome}{f', {each.window}' if each.window else ''}: {' '.join(each.reasons)}"
        for each in effects
        if each.reasons
    ]
