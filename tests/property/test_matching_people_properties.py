"""What holds for every set of records, weights and decisions."""

from datetime import date
from typing import NamedTuple

import pyarrow as pa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from families_first.errors import UserError
from families_first.matching.decisions import Decision, Decisions
from families_first.matching.incremental import apply_edges
from families_first.matching.ledger import Change, undo
from families_first.matching.people import People, assign_people

ON = date(2026, 9, 30)
KEYS = [f"s|{letter}" for letter in "abcdefghij"]
Rows = dict[tuple[str, str], tuple[float, bool]]


class Bars(NamedTuple):
    """Thresholds of these proofs."""

    join: float = 10.0
    split: float = 6.0
    cluster: float = 16.0


pairs = st.tuples(st.sampled_from(KEYS), st.sampled_from(KEYS)).filter(lambda p: p[0] < p[1])
weights = st.sampled_from([4.0, 7.0, 9.0, 11.0, 14.0, 18.0, 25.0])
rows_of_edges = st.dictionaries(pairs, st.tuples(weights, st.sampled_from([False] * 6 + [True])), max_size=22)
ninos = st.lists(st.sampled_from([None] * 5 + ["QQ111111A", "QQ999999A"]), min_size=10, max_size=10)
groupings = st.lists(st.integers(0, 2), min_size=2, max_size=4)
decisions_taken = st.lists(
    st.tuples(st.lists(st.sampled_from(KEYS), min_size=2, max_size=4, unique=True), groupings), max_size=3
)


def edges(rows: Rows) -> pa.Table:
    return pa.table(
        {
            "key_l": pa.array([pair[0] for pair in rows], pa.string()),
            "key_r": pa.array([pair[1] for pair in rows], pa.string()),
            "weight": pa.array([weight for weight, _ in rows.values()], pa.float64()),
            "guard": pa.array(["twin" if guarded else None for _, guarded in rows.values()], pa.string()),
        }
    )


def records(nino: list[str | None], keys: list[str] | None = None) -> pa.Table:
    table = pa.table({"record_key": pa.array(KEYS), "nino": pa.array(nino, pa.string())})
    if keys is None:
        return table
    return table.filter(pa.array([key in keys for key in KEYS]))


def decided(taken: list[tuple[list[str], list[int]]]) -> Decisions:
    found = []
    for keys, numbers in taken:
        groups: dict[int, list[str]] = {}
        for key, number in zip(keys, numbers, strict=False):
            groups.setdefault(number, []).append(key)
        if sum(map(len, groups.values())) > 1:
            found.append(Decision(tuple(map(tuple, groups.values())), by="A", decided_on=ON, reason="r"))
    decisions = Decisions(tuple(found))
    try:
        decisions.check()
    except UserError:
        assume(False)
    return decisions


def ids(people: People) -> dict[str, str]:
    rows = people.assignment.to_pylist()
    return {row["record_key"]: row["person_id"] for row in rows}


