"""Landing without an agreement, and columns that nobody agreed to; and the agreements of the homes
themselves."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from families_first.assurance import planted
from families_first.assurance.bench import Bench, desk_as
from families_first.assurance.check import Findings, Tally, check
from families_first.council.deliveries.landing import land_delivery
from families_first.council.deliveries.mapping_file import SourceMapping, load_mappings
from families_first.errors import ExitCode
from families_first.governance.agreements import Agreement, load_agreements
from families_first.governance.audit.event import Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose

_NOT_THERE = Path("not-there.csv")


def _landing(
    desk: Desk, path: Path, agreement: Agreement, on: date, mapping: SourceMapping | None = None
) -> Callable[[], object]:
    wanted = mapping or load_mappings(desk.home.mappings)[planted.MAPPING]
    return lambda: land_delivery(path, wanted, agreement, desk, on=on, workers=1)


def _agreed(home: Home) -> Agreement:
    mapping = load_mappings(home.mappings)[planted.MAPPING].content
    return load_agreements(home.agreements)[mapping.mapping.agreement]


@check(
    "no-landing-without-agreement",
    tries="land a file under no agreement, another's, or one that is not in force",
    unit="attempts to land",
)
def no_landing_without_agreement(bench: Bench) -> Findings:
    """A file under agreements of the wrong day, sender, purpose and id; one that is not there must not be
    missed."""
    tally, home = Tally(), bench.made_up_homes().council
    desk = desk_as(home, "data-lead")
    path = planted.plant(bench.room())
    agreement = _agreed(home)
    day = timedelta(days=1)
    first, last = agreement.in_force_from, agreement.in_force_to
    for what, on in (
        ("the day before it begins", first - day),
        ("the day after it ends", last + day),
        ("ten years late", last + 3653 * day),
    ):
        tally.refused(f"landed {what}", _landing(desk, path, agreement, on), ExitCode.AGREEMENT)
        # Were the file opened first, its absence would be what is told.
        tally.refused(f"opened it {what}", _landing(desk, _NOT_THERE, agreement, on), ExitCode.AGREEMENT)
    others = {
        "of another id": agreement.model_copy(update={"id": "another-2026"}),
        "of another sender": agreement.model_copy(
            update={
                "parties": tuple(
                    party.model_copy(update={"name": f"{party.name} elsewhere"})
                    for party in agreement.parties
                )
            }
        ),
        "for another purpose": agreement.model_copy(update={"purposes": (Purpose.RESEARCH,)}),
        "for other files": agreement.model_copy(update={"files": {}}),
    }
    for what, other in others.items():
        tally.refused(
            f"landed under an agreement {what}", _landing(desk, path, other, first), ExitCode.AGREEMENT
        )
    kept = list((home.vault / "datasets").glob("*"))
    tally.holds(not kept, f"{len(kept)} refused files are in the vault")
    _landing(desk, path, agreement, first)()  # else all the refusals above would show nothing
    return tally.findings(
        "A sound file was landed under agreements of the wrong day, id, sender, purpose and file; then "
        "under the right one, where it must land."
    )


@check(
    "no-column-beyond-the-agreement",
    tries="land a column that the agreement does not name",
    unit="attempts to land",
    limit_seconds=60,
)
def no_column_beyond_the_agreement(bench: Bench) -> Findings:
    """An extra column; and each agreed column in turn, struck from the agreement."""
    tally, home = Tally(), bench.made_up_homes().council
    desk, agreement, room = desk_as(home, "data-lead"), _agreed(home), bench.room()
    on = agreement.in_force_from
    for further in ("Religion", "Immigration status", "Claimant surname 2"):
        path = planted.plant(room, further=[further])
        tally.refused(
            f"landed the column '{further}'", _landing(desk, path, agreement, on), ExitCode.AGREEMENT
        )
    path = planted.plant(room)
    file = agreement.files[planted.MAPPING]
    for column in planted.COLUMNS:
        kept = {name: why for name, why in file.columns.items() if name != column}
        files = {**agreement.files, planted.MAPPING: file.model_copy(update={"columns": kept})}
        narrower = agreement.model_copy(update={"files": files})
        tally.refused(
            f"landed '{column}' without its agreement", _landing(desk, path, narrower, on), ExitCode.AGREEMENT
        )
    _landing(desk, path, agreement, on)()
    return tally.findings(
        "A file was landed with columns that nobody agreed to, and with each of its columns struck from "
        "the agreement in turn; then as agreed, where it must land."
    )


@check(
    "agreements-in-force",
    tries="find a landing that no agreement covered on its day, in the homes' own logs",
    unit="agreements and landings",
)
def agreements_in_force(bench: Bench) -> Findings:
    """Every landing of the log beside the agreement that it names; agreements not in force are listed."""
    tally, today = Tally(), bench.clock().date()
    landings = 0
    for home in bench.councils():
        agreements = load_agreements(home.agreements)
        for each in agreements.values():
            tally.holds(bool(each.gateway.tag and each.purposes), f"{each.id} states no gateway or purpose")
            if not each.in_force(today):
                tally.notes.append(f"{each.id} is not in force today; nothing can land under it.")
            elif each.review_is_due(today):
                tally.notes.append(f"{each.id} was to be reviewed by {each.review_on:%d %B %Y}.")
        if not agreements:
            tally.notes.append("This home has no agreement, so nothing can land in it.")
        for name, as_of in _landings(home):
            landings += 1
            known = agreements.get(name)
            if known is None:
                tally.attempts += 1
                tally.notes.append(f"Something landed under {name}, which is no longer in the home.")
            else:
                tally.holds(known.in_force(as_of), f"something landed under {name}, which was not in force")
    tally.attempts = max(tally.attempts, 1)  # a home without agreement or landing keeps the promise too
    return tally.findings(
        "Every agreement of the homes was read, each with its legal gateway and its days, and every "
        f"landing of their logs ({landings:,}) held against the agreement of its day."
    )


def _landings(home: Home) -> list[tuple[str, date]]:
    events = (entry.event for entry in AuditLog.open(home).entries())
    return [
        (str(each.details["agreement"]), date.fromisoformat(str(each.details["as_of"])))
        for each in events
        if each.action == "land-delivery" and each.outcome is Outcome.ALLOWED and "agreement" in each.details
    ]
