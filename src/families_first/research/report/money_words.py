"""What the effects are worth, as the page shows it: a distribution, its parts, and where the costs come
from.
"""

from typing import Any

import numpy as np

from families_first.research.analysis.findings import Findings
from families_first.research.report.hiding import can_show
from families_first.research.report.money_chart import net_histogram
from families_first.research.report.wording import pounds


def money_shown(findings: Findings) -> dict[str, Any] | None:
    valued, money = findings.valued, findings.analysis.protocol.money
    if valued is None or money is None:
        return None
    worth = valued.worth
    rows = []
    for name, draws in (
        *((each.question.label, worth.by_line[k]) for k, each in enumerate(valued.effects) if can_show(each)),
        ("All that is saved", worth.saved),
        ("Cost of the programme", worth.cost),
        ("Saved less spent", worth.net),
    ):
        low, high = worth.interval(draws)
        rows.append((name, pounds(float(np.median(draws))), f"{pounds(low)} to {pounds(high)}"))
    low, high = worth.interval(worth.net)
    return {
        "chart": net_histogram(worth),
        "rows": rows,
        "pays": f"{100 * worth.share_that_pays:.0f}",
        "median": pounds(float(np.median(worth.net))),
        "low": pounds(low),
        "high": pounds(high),
        "draws": len(worth.net),
        "left_out": valued.left_out,
        "hidden": [each.question.label for each in valued.effects if not can_show(each)],
        "deadweight": f"{100 * money.deadweight:.0f}\u00a0%",
        "optimism": f"{100 * money.optimism:.0f}\u00a0%",
        "cost": money.cost_per_family,
        "sources": [
            (each.label, each.unit_cost)
            for each in findings.analysis.protocol.outcomes
            if each.unit_cost is not None
        ],
        "price_year": money.price_year,
    }
