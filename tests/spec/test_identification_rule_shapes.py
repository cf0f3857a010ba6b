"""Each shape of rule at its boundary: the day in and the day out, at the threshold and below it."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.council.families.result import FAMILY, MEMBERSHIP, SET_ASIDE, TIE, Families
from families_first.council.identification.feeds import Feed
from families_first.council.identification.pack import Pack, load_pack
from families_first.council.identification.result import Identification
from families_first.council.identification.running import identify
from families_first.records.kinds import EpisodeKind, EventKind, MeasureKind
from families_first.records.tables import EPISODE, EVENT, MEASURE

ON = date(2026, 9, 30)
ALL_KINDS = frozenset(str(kind) for enum in (EventKind, EpisodeKind, MeasureKind) for kind in enum)

FAMILY_OF_FOUR = """
    mum       parent               1985-03-04
    dad       non_resident_parent  1983-07-01
    ann       child                2012-05-06
    baby      child                2025-12-01
"""


def families_of(text: str, family_id: str = "F1") -> Families:
    rows = []
    for line in text.strip().splitlines():
        person, role, born = line.split()
        rows.append(
            {
                "family_id": family_id,
                "person_id": person,
                "role": role,
                "dependent": role == "child",
                "resident": role != "non_resident_parent",
                "date_of_birth": date.fromisoformat(born),
                "reason": "as told",
            }
        )
    membership = pa.Table.from_pylist(rows, schema=MEMBERSHIP)
    return Families(FAMILY.empty_table(), membership, TIE.empty_table(), SET_ASIDE.empty_table())


def records_of(text: str) -> dict[str, pa.Table]:
    """Each line is ``person kind day [day | . | role | n/m]``: an event, an episode or a term's measure."""
    events, episodes, measures = [], [], []
    for line_number, line in enumerate(text.strip().splitlines(), start=2):
        person, kind, first, *rest = line.split()
        row = {"source": "a", "record_id": person, "kind": kind, "delivery_id": "d1", "line": line_number}
        day = date.fromisoformat(first)
        if kind in set(EventKind):
            events.append(
                {**row, "event_id": f"e{line_number}", "occurred_on": day, "role": (rest or [None])[0]}
            )
        elif kind in set(EpisodeKind):
            ended = None if not rest or rest[0] == "." else date.fromisoformat(rest[0])
            episodes.append({**row, "episode_id": f"p{line_number}", "started_on": day, "ended_on": ended})
        else:
            last = date(day.year, day.month + 3, 28)
            numerator, denominator = map(float, rest[0].split("/"))
            measures.append(
                {
                    **row,
                    "period": "term",
                    "period_start": day,
                    "period_end": last,
                    "numerator": numerator,
                    "denominator": denominator,
                }
            )
    return {
        "event": pa.Table.from_pylist(events, schema=EVENT),
        "episode": pa.Table.from_pylist(episodes, schema=EPISODE),
        "measure": pa.Table.from_pylist(measures, schema=MEASURE),
    }


def assignment_of(families: Families) -> pa.Table:
    people = families.membership["person_id"].unique().to_pylist()
    return pa.table(
        {
            "source": ["a"] * len(people),
            "record_id": people,
            "person_id": people,
            "confidence": [0.9] * len(people),
        }
    )


def pack_of(folder: Path, rules: Mapping[str, Sequence[str]], *, minimum: int = 1, head: str = "") -> Pack:
    """Write and load a pack whose rules are given problem by problem, each as the lines of a TOML table."""
    root = folder / "test-pack"
    (root / "rules").mkdir(parents=True)
    problems = "\n".join(f'{problem} = "Problem {problem}"' for problem in rules)
    (root / "pack.toml").write_text(
        f'id = "test-pack"\ntitle = "Test pack"\nversion = "1"\nin_force_from = 2020-01-01\n'
        f'source = "made up for a test"\nminimum_problems = {minimum}\n{head}\n[problems]\n{problems}\n'
    )
    for problem, entries in rules.items():
        text = "\n".join(f'[[rule]]\nsource = "made up"\n{entry}' for entry in entries)
        (root / "rules" / f"{problem}.toml").write_text(f'problem = "{problem}"\n{text}\n')
    return load_pack(root)


