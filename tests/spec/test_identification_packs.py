"""Every rule of every shipped pack, at its boundary: one family that it must find, and one just outside."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from families_first.council.families.result import FAMILY, MEMBERSHIP, SET_ASIDE, TIE, Families
from families_first.council.identification.compiling import months_before
from families_first.council.identification.feeds import Feed
from families_first.council.identification.pack import load_pack, pack_ids, shipped_packs_folder
from families_first.council.identification.reference_page import reference_page
from families_first.council.identification.rule import (
    EventCount,
    LatestStatus,
    OpenEpisode,
    RatioOverTerms,
    Rule,
    SqlRule,
)
from families_first.council.identification.running import identify
from families_first.council.identification.terms import (
    last_complete_term,
    term_ends_on,
    term_label,
    term_starts_on,
)
from families_first.records.tables import EPISODE, EVENT, MEASURE

PACKS = pack_ids(shipped_packs_folder())
DAY = timedelta(days=1)


@dataclass
class Records:
    """Families of one member of the right age for a rule, and the records that each is given."""

    on: date
    members: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    episodes: list[dict[str, Any]] = field(default_factory=list)
    measures: list[dict[str, Any]] = field(default_factory=list)

    def add_member(self, family: str, rule: Rule) -> None:
        age = rule.age_to if rule.age_to is not None else max(rule.age_from or 0, 10)
        if rule.who in ("adult", "parent") or age >= 18:
            age = max(age, 30) if rule.age_to is None else age
        child = rule.who == "child" or age < 18
        self.members.append(
            {
                "family_id": family,
                "person_id": family,
                "role": "child" if child else "parent",
                "dependent": child,
                "resident": True,
                "date_of_birth": date(self.on.year - age, 1, 1),
                "reason": "as told",
            }
        )

    def _row(self, family: str, kind: str) -> dict[str, Any]:
        return {"source": "a", "record_id": family, "kind": kind, "delivery_id": "d", "line": 1}

    def event(self, family: str, kind: str, on: date, role: str | None, number: int = 0) -> None:
        row = self._row(family, kind)
        self.events.append({**row, "event_id": f"{family}/{number}", "occurred_on": on, "role": role})

    def episode(self, family: str, kind: str, start: date, end: date | None) -> None:
        row = self._row(family, kind)
        self.episodes.append({**row, "episode_id": f"{family}/{kind}", "started_on": start, "ended_on": end})

    def ratio(self, family: str, kind: str, term: int, numerator: float) -> None:
        row = self._row(family, kind) | {"period": term_label(term), "numerator": numerator}
        dates = {"period_start": term_starts_on(term), "period_end": term_ends_on(term)}
        self.measures.append({**row, **dates, "denominator": 10_000.0})


def inside(records: Records, family: str, rule: Rule) -> None:
    """Give a family exactly what a rule asks for, at the far end of the look-back."""
    on = records.on
    match rule:
        case EventCount():
            first = (
                term_starts_on(last_complete_term(on) - rule.look_back_terms + 1)
                if rule.look_back_terms
                else months_before(on, rule.look_back_months or 0) + DAY
            )
            for number in range(rule.at_least):
                role = rule.roles[0] if rule.roles else None
                records.event(family, rule.kinds[-1], first, role, number)
        case OpenEpisode():
            last = months_before(on, rule.open_within_months) + DAY if rule.open_within_months else on
            records.episode(family, rule.kinds[-1], date(2010, 1, 1), last)
        case RatioOverTerms():
            share = 10_000 * rule.threshold + (0 if rule.at_least is not None else 1)
            for term in range(rule.terms):
                records.ratio(family, rule.measure, last_complete_term(on) - term, share)
        case LatestStatus():
            records.episode(family, rule.holds_when[0], on, None)
        case SqlRule():
            records.event(family, "domestic_abuse_incident", on - 31 * DAY, None, 1)
            records.event(family, "missing_episode", on - DAY, None, 2)


def outside(records: Records, family: str, rule: Rule) -> None:
    """Give a family what falls short by the least: a day earlier, a point below, closed the day before."""
    on = records.on
    match rule:
        case EventCount():
            first = (
                term_starts_on(last_complete_term(on) - rule.look_back_terms + 1) - DAY
                if rule.look_back_terms
                else months_before(on, rule.look_back_months or 0)
            )
            role = rule.roles[0] if rule.roles else None
            for number in range(rule.at_least):
                records.event(family, rule.kinds[-1], first if number == 0 else on, role, number)
        case OpenEpisode():
            last = months_before(on, rule.open_within_months) if rule.open_within_months else on - DAY
            records.episode(family, rule.kinds[-1], date(2010, 1, 1), last)
        case RatioOverTerms():
            share = 10_000 * rule.threshold - (1 if rule.at_least is not None else 0)
            for term in range(rule.terms):
                records.ratio(family, rule.measure, last_complete_term(on) - term, share)
        case LatestStatus():
            records.episode(family, rule.holds_when[0], on - DAY, None)
            other = next(kind for kind in rule.among if kind not in rule.holds_when)
            records.episode(family, other, on, None)
        case SqlRule():
            records.event(family, "domestic_abuse_incident", on - 32 * DAY, None, 1)
            records.event(family, "missing_episode", on - DAY, None, 2)


@pytest.mark.parametrize("pack_id", PACKS)
def test_every_rule_of_a_shipped_pack_holds_at_its_boundary_and_not_outside_it(pack_id: str) -> None:
    pack = load_pack(shipped_packs_folder() / pack_id)
    last = pack.head.in_force_to or date(2026, 9, 30)
    # The rule that lapsed in the middle of a pack's life is tried on its own last day.
    days = {last} | {entry.rule.in_force_to for entry in pack.rules if entry.rule.in_force_to}
    tried = set()
    for on in sorted(day for day in days if day):
        records = Records(on)
        for entry in pack.rules_in_force(on):
            for place, give in (("in", inside), ("out", outside)):
                family = f"{entry.rule.id}/{place}"
                records.add_member(family, entry.rule)
                give(records, family, entry.rule)
        people = [row["person_id"] for row in records.members]
        membership = pa.Table.from_pylist(records.members, schema=MEMBERSHIP)
        result = identify(
            Families(FAMILY.empty_table(), membership, TIE.empty_table(), SET_ASIDE.empty_table()),
            {
                "event": pa.Table.from_pylist(records.events, schema=EVENT),
                "episode": pa.Table.from_pylist(records.episodes, schema=EPISODE),
                "measure": pa.Table.from_pylist(records.measures, schema=MEASURE),
            },
            pa.table(
                {
                    "source": ["a"] * len(people),
                    "record_id": people,
                    "person_id": people,
                    "confidence": [1.0] * len(people),
                }
            ),
            pack,
            on=on,
            feeds=[Feed("a", frozenset(kind for entry in pack.rules for kind in entry.rule.reads))],
        )
        found = {(row["rule"], row["family_id"]) for row in result.finding.to_pylist()}
        for entry in pack.rules_in_force(on):
            rule = entry.rule.id
            tried.add(rule)
            assert (rule, f"{rule}/in") in found, f"{rule} must hold at its boundary on {on}"
            assert (rule, f"{rule}/out") not in found, f"{rule} must not hold outside it on {on}"
        assert result.blind.num_rows == 0
    assert tried == {entry.rule.id for entry in pack.rules}


def test_the_gateway_has_the_thirteen_factors_of_the_regulations() -> None:
    gateway = load_pack(shipped_packs_folder() / "multiple-disadvantage-2018")
    assert len(gateway.head.problems) == 13
    assert gateway.head.minimum_problems == 2


def test_what_is_not_verified_is_marked_indicative() -> None:
    pack = load_pack(shipped_packs_folder() / "supporting-families-2022")
    assert all(entry.indicative for entry in pack.rules)
    assert "**Indicative.**" in reference_page(pack)


@pytest.mark.parametrize("pack_id", PACKS)
def test_a_pack_writes_every_rule_and_problem_into_its_reference_page(pack_id: str) -> None:
    pack = load_pack(shipped_packs_folder() / pack_id)
    page = reference_page(pack)
    assert all(f"`{entry.rule.id}`" in page for entry in pack.rules)
    assert all(f"## {title}" in page for title in pack.head.problems.values())
