"""What changes when the rules change: two packs over the same families on the same day."""

import pyarrow as pa

from families_first.council.identification.pack import Pack
from families_first.council.identification.result import Identification

_TEXT = pa.string()

DIFFERENCE = pa.schema(
    [
        pa.field("family_id", _TEXT, nullable=False),
        pa.field("change", _TEXT, nullable=False),  # enters | leaves | stays
        pa.field("problems_before", pa.list_(_TEXT), nullable=False),
        pa.field("problems_after", pa.list_(_TEXT), nullable=False),
        pa.field("rules_before", pa.list_(_TEXT), nullable=False),
        pa.field("rules_after", pa.list_(_TEXT), nullable=False),
        pa.field("why", _TEXT, nullable=False),
    ]
)


def diff_packs(before: Identification, after: Identification, *, packs: tuple[Pack, Pack]) -> pa.Table:
    """Return every family that either pack nominates, and why it enters, leaves or stays (``DIFFERENCE``).

    ``before`` and ``after`` are of the same families and day; ``packs`` are the two packs in that order.
    """
    was, now = (set(result.nomination["family_id"].to_pylist()) for result in (before, after))
    evidence = [_evidence(result) for result in (before, after)]
    rows = []
    for family_id in sorted(was | now):
        change = "stays" if family_id in was & now else "enters" if family_id in now else "leaves"
        (problems_before, rules_before), (problems_after, rules_after) = (
            found.get(family_id, ([], [])) for found in evidence
        )
        rows.append(
            {
                "family_id": family_id,
                "change": change,
                "problems_before": problems_before,
                "problems_after": problems_after,
                "rules_before": rules_before,
                "rules_after": rules_after,
                "why": _why(packs, (problems_before, problems_after), (rules_before, rules_after)),
            }
        )
    order = {"enters": 0, "leaves": 1, "stays": 2}
    rows.sort(key=lambda row: (order[str(row["change"])], str(row["family_id"])))
    return pa.Table.from_pylist(rows, schema=DIFFERENCE)


def _evidence(result: Identification) -> dict[str, tuple[list[str], list[str]]]:
    problems: dict[str, set[str]] = {}
    rules: dict[str, set[str]] = {}
    columns = ("family_id", "problem", "rule", "counts")
    for family_id, problem, rule, counts in zip(
        *(result.finding[name].to_pylist() for name in columns), strict=True
    ):
        if counts:
            problems.setdefault(family_id, set()).add(problem)
            rules.setdefault(family_id, set()).add(rule)
    return {family_id: (sorted(problems[family_id]), sorted(rules[family_id])) for family_id in problems}


def _why(
    packs: tuple[Pack, Pack], problems: tuple[list[str], list[str]], rules: tuple[list[str], list[str]]
) -> str:
    said = [
        f"{pack.id} finds {len(found)} of the {pack.head.minimum_problems} problems it asks for"
        for pack, found in zip(packs, problems, strict=True)
    ]
    gone = sorted(set(rules[0]) - set(rules[1]))
    new = sorted(set(rules[1]) - set(rules[0]))
    if gone:
        said.append(f"no longer by {', '.join(gone)}")
    if new:
        said.append(f"newly by {', '.join(new)}")
    return "; ".join(said) + "."