def run(pack: Pack, records: str, *, family: str = FAMILY_OF_FOUR, on: date = ON) -> Identification:
    families = families_of(family)
    feeds = [Feed("a", ALL_KINDS)]
    return identify(families, records_of(records), assignment_of(families), pack, on=on, feeds=feeds)


def found(result: Identification) -> list[tuple[str | None, float]]:
    return [(row["person_id"], row["value"]) for row in result.finding.to_pylist()]


SUSPENSIONS = """
id = "suspensions"
title = "Three suspensions in three terms"
shape = "event-count"
who = "child"
kinds = ["suspension"]
look_back_terms = 3
at_least = 3
one = "suspension"
many = "suspensions"
"""
OFFENCE = """
id = "offence"
title = "A proven offence in 12 months"
shape = "event-count"
kinds = ["offence_proven"]
roles = ["offender"]
look_back_months = 12
at_least = 1
one = "proven offence"
many = "proven offences"
"""
INCIDENTS = """
id = "incidents"
title = "Two incidents across the family in six months"
shape = "event-count"
kinds = ["asb_incident"]
look_back_months = 6
at_least = 2
across = "family"
one = "report"
many = "reports"
"""
PLAN = """
id = "plan"
title = "An open protection plan"
shape = "open-episode"
who = "child"
kinds = ["child_protection_plan"]
state = "is subject to a plan"
"""
RECENT_HELP = """
id = "help"
title = "Early help open in the last six months"
shape = "open-episode"
kinds = ["early_help"]
open_within_months = 6
state = "had early help"
"""
ABSENCE = """
id = "absence"
title = "More than 10% over the last two terms"
shape = "ratio-over-terms"
who = "child"
measure = "absence"
terms = 2
more_than = 0.10
noun = "absence"
"""
UNAUTHORISED = ABSENCE.replace(
    '"absence"\nterms = 2\nmore_than = 0.10', '"unauthorised_absence"\nterms = 2\nat_least = 0.15'
)
EVERY_TERM = ABSENCE + "every_term = true\n"
OUT_OF_WORK = """
id = "work"
title = "Latest status is out of work"
shape = "latest-status"
who = "adult"
among = ["out_of_work_benefit", "employment"]
holds_when = ["out_of_work_benefit"]
state = "is on a benefit"
"""

