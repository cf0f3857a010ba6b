"""Two records that a person decided are one, though their own facts clash: whose evidence counts.

Somebody who says that two records with different National Insurance numbers are one person says that one of
the two numbers is wrong. It is taken to be the one on the record that less holds where it is: the record with
the strongest tie to others is the anchor, and a record that clashes with it keeps to it by the decision
alone. Its own ties, guards and clashing facts then speak for nobody else, so that the decision brings
together these records and not the two people around them.
"""

from dataclasses import dataclass, replace

import numpy as np

from families_first.matching.conflicts import Facts, births_agree, clashes_within, identifiers_agree
from families_first.matching.decisions import Constraints
from families_first.matching.evidence import Evidence, Flags, Ints

SET_ASIDE = "a person decided against this record's own facts"


@dataclass(frozen=True, slots=True)
class Settled:
    """``evidence`` and ``facts`` as they count after the decisions; ``held`` says which records a person
    holds together with others, ``aside`` which of them keep to the others by the decision alone. Shapes
    (records,).
    """

    evidence: Evidence
    facts: Facts
    held: Flags
    aside: Flags


def settle(
    evidence: Evidence, facts: Facts, decided: Ints, constraints: Constraints, *, split: float
) -> Settled:
    """Set aside what speaks against the decisions; ``decided`` (shape (records,)) numbers the records that
    people hold together.

    A pair that is set aside keeps its place in the evidence, with a weight of minus infinity and no guard.
    Only ``evidence``, ``facts`` and the decisions are looked at, not the last run, so that the outcome is the
    same in every run.
    """
    count = len(decided)
    held = np.zeros(count, dtype=bool)
    held[constraints.must_left] = held[constraints.must_right] = True
    aside = np.zeros(count, dtype=bool)
    if not held.any():
        return Settled(evidence, facts, held, aside)
    inside = evidence.guarded & (decided[evidence.low] == decided[evidence.high])
    guards = set(zip(evidence.low[inside].tolist(), evidence.high[inside].tolist(), strict=True))
    clashing = clashes_within(np.where(held, decided, -1), facts).group
    wanted = np.unique(np.concatenate([clashing, decided[evidence.low[inside]]]))
    if len(wanted) == 0:
        return Settled(evidence, facts, held, aside)

    order = _by_strength(evidence, facts, decided, constraints, wanted=wanted, split=split)
    identifiers = {name: codes.copy() for name, codes in facts.identifiers.items()}
    born_known = facts.born_known.copy()
    for members in order:
        kept: list[int] = []
        for record in members:
            kinds = {kind for other in kept for kind in clashing_kinds(facts, record, other)}
            if any((min(record, other), max(record, other)) in guards for other in kept) or kinds:
                aside[record] = True
                for kind in kinds:
                    if kind == "date_of_birth":
                        born_known[record] = False
                    else:
                        identifiers[kind][record] = -1
            else:
                kept.append(record)
    silent = (aside[evidence.low] | aside[evidence.high]) & (decided[evidence.low] != decided[evidence.high])
    return Settled(
        replace(
            evidence,
            weight=np.where(silent, -np.inf, evidence.weight),
            guarded=evidence.guarded & ~silent,
            strong=evidence.strong & ~silent,
        ),
        replace(facts, identifiers=identifiers, born_known=born_known),
        held,
        aside,
    )


def _by_strength(
    evidence: Evidence, facts: Facts, decided: Ints, constraints: Constraints, *, wanted: Ints, split: float
) -> list[list[int]]:
    """Return the records of each wanted class, those with the strongest tie to others first."""
    groups = np.zeros(int(decided.max()) + 1, dtype=bool)
    groups[wanted] = True
    member = groups[decided]
    ends = (member[evidence.low] | member[evidence.high]) & ~evidence.guarded & (evidence.weight >= split)
    rows = np.flatnonzero(ends & (decided[evidence.low] != decided[evidence.high]))
    apart = {
        frozenset(pair)
        for pair in zip(
            decided[constraints.apart_left].tolist(), decided[constraints.apart_right].tolist(), strict=True
        )
    }
    best: dict[int, float] = {}
    for row in rows.tolist():
        left, right = int(evidence.low[row]), int(evidence.high[row])
        if frozenset((int(decided[left]), int(decided[right]))) in apart or clashing_kinds(
            facts, left, right
        ):
            continue
        for record in (left, right):
            best[record] = max(best.get(record, -np.inf), float(evidence.weight[row]))
    members: dict[int, list[int]] = {number: [] for number in wanted.tolist()}
    for record in np.flatnonzero(member).tolist():
        members[int(decided[record])].append(record)
    return [
        sorted(records, key=lambda record: (-best.get(record, -np.inf), record))
        for records in members.values()
    ]


def clashing_kinds(facts: Facts, left: int, right: int) -> list[str]:
    """Return the kinds of fact in which two records clash."""
    found = []
    if facts.born_known[left] and facts.born_known[right]:
        births = facts.born[[left]], facts.born[[right]]
        if not births_agree(*births)[0]:
            found.append("date_of_birth")
    for name, codes in facts.identifiers.items():
        texts = facts.values[name]
        a, b = codes[left], codes[right]
        if a >= 0 and b >= 0 and not identifiers_agree(name, texts[a], texts[b]):
            found.append(name)
    return found