def partition(people: People) -> frozenset[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for key, person in ids(people).items():
        groups.setdefault(person, set()).add(key)
    return frozenset(map(frozenset, groups.values()))


@given(rows_of_edges, ninos, decisions_taken)
@settings(max_examples=50, deadline=None)
def test_every_record_has_one_person_and_every_decision_is_honoured(
    rows: Rows, nino: list[str | None], taken: list[tuple[list[str], list[int]]]
) -> None:
    decisions = decided(taken)
    people = assign_people(edges(rows), records(nino), thresholds=Bars(), decisions=decisions)
    person = ids(people)
    assert sorted(person) == KEYS
    assert sorted(set(person.values())) == sorted(people.person["person_id"].to_pylist())
    for decision in decisions:
        for group in decision.groups:
            assert len({person[key] for key in group}) == 1
        assert len({person[group[0]] for group in decision.groups}) == len(decision.groups)


@given(rows_of_edges, ninos, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_records_and_edges_does_not_matter(
    rows: Rows, nino: list[str | None], shuffle: object
) -> None:
    straight = assign_people(edges(rows), records(nino), thresholds=Bars())
    order = list(rows)
    shuffle.shuffle(order)  # type: ignore[attr-defined]  # a Random, which Hypothesis types loosely
    mirrored = {(b, a): rows[(a, b)] for a, b in order}
    table = records(nino).take(pa.array(list(reversed(range(10)))))
    shuffled = assign_people(edges(mirrored), table, thresholds=Bars())
    assert shuffled.assignment == straight.assignment
    assert shuffled.log == straight.log
    assert set(map(str, shuffled.review.to_pylist())) == set(map(str, straight.review.to_pylist()))


@given(rows_of_edges, ninos, decisions_taken)
@settings(max_examples=50, deadline=None)
def test_a_second_run_on_the_same_evidence_changes_nobody(
    rows: Rows, nino: list[str | None], taken: list[tuple[list[str], list[int]]]
) -> None:
    decisions = decided(taken)
    first = assign_people(edges(rows), records(nino), thresholds=Bars(), decisions=decisions)
    second = assign_people(edges(rows), records(nino), thresholds=Bars(), previous=first, decisions=decisions)
    assert ids(second) == ids(first)
    assert second.log == first.log


@given(rows_of_edges, ninos, st.data())
@settings(max_examples=50, deadline=None)
def test_weights_that_wobble_between_split_and_join_change_nobody(
    rows: Rows, nino: list[str | None], data: st.DataObject
) -> None:
    first = assign_people(edges(rows), records(nino), thresholds=Bars())
    person = ids(first)
    wobbled: Rows = {}
    for (a, b), (weight, guarded) in rows.items():
        if guarded or (weight < 6 and person[a] == person[b]):
            wobbled[(a, b)] = (weight, guarded)
        elif person[a] == person[b]:
            wobbled[(a, b)] = (data.draw(st.sampled_from([6.0, 8.0, 12.0, 30.0])), guarded)
        elif weight < 10:
            wobbled[(a, b)] = (data.draw(st.sampled_from([-5.0, 6.0, 9.9])), guarded)
        else:
            wobbled[(a, b)] = (weight, guarded)
    second = assign_people(edges(wobbled), records(nino), thresholds=Bars(), previous=first)
    assert ids(second) == person


@given(rows_of_edges, rows_of_edges, ninos, st.sets(st.sampled_from(KEYS), min_size=3))
@settings(max_examples=50, deadline=None)
def test_a_person_keeps_the_id_by_the_larger_share_and_no_id_is_ever_reused(
    rows: Rows, later: Rows, nino: list[str | None], kept: set[str]
) -> None:
    first = assign_people(edges(rows), records(nino, sorted(kept)), thresholds=Bars())
    second = assign_people(edges(later), records(nino), thresholds=Bars(), previous=first)
    before, after = ids(first), ids(second)
    for key, person in before.items():
        same_group = {k for k in before if after[k] == after[key]}
        own = {k for k in before if before[k] == person}
        if same_group == own:
            assert after[key] == person
    ended = set(before.values()) - set(after.values())
    third = assign_people(edges({}), records(nino, []), thresholds=Bars(), previous=second)
    fourth = assign_people(edges(rows), records(nino), thresholds=Bars(), previous=third)
    assert not set(ids(fourth).values()) & (ended | set(after.values()))


@given(rows_of_edges, pairs, st.sampled_from([4.0, 18.0, 25.0]), ninos)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_undoing_a_join_or_a_split_puts_the_people_back_as_they_were(
    rows: Rows, pair: tuple[str, str], weight: float, nino: list[str | None]
) -> None:
    later = rows | {pair: (weight, False)}
    first = assign_people(edges(rows), records(nino), thresholds=Bars())
    second = assign_people(edges(later), records(nino), thresholds=Bars(), previous=first)
    events = [row for row in second.log.to_pylist() if row["run"] == 2]
    assume(len(events) == 1 and events[0]["change"] in (Change.JOINED, Change.SPLIT))
    involved = {key for name in ("record_keys", "kept_keys", "stayed_keys") for key in events[0][name]}
    elsewhere = [ends for ends, (heavy, _) in later.items() if heavy >= 10 and len(set(ends) & involved) == 1]
    assume(not elsewhere)
    decision = undo(events[0], Decisions(), by="A", on=ON, reason="It was wrong")
    third = assign_people(
        edges(later), records(nino), thresholds=Bars(), previous=second, decisions=Decisions((decision,))
    )
    assert ids(third) == ids(first)
    again = undo(
        third.log.to_pylist()[-1], Decisions((decision,)), by="B", on=ON, reason="It was right after all"
    )
    fourth = assign_people(
        edges(later), records(nino), thresholds=Bars(), previous=third, decisions=Decisions((decision, again))
    )
    assert ids(fourth) == ids(second)


@given(rows_of_edges, ninos, st.sets(st.sampled_from(KEYS), min_size=1, max_size=4), decisions_taken)
@settings(max_examples=50, deadline=None)
def test_adding_a_delivery_equals_the_full_run_on_the_same_edges(
    rows: Rows, nino: list[str | None], new: set[str], taken: list[tuple[list[str], list[int]]]
) -> None:
    decisions = decided(taken)
    old_keys = [key for key in KEYS if key not in new]
    old_rows = {pair: row for pair, row in rows.items() if not set(pair) & new}
    new_rows = {pair: row for pair, row in rows.items() if set(pair) & new}
    first = assign_people(edges(old_rows), records(nino, old_keys), thresholds=Bars(), decisions=decisions)
    full = assign_people(edges(rows), records(nino), thresholds=Bars(), previous=first, decisions=decisions)
    added = apply_edges(
        first,
        edges(old_rows),
        records(nino, old_keys),
        edges(new_rows),
        records(nino, sorted(new)),
        thresholds=Bars(),
        decisions=decisions,
    )
    assert added.people.assignment.sort_by("record_key") == full.assignment.sort_by("record_key")
    assert added.people.person.sort_by("person_id") == full.person.sort_by("person_id")
    assert added.people.log == full.log
    assert set(map(str, added.people.review.to_pylist())) == set(map(str, full.review.to_pylist()))


unsure = st.sampled_from([4.0, 7.0, 9.0, 11.0, 11.2, 14.0])
rows_below_the_bar = st.dictionaries(
    pairs, st.tuples(unsure, st.sampled_from([False] * 6 + [True])), max_size=22
)
pairs_decided = st.lists(st.tuples(pairs, st.booleans()), min_size=1, max_size=3)


@given(rows_below_the_bar, ninos, pairs_decided)
@settings(max_examples=150, deadline=None)
def test_a_decision_about_two_records_makes_one_person_of_nobody_else_whom_something_keeps_apart(
    rows: Rows, nino: list[str | None], taken: list[tuple[tuple[str, str], bool]]
) -> None:
    decisions = decided([([*pair], [0, 0] if same else [0, 1]) for pair, same in taken])
    first = assign_people(edges(rows), records(nino), thresholds=Bars())
    second = assign_people(edges(rows), records(nino), thresholds=Bars(), previous=first, decisions=decisions)
    number = dict(zip(KEYS, nino, strict=True))

    def kept_apart(a: str, b: str) -> bool:
        guarded = rows.get((min(a, b), max(a, b)), (0.0, False))[1]
        return guarded or bool(number[a] and number[b] and number[a] != number[b])

    held = partition_of([group for decision in decisions for group in decision.groups if len(group) > 1])
    own_clash = {
        key for group in held if any(kept_apart(a, b) for a in group for b in group if a < b) for key in group
    }
    for person in partition(second):
        for a in person - own_clash:
            for b in person - own_clash - {a}:
                assert not kept_apart(a, b)
    person_of_key = ids(second)
    for row in second.review.to_pylist():
        assert person_of_key[row["key_l"]] == row["person_l"]
        assert row["person_l"] != row["person_r"] or not any({row["key_l"], row["key_r"]} <= g for g in held)


def partition_of(groups: list[tuple[str, ...]]) -> list[set[str]]:
    """Return groups that share a key as one."""
    found: list[set[str]] = []
    for group in groups:
        touching = [each for each in found if each & set(group)]
        found = [each for each in found if not each & set(group)] + [set(group).union(*touching)]
    return found