CASES = {
    # Look-back in months: 12 months before 30 September 2026 is out, the next day in, the day itself in.
    "an offence on the first day of the look-back counts": (
        OFFENCE,
        "ann offence_proven 2025-10-01 offender",
        [("ann", 1)],
    ),
    "an offence the day before it does not": (OFFENCE, "ann offence_proven 2025-09-30 offender", []),
    "an offence on the day of identification counts": (
        OFFENCE,
        "ann offence_proven 2026-09-30 offender",
        [("ann", 1)],
    ),
    "an offence after it is not seen": (OFFENCE, "ann offence_proven 2026-10-01 offender", []),
    "an offence in another role does not count": (OFFENCE, "ann offence_proven 2026-01-01 victim", []),
    "an offence without a role does not count where roles are asked for": (
        OFFENCE,
        "ann offence_proven 2026-01-01",
        [],
    ),
    "another kind of event does not count": (OFFENCE, "ann offence_alleged 2026-01-01 offender", []),
    # Look-back in terms: the last complete term is summer 2026, so three terms begin on 1 September 2025.
    "three suspensions from the first day of the third term back hold": (
        SUSPENSIONS,
        "ann suspension 2025-09-01\nann suspension 2026-01-10\nann suspension 2026-06-01",
        [("ann", 3)],
    ),
    "a suspension in the term before is out": (
        SUSPENSIONS,
        "ann suspension 2025-08-31\nann suspension 2026-01-10\nann suspension 2026-06-01",
        [],
    ),
    "three suspensions of two children are not three of one": (
        SUSPENSIONS,
        "ann suspension 2026-02-01\nann suspension 2026-03-01\nbaby suspension 2026-03-01",
        [],
    ),
    "a rule of children does not see an adult": (
        SUSPENSIONS,
        "mum suspension 2026-02-01\nmum suspension 2026-03-01\nmum suspension 2026-04-01",
        [],
    ),
    "two reports of two people hold across the family": (
        INCIDENTS,
        "mum asb_incident 2026-05-01\nann asb_incident 2026-06-01",
        [(None, 2)],
    ),
    "one report does not": (INCIDENTS, "mum asb_incident 2026-05-01", []),
    # Open episodes: an episode that ends on the day is still open on it.
    "an open plan holds": (PLAN, "ann child_protection_plan 2026-09-30 .", [("ann", 1)]),
    "a plan that ends on the day holds": (
        PLAN,
        "ann child_protection_plan 2026-01-01 2026-09-30",
        [("ann", 1)],
    ),
    "a plan that ended the day before does not": (
        PLAN,
        "ann child_protection_plan 2026-01-01 2026-09-29",
        [],
    ),
    "a plan that begins tomorrow does not": (PLAN, "ann child_protection_plan 2026-10-01 .", []),
    "help that ended on the first day of the look-back holds": (
        RECENT_HELP,
        "ann early_help 2025-01-01 2026-03-31",
        [("ann", 1)],
    ),
    "help that ended the day before does not": (RECENT_HELP, "ann early_help 2025-01-01 2026-03-30", []),
    # Ratios: above means above, at least includes the threshold; terms are pooled unless each must pass.
    "ten per cent is not more than ten": (
        ABSENCE,
        "ann absence 2026-01-01 10/100\nann absence 2026-05-01 10/100",
        [],
    ),
    "just above is": (
        ABSENCE,
        "ann absence 2026-01-01 10/100\nann absence 2026-05-01 11/100",
        [("ann", 0.105)],
    ),
    "fifteen per cent is at least fifteen": (
        UNAUTHORISED,
        "ann unauthorised_absence 2026-01-01 15/100\nann unauthorised_absence 2026-05-01 15/100",
        [("ann", 0.15)],
    ),
    "just below is not": (
        UNAUTHORISED,
        "ann unauthorised_absence 2026-01-01 15/100\nann unauthorised_absence 2026-05-01 14/100",
        [],
    ),
    "two schools in one term are one term": (
        ABSENCE,
        "ann absence 2026-01-01 30/50\nann absence 2026-01-01 0/50\nann absence 2026-05-01 0/100",
        [("ann", 0.15)],
    ),
    "one term is not two": (ABSENCE, "ann absence 2026-05-01 60/100", []),
    "terms with a gap are not consecutive": (
        ABSENCE,
        "ann absence 2025-09-01 60/100\nann absence 2026-05-01 60/100",
        [],
    ),
    "the two terms before the last hold while the last is not in yet": (
        ABSENCE,
        "ann absence 2025-09-01 60/100\nann absence 2026-01-01 60/100",
        [("ann", 0.6)],
    ),
    "older terms do not": (ABSENCE, "ann absence 2025-05-01 60/100\nann absence 2025-09-01 60/100", []),
    "when each term must pass, a good term saves": (
        EVERY_TERM,
        "ann absence 2026-01-01 60/100\nann absence 2026-05-01 10/100",
        [],
    ),
    "and two bad terms hold, with the better of them": (
        EVERY_TERM,
        "ann absence 2026-01-01 60/100\nann absence 2026-05-01 12/100",
        [("ann", 0.12)],
    ),
    # Latest status: the most recent episode decides, and it must still be open.
    "a benefit that is the latest status holds": (
        OUT_OF_WORK,
        "mum employment 2025-01-01 2026-01-01\nmum out_of_work_benefit 2026-02-01 .",
        [("mum", 1)],
    ),
    "work taken up since then ends it, though the benefit was never closed": (
        OUT_OF_WORK,
        "mum out_of_work_benefit 2025-01-01 .\nmum employment 2026-02-01 .",
        [],
    ),
    "a benefit that has ended does not hold": (
        OUT_OF_WORK,
        "mum out_of_work_benefit 2025-01-01 2026-09-29",
        [],
    ),
    "a child's benefit does not count for an adult": (
        OUT_OF_WORK,
        "ann out_of_work_benefit 2025-01-01 .",
        [],
    ),
}


@pytest.mark.parametrize(("rule", "records", "expected"), CASES.values(), ids=CASES.keys())
def test_a_rule_holds_exactly_at_its_boundary(
    tmp_path: Path, rule: str, records: str, expected: list[tuple[str | None, float]]
) -> None:
    assert found(run(pack_of(tmp_path, {"p": [rule]}), records)) == expected
