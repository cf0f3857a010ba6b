"""``families-first demo``: both halves on made-up people: from files to families, from links to effects."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from families_first.cli.options import JsonOption
from families_first.cli.output import Sheet, as_json, emit
from families_first.cli.progress import progress

_FEWEST_PEOPLE = 2_000
_FEWEST_FAMILIES = 800


def demo(
    folder: Path = Path("demo"),
    /,
    *,
    people: Annotated[
        int, Parameter(validator=validators.Number(gte=_FEWEST_PEOPLE), help="How many people live there.")
    ] = 20_000,
    families: Annotated[
        int,
        Parameter(
            validator=validators.Number(gte=_FEWEST_FAMILIES), help="How many families the study is about."
        ),
    ] = 3_000,
    seed: Annotated[int, Parameter(help="The same seed gives the same demo.")] = 1,
    json: JsonOption = False,
) -> None:
    """Make a made-up county, identify its families, evaluate a made-up programme, and show all beside the
    truth.

    Ten made-up organisations get homes side by side; named made-up people act in them. First the council
    finds families in its agencies' files. Then owners of national records split them, a linker links
    identifiers alone, and researchers evaluate a programme whose effects were planted. In the end every
    promise of the public notice is put to the test. Writes `index.html`, `report/report.html` and
    `assurance.html` to look at, and `summary.json` with every figure. Needs no network and no files.

    Parameters
    ----------
    folder
        Where to write; what an earlier demo left there is replaced.
    """
    from families_first.assurance.assuring import assure, homes_of_demo
    from families_first.assurance.evidence import PAGE_FILE, write_pages
    from families_first.cli.assure import last_line, standings
    from families_first.cli.demo_study import run_made_up_study
    from families_first.cli.study_run import sheet_beside_truth, told_of_journey
    from families_first.council.demonstration import make_demo
    from families_first.council.pages.demo import render_demo
    from families_first.governance.audit.checkpointing import checkpoint_if_due
    from families_first.governance.desk import Desk
    from families_first.governance.purposes import Purpose
    from families_first.simulation.homes import DATA_PROTECTION_OFFICER

    with progress("Making the county") as steps:
        made = make_demo(folder, people=people, seed=seed, said=steps.describe)
        steps.describe("Writing the page")
        (folder / "index.html").write_text(render_demo(made, people=people), encoding="utf-8")
        checkpoint_if_due(made.desk.home)
        study = run_made_up_study(folder, families=families, seed=seed, said=steps.describe)
        officer = Desk.of(made.desk.home, DATA_PROTECTION_OFFICER, Purpose.PROTECT_DATA)
        assured = assure(officer, homes_of_demo(folder), made_up=True, said=steps.describe)
        write_pages(folder, assured.evidence, assured.page)
    summary = {
        "people": people,
        "seed": seed,
        **made.summary(),
        "study": study.summary(),
        "promises": standings(assured.evidence),
    }
    (folder / "summary.json").write_text(as_json(summary) + "\n", encoding="utf-8")
    figures, matching, nominations = summary["figures"], summary["matching"], summary["nominations"]
    emit(
        summary,
        json=json,
        show=[
            Sheet(
                ["What", "Figure"],
                [
                    ["Files landed", figures["files_landed"]],
                    ["Files refused whole, as they should be", figures["files_refused"]],
                    ["Rows read", figures["rows"]],
                    ["Rows in quarantine", figures["rows_quarantined"]],
                    ["Records of people", figures["person_records"]],
                    ["People", figures["people"]],
                    ["Match precision (pairs)", matching["pairs"]["precision"]],
                    ["Match recall (pairs)", matching["pairs"]["recall"]],
                    ["Families with a dependent child", figures["families"]],
                    ["Co-family precision", summary["families"]["precision"]],
                    ["Co-family recall", summary["families"]["recall"]],
                    ["Families nominated", nominations["found"]],
                    ["Families that the truth nominates", nominations["true"]],
                    ["Nomination precision", nominations["precision"]],
                    ["Nomination recall", nominations["recall"]],
                ],
                title="A made-up county, from its agencies' files to nominated families",
            ),
            Sheet(
                ["Missed because", "Families"],
                [[cause, count] for cause, count in nominations["missed_because"].items()],
            ),
            Sheet(
                ["Wrongly nominated because", "Families"],
                [[cause, count] for cause, count in nominations["wrong_because"].items()],
            ),
            *told_of_journey(study.journey),
            sheet_beside_truth(study.beside_truth, level=study.level),
            Sheet(
                ["Promise of the public notice", "How it stands"],
                [[promise, stands] for promise, stands in summary["promises"].items()],
            ),
            last_line(assured.evidence),
            f"The run took {sum(made.seconds.values()):.0f} seconds and the study {study.seconds:.0f}. Open "
            f"{folder.name}/index.html to look at it, {folder.name}/{study.report} for what the study found, "
            f"and {folder.name}/{PAGE_FILE} for the notice's promises.",
            "",
            "Next, with files of your own:",
            "  families-first init my-council",
            "  families-first mapping suggest my-council/inbox/YOUR-FILE.csv",
            "  families-first run --home my-council --pack exampleshire-2026",
            "docs/tutorials/your-own-files.md goes through it with a small council's files.",
        ],
    )
