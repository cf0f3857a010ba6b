"""The household-aware mixture, its model file and the thresholds drawn from it."""

import json

import numpy as np
import pytest

from families_first.errors import UserError
from families_first.matching.comparisons import BY_NAME, COMPARISONS
from families_first.matching.mixture import Patterns, fit, takes_m
from families_first.matching.model import level_weights, load_model, save_model, shipped_model, usual_model
from families_first.matching.thresholds import choose_thresholds

CHOSEN = tuple(BY_NAME[name] for name in ("forename", "surname", "dob", "postcode", "street"))
SELF = ("same", "same", "same", "same", "same")
MOVED = ("same", "same", "same", "other", "other")
SISTER = ("other", "same", "other", "same", "same")


def patterns(counted):
    gammas = [[each.gamma(level) for each, level in zip(CHOSEN, levels, strict=True)] for levels in counted]
    return Patterns(CHOSEN, np.array(gammas), np.array(list(counted.values()), dtype=float), possible=1e6)


def shares():
    model = usual_model()
    return model.with_shares(CHOSEN, model.shares(CHOSEN)).shares(CHOSEN)


def test_sisters_are_counted_as_family_not_as_one_person():
    _, sizes = fit(patterns({SELF: 1000, SISTER: 3000}), shares(), learn=False)
    assert sizes.one_person == pytest.approx(1000, rel=0.05)
    assert sizes.family + sizes.household == pytest.approx(3000, rel=0.05)
    assert sizes.has_families


def test_people_who_moved_are_counted_as_one_person():
    _, sizes = fit(patterns({SELF: 1000, MOVED: 200}), shares(), learn=False)
    assert sizes.one_person == pytest.approx(1200, rel=0.05)
    assert sizes.moved > 100
    assert not sizes.has_families


def test_a_level_that_never_occurs_keeps_a_share():
    learnt, _ = fit(patterns({SELF: 1000}), shares(), learn=True)
    assert all(share.min() > 0 for share in learnt.m)
    assert all(share.sum() == pytest.approx(1.0) for share in learnt.m)


def test_each_kind_of_relative_shares_what_it_should():
    table = {
        "same": {"forename", "surname", "dob", "postcode"},
        "moved": {"forename", "surname", "dob"},
        "family": {"surname", "postcode"},
        "household": {"postcode"},
        "twin": {"surname", "dob", "postcode"},
        "namesake": {"forename", "surname", "postcode"},
        "stranger": set(),
    }
    compared = [BY_NAME[name] for name in ("forename", "surname", "dob", "postcode")]
    for kind, shared in table.items():
        assert {each.name for each in compared if takes_m(kind, each)} == shared, kind


def test_weights_of_levels_differ_so_that_levels_can_be_read_back():
    for model in (usual_model(), shipped_model()):
        for each in COMPARISONS:
            weights = sorted((0.0, *level_weights(model, each)))
            assert np.diff(weights).min() > 1e-5, each.name


def test_a_model_survives_its_file(tmp_path):
    save_model(shipped_model(), tmp_path / "model.json")
    again = load_model(tmp_path / "model.json")
    assert again.version == "county-1"
    assert again.m["dob"] == pytest.approx(shipped_model().m["dob"])


def test_a_model_that_lacks_a_level_is_refused_instead_of_defaulted(tmp_path):
    path = tmp_path / "model.json"
    save_model(shipped_model(), path)
    content = json.loads(path.read_text())
    del content["comparisons"]["dob"]["one slip"]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match="other levels for dob"):
        load_model(path)


def test_thresholds_are_ordered_and_stricter_when_cautious():
    weights = np.concatenate([np.linspace(-12, -4, 500), np.linspace(8, 20, 500)])
    alone = choose_thresholds(weights, cautious=False, records=1000)
    among = choose_thresholds(weights, cautious=True, records=1000)
    for each in (alone, among):
        assert each.split < each.join < each.cluster
    assert among.join >= 3.0
    assert alone.expected_precision > 0.99


def test_a_crowd_of_records_asks_for_more_than_a_few():
    weights = np.concatenate([np.linspace(-12, 3, 500), np.linspace(3, 20, 500)])
    joins = [choose_thresholds(weights, cautious=False, records=n).join for n in (1_000, 50_000, 500_000)]
    assert joins[0] < joins[1] < joins[2] <= 4.0
