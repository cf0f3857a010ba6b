"""``families-first run``: the data lead's month in one command."""

from typing import TYPE_CHECKING

from families_first.cli.identify import PackOption
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
    from families_first.council.journey import Landing

PAGE = "families.html"


def run(
    *,
    home: HomeOption = HERE,
    as_: AsOption = "",
    pack: PackOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> int:
    """Land everything in the inbox, match people, form families, and find those that meet the criteria.

    Writes `outbox/families.html` in the home: what landed, what did not and why, and each family found with
    its reasons. A refused file does not hold up the others; the exit code is then that of the first refusal.
    Running it again lands nothing twice.
    """
    from dataclasses import asdict

    from families_first.council.journey import pack_named, run_journey
    from families_first.council.pages.report import figures_of, render_report
    from families_first.governance.durable import write_durably

    desk = desk_at(home, as_)
    criteria = pack_named(desk.home, pack)
    with progress("Starting") as steps:
        journey = run_journey(desk, on=day_or_today(on), pack=criteria, said=steps.describe)
        steps.describe("Writing the page")
        write_durably(desk.home.outbox / PAGE, render_report(desk, journey, criteria).encode())
    figures = figures_of(journey)
    refused = [landing for landing in journey.landings if landing.refusal]
    emit(
        {
            "on": journey.on,
            "pack": criteria.id,
            "indicative": criteria.head.indicative,
            "in_force": criteria.in_force(journey.on),
            **asdict(figures),
            "refused": [
                {"file": landing.file, **landing.refusal.as_dict()}
                for landing in journey.landings
                if landing.refusal
            ],
        },
        json=json,
        show=[
            Sheet(
                ["File", "Outcome", "Rows", "Landed", "In quarantine"],
                [
                    [
                        landing.file,
                        _outcome(landing),
                        landing.report.rows if landing.report else None,
                        landing.report.landed if landing.report and landing.landed else None,
                        landing.report.quarantined_rows if landing.report else None,
                    ]
                    for landing in journey.landings
                ],
            ),
            *(f"{landing.file} was refused: {landing.refusal}" for landing in refused),
            f"{counted(figures.person_records, 'record')} "
            f"{'speaks' if figures.person_records == 1 else 'speak'} of "
            f"{counted(figures.people, 'person', 'people')}; "
            f"{counted(figures.pairs_for_review, 'pair')} left for a person to decide.",
            f"{counted(figures.families, 'family', 'families')} with a dependent child; "
            f"{figures.nominated:,} {'meets' if figures.nominated == 1 else 'meet'} {criteria.head.title}.",
            *([] if criteria.in_force(journey.on) else ["These criteria are not in force on that day."]),
            *(["These criteria are indicative."] if criteria.head.indicative else []),
            f"Open outbox/{PAGE} in the home to read them, each with its reasons.",
        ],
    )
    return next((int(landing.refusal.code) for landing in refused if landing.refusal), 0)


def _outcome(landing: "Landing") -> str:
    if not landing.landed:
        return "refused"
    return "there already" if landing.report and landing.report.already_landed else "landed"
