"""The demo's page: a run's report with the truth beside it."""

from dataclasses import replace

from families_first.council.demonstration import Demo
from families_first.council.pages.report import render, report_context
from families_first.council.resources import RECORDS
from families_first.governance.vault import Vault
from families_first.matching.charts import Chart, recall_by_group_chart, weight_histogram


def render_demo(demo: Demo, *, people: int) -> str:
    """Return the demo's page as self-contained HTML, without script or outside address."""
    with demo.desk.act("list-families", RECORDS, details={"page": "demo"}) as act:
        vault = Vault(act)
        context = report_context(vault, demo.journey, demo.pack)
        charts = _charts(demo, vault)
    return render(
        "demo.html.j2",
        title="From agencies’ files to nominated families",
        footer=(
            "Made-up data throughout. Families First scores nobody: it counts, explains, and leaves people "
            "to decide."
        ),
        county_people=people,
        matching=demo.matching,
        family_quality=demo.families,
        nominations=demo.nominations,
        charts=charts,
        looks=demo.looks,
        **context,
    )


def _charts(demo: Demo, vault: Vault) -> list[Chart]:
    links = vault.read(demo.journey.people.dataset, "link", ["weight"])
    return [
        weight_histogram(links["weight"].to_numpy(), demo.journey.people.thresholds),
        *(
            recall_by_group_chart(kind, [replace(each, group=_said(each.group)) for each in scores])
            for kind, scores in demo.matching.groups.items()
        ),
    ]


def _said(group: str) -> str:
    return group.replace("_", " ").capitalize() if group.isupper() and len(group) > 1 else group
