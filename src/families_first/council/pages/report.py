"""The page a data lead reads after a run: what landed, what did not and why, and the families found."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc

from families_first.council.deliveries.health import feed_health
from families_first.council.identification.pack import Pack
from families_first.council.journey import Journey, Landing
from families_first.council.pages.families_found import ShownFamily, shown_families
from families_first.council.resources import RECORDS
from families_first.governance.desk import Desk
from families_first.governance.vault import Vault

FAMILIES_SHOWN = 25


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """The figures at the top of the page, which ``--json`` prints too."""

    files_landed: int
    files_refused: int
    rows: int
    rows_landed: int
    rows_quarantined: int
    values_set_aside: int
    person_records: int
    people: int
    pairs_for_review: int
    families: int
    nominated: int
    near_misses: int
    blind_rules: int


def figures_of(journey: Journey) -> ReportFigures:
    """Return the figures of a run."""
    reports = [landing.report for landing in journey.landings if landing.report and landing.landed]
    found = journey.identification
    return ReportFigures(
        files_landed=sum(landing.landed for landing in journey.landings),
        files_refused=sum(not landing.landed for landing in journey.landings),
        rows=sum(report.rows for report in reports),
        rows_landed=sum(report.landed for report in reports),
        rows_quarantined=sum(report.quarantined_rows for report in reports),
        values_set_aside=sum(report.values_set_aside for report in reports),
        person_records=journey.people.records,
        people=journey.people.people,
        pairs_for_review=journey.people.for_review,
        families=journey.families.family.num_rows,
        nominated=found.nomination.num_rows,
        near_misses=len(pc.unique(found.near_miss["family_id"])),
        blind_rules=len(pc.unique(found.blind.filter(found.blind["wholly"])["rule"])),
    )


def report_context(vault: Vault, journey: Journey, pack: Pack) -> dict[str, Any]:
    """Return what the report template shows; the demo's page adds to it."""
    people = vault.read(journey.people.dataset, "person")
    return {
        "council": vault.home.title,
        "on": journey.on,
        "pack": pack,
        "figures": figures_of(journey),
        "landings": journey.landings,
        "faults": _faults(journey.landings),
        "health": feed_health(vault, journey.on),
        "review_reasons": Counter(
            vault.read(journey.people.dataset, "review", ["reason"])["reason"].to_pylist()
        ).most_common(),
        "families": _families(journey, people, pack),
        "files": {each.name: each.about["file"] for each in vault.list("delivery")},
        "problem_counts": _problem_counts(journey, pack),
        "near_misses": _near_misses(journey),
        "blind": journey.identification.blind.to_pylist(),
        "set_aside": Counter(journey.families.set_aside["code"].to_pylist()).most_common(),
    }


def render(template: str, **context: Any) -> str:
    """Render one of the page templates of this folder, with the shared style."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("families_first.council.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["day"] = _day
    environment.filters["share"] = lambda number: f"{number:.1%}"
    environment.filters["words"] = lambda text: str(text).replace("_", " ").replace("-", " ")
    style = jinja2.PackageLoader("families_first.council.pages").get_source(environment, "page.css")[0]
    return environment.get_template(template).render(style=style, **context)


def render_report(desk: Desk, journey: Journey, pack: Pack) -> str:
    """Return the page of a run as self-contained HTML. It names people: keep it as the data is kept."""
    with desk.act("list-families", RECORDS, details={"page": "families"}) as act:
        context = report_context(Vault(act), journey, pack)
    return render(
        "report.html.j2",
        title="From agencies’ files to nominated families",
        footer=(
            "This page names people. It is for the programme team alone; delete it when it has been used. "
            "The system nominates by published criteria; a named person decides."
        ),
        **context,
    )


def _families(journey: Journey, person: pa.Table, pack: Pack) -> list[ShownFamily]:
    return shown_families(journey.families, journey.identification, person, pack, most=FAMILIES_SHOWN)


def _faults(landings: tuple[Landing, ...]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for landing in landings:
        if landing.report:
            counts.update(landing.report.faults)
    return counts.most_common()


def _problem_counts(journey: Journey, pack: Pack) -> list[tuple[str, int, int]]:
    """Families with each problem: all of them, and those nominated."""
    finding = journey.identification.finding
    counting = finding.filter(finding["counts"]).select(["family_id", "problem"])
    pairs = counting.group_by(["family_id", "problem"]).aggregate([])
    everyone = Counter(pairs["problem"].to_pylist())
    nominated = journey.identification.nomination["family_id"].combine_chunks()
    inside = Counter(pairs.filter(pc.is_in(pairs["family_id"], value_set=nominated))["problem"].to_pylist())
    return [(title, everyone[key], inside[key]) for key, title in pack.head.problems.items()]


def _near_misses(journey: Journey) -> list[tuple[str, int]]:
    table = journey.identification.near_miss
    families = table.select(["family_id", "kind"]).group_by(["family_id", "kind"]).aggregate([])
    return Counter(families["kind"].to_pylist()).most_common()


def _day(value: date | None) -> str:
    return "" if value is None else f"{value.day} {value:%B %Y}"
