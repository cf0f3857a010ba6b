"""k, l and uniqueness are what a count by hand gives, and are reached by coarsening in the declared order."""

import itertools

import numpy as np
import pytest

from families_first.errors import ExitCode, UserError
from families_first.research.extract.anonymity import anonymise, measure
from families_first.research.extract.coarsening import (
    NOT_SHOWN,
    age_bands,
    ladder_of,
    top_coded,
)
from families_first.research.study_data import Categories

EDGES = (0, 5, 11, 16, 18, 25, 35, 50)
FIELDS = ("role", "sex", "age_band", "ethnicity_group", "region")


def people(seed, size=400):
    """Return made-up people whose fields are skewed, so that some stand out."""
    rng = np.random.default_rng(seed)
    bands = age_bands(EDGES)
    age = rng.choice(len(bands), size, p=[0.2, 0.2, 0.15, 0.05, 0.1, 0.15, 0.14, 0.01])
    words = {
        "role": np.where(age < 4, "child", "adult"),
        "sex": rng.choice(["F", "M", "other"], size, p=[0.5, 0.48, 0.02]),
        "age_band": np.array(bands)[age],
        "ethnicity_group": rng.choice(["white", "mixed", "asian", "black"], size, p=[0.85, 0.08, 0.05, 0.02]),
        "region": rng.choice(["North", "South"], size),
    }
    fields = {name: Categories.of(each) for name, each in words.items()}
    needs = rng.integers(1, 4, size).astype(float)
    return fields, needs, rng.integers(0, size // 3, size)


def by_hand(fields, needs, k):
    rows = list(zip(*(each.as_text() for each in fields.values()), strict=True))
    sizes = {row: rows.count(row) for row in set(rows)}
    values = {row: {needs[i] for i, other in enumerate(rows) if other == row} for row in sizes}
    return {
        "k": min(sizes.values()),
        "l": min(len(each) for each in values.values()),
        "combinations": len(sizes),
        "alone": sum(size == 1 for size in sizes.values()),
        "below_k": sum(size for size in sizes.values() if size < k),
    }


@pytest.mark.parametrize("seed", range(5))
def test_what_is_measured_is_what_a_count_by_hand_gives(seed):
    fields, needs, family = people(seed)
    found = measure(fields.values(), [needs], family, k=5)
    expected = by_hand(fields, needs, 5)
    assert {name: getattr(found, name) for name in expected} == expected


def test_families_alone_are_those_whose_members_no_other_family_has():
    fields, _, family = people(3, size=90)
    rows = list(zip(*(each.as_text() for each in fields.values()), strict=True))
    members = {
        number: tuple(sorted(r for r, f in zip(rows, family, strict=True) if f == number))
        for number in family
    }
    alone = sum(list(members.values()).count(each) == 1 for each in members.values())
    assert measure(fields.values(), [], family, k=5).families_alone == alone


@pytest.mark.parametrize(("seed", "k", "values"), list(itertools.product(range(4), (3, 8), (1, 2))))
def test_after_coarsening_nobody_shares_a_combination_with_fewer_than_k(seed, k, values):
    fields, needs, family = people(seed)
    ladders = {name: ladder_of(name, field, edges=EDGES) for name, field in fields.items()}
    done = anonymise(
        fields, ladders, [needs], family, k=k, l=values,
        order=("ethnicity_group", "region", "age_band", "sex"), hide_at_most=0.5,
    )  # fmt: skip
    after = by_hand(done.fields, needs, k)
    assert after["k"] >= k
    assert after["l"] >= values
    assert (done.fields["role"].as_text() == fields["role"].as_text()).all()


def test_only_people_who_stand_out_are_changed_and_in_the_declared_order():
    fields, needs, family = people(1)
    ladders = {name: ladder_of(name, field, edges=EDGES) for name, field in fields.items()}

    def done(order):
        return anonymise(fields, ladders, [needs], family, k=5, l=1, order=order, hide_at_most=0.5)

    rare = by_hand(fields, needs, 5)["below_k"]
    first = done(("ethnicity_group", "age_band", "sex", "region"))
    other = done(("region", "sex", "age_band", "ethnicity_group"))
    assert 0 < other.coarsened["ethnicity_group"] < first.coarsened["ethnicity_group"] <= rare
    assert other.coarsened["age_band"] <= rare < len(needs) / 2


def test_what_nothing_makes_common_is_refused_and_not_let_through():
    words = ["child"] * 3 + ["adult"] * 40
    fields = {"role": Categories.of(words), "sex": Categories.of(["F", "M"] * 21 + ["F"])}
    ladders = {"sex": ladder_of("sex", fields["sex"], edges=EDGES)}
    with pytest.raises(UserError) as refusal:
        anonymise(fields, ladders, [], np.arange(43), k=5, l=1, order=("sex",), hide_at_most=1.0)
    assert refusal.value.code == ExitCode.REFUSED


def test_hiding_more_people_than_the_protocol_allows_is_refused():
    rng = np.random.default_rng(0)
    fields = {"region": Categories.of([f"r{n}" for n in rng.integers(0, 60, 200)])}
    ladders = {"region": ladder_of("region", fields["region"], edges=EDGES)}
    family = np.arange(200)
    with pytest.raises(UserError, match="hidden"):
        anonymise(fields, ladders, [], family, k=5, l=1, order=("region",), hide_at_most=0.05)
    done = anonymise(fields, ladders, [], family, k=5, l=1, order=("region",), hide_at_most=1.0)
    assert (done.fields["region"].as_text() == NOT_SHOWN).sum() == done.hidden > 10


def test_ages_become_wider_without_mixing_children_and_adults():
    bands = Categories.of(list(age_bands(EDGES)))
    ladder = ladder_of("age_band", bands, edges=EDGES)
    once, twice = ([ladder.labels[place] for place in level] for level in ladder.levels[1:3])
    assert dict(zip(bands.labels, once, strict=True)) == {
        "0-4": "0-10", "5-10": "0-10", "11-15": "11-17", "16-17": "11-17",
        "18-24": "18-34", "25-34": "18-34", "35-49": "35+", "50+": "35+",
    }  # fmt: skip
    assert set(twice) == {"0-17", "18+"}


@pytest.mark.parametrize("edges", [(0,), (0, 18), (0, 10, 18, 30), (0, 18, 40), (0, 5, 11), (0, 20, 40)])
def test_any_bands_end_hidden_and_nowhere_else(edges):
    bands = Categories.of(list(age_bands(edges)))
    ladder = ladder_of("age_band", bands, edges=edges)
    assert [ladder.labels[place] for place in ladder.levels[0]] == list(bands.labels)
    assert {ladder.labels[place] for place in ladder.levels[-1]} == {NOT_SHOWN}
    assert all(NOT_SHOWN not in [ladder.labels[place] for place in level] for level in ladder.levels[:-1])


def test_rare_high_numbers_become_the_highest_that_k_people_reach():
    values = np.array([1.0] * 10 + [2.0] * 6 + [3.0] * 3 + [7.0, 9.0])
    assert sorted(set(top_coded(values, 5))) == [1.0, 2.0, 3.0]
    assert (top_coded(values, 5) == 3.0).sum() == 5
