"""Staggered difference-in-differences: every figure that R's did 2.3.1 prints of minimum wages and
employment.

Source: ``data/mpdta_R_did_2.3.1.txt``. R prints six digits of each effect and eight of each sum; ours is
held to 1e-6 in all. Two-way fixed effects are R fixest's, the imputation estimator Borusyak, Jaravel &
Spiess's.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from families_first.research.evaluation.aggregation import aggregate
from families_first.research.evaluation.event_study import none_before
from families_first.research.evaluation.inference import standard_error
from families_first.research.evaluation.staggered import group_time_effects
from families_first.research.evaluation.twoway import imputation_effect, two_way_effect
from published_panels import frame, mpdta

PRINTED = (Path(__file__).parent / "data" / "mpdta_R_did_2.3.1.txt").read_text(encoding="utf-8")
VARIANTS = {
    "~1 nevertreated": ("never", False),
    "~1 notyettreated": ("not-yet", False),
    "~lpop nevertreated": ("never", True),
    "~lpop notyettreated": ("not-yet", True),
}
TOLERANCE = 1e-6


def printed(variant):
    """Return R's figures of one variant: cells, sums by kind, and the pre-test's p value."""
    text = PRINTED.split(f"## {variant}")[1].split("##")[0].split("ipw ~lpop")[0]
    cells, sums, kind = [], {}, None
    for line in text.splitlines():
        numbers = [float(each) for each in re.findall(r"-?\d+\.?\d*", line.split("]")[-1])]
        if re.match(r"\d+ ", line):
            cells.append(numbers[1:])
        elif re.match(r"(simple|group|dynamic|calendar) ", line):
            kind = line.split()[0]
            sums[kind] = (numbers, [])
        elif line.strip().startswith("[") and "," in line.split("]")[0] and len(numbers) == 3:
            sums[kind][1].append(numbers)
        elif line.startswith("Wpval"):
            pretest = numbers[0]
    return np.array(cells), sums, pretest


def effects_of(variant, **options):
    comparison, adjusted = VARIANTS[variant]
    data = mpdta()
    return group_time_effects(
        data.outcome,
        data.periods,
        data.start,
        comparison=comparison,
        covariates=data.covariates if adjusted else None,
        **options,
    )


def errors(estimates):
    return [standard_error(each, correction="CR0") for each in estimates]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_group_time_effect_and_error_is_the_one_that_r_prints(variant):
    cells, _, _ = printed(variant)
    found = effects_of(variant)
    assert len(cells) == 12
    assert np.column_stack([found.group, found.period]).tolist() == cells[:, :2].astype(int).tolist()
    np.testing.assert_allclose(found.value, cells[:, 2], atol=TOLERANCE)
    np.testing.assert_allclose(found.standard_errors(), cells[:, 3], atol=TOLERANCE)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("by", "name", "parts"),
    [("simple", "simple", 0), ("group", "group", 3), ("event", "dynamic", 7), ("calendar",) * 2 + (4,)],
)
def test_every_sum_and_error_is_the_one_that_r_prints(variant, by, name, parts):
    overall, rows = printed(variant)[1][name]
    found = aggregate(effects_of(variant), by)
    assert found.overall.value == pytest.approx(overall[0], abs=1e-8)
    assert errors([found.overall])[0] == pytest.approx(overall[1], abs=1e-8)
    assert len(found.effects) == len(rows) == parts
    if parts:
        table = np.array(rows)
        assert found.at.tolist() == table[:, 0].astype(int).tolist()
        np.testing.assert_allclose([each.value for each in found.effects], table[:, 1], atol=TOLERANCE)
        np.testing.assert_allclose(errors(found.effects), table[:, 2], atol=TOLERANCE)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_pre_test_has_the_p_value_that_r_prints(variant):
    assert none_before(effects_of(variant), reference="chi-square").p == pytest.approx(
        printed(variant)[2], abs=5e-6
    )


def test_weighting_and_regression_are_those_of_r():
    for method, value, error in (
        ("weighting", -0.03287537, 0.01189320),
        ("regression", -0.03292924, 0.01186031),
    ):
        assert f"{value:.8f} {error:.8f}" in PRINTED
        found = aggregate(effects_of("~lpop nevertreated", method=method), "group").overall
        assert found.value == pytest.approx(value, abs=1e-8)
        assert errors([found])[0] == pytest.approx(error, abs=1e-8)


def test_the_universal_base_is_that_of_r_and_leaves_its_own_period_out():
    table = np.array(
        [
            [float(each) for each in line.split("]")[1].split()]
            for line in PRINTED.split("reg ~lpop")[1].splitlines()[2:]
            if "NA" not in line and "]" in line
        ]
    )
    found = aggregate(effects_of("~1 nevertreated", base_period="universal"), "event")
    assert table[0, 0] == -4
    assert found.at.tolist() == table[:, 0].astype(int).tolist()
    np.testing.assert_allclose([each.value for each in found.effects], table[:, 1], atol=TOLERANCE)
    np.testing.assert_allclose(errors(found.effects), table[:, 2], atol=TOLERANCE)


def test_two_way_fixed_effects_are_those_of_fixest():
    data = mpdta()
    found = two_way_effect(data.outcome, data.periods, data.start)
    # fixest's factor: clusters, and the coefficient and five years among the parameters (counties are
    # nested).
    factor = np.sqrt(500 / 499 * 2499 / (2500 - 6))
    assert found.value == pytest.approx(-0.03654894, abs=1e-8)
    assert errors([found])[0] * factor == pytest.approx(0.01326516, abs=1e-8)


def test_the_imputation_estimator_is_the_published_one_with_the_two_stage_error():
    data = mpdta()
    found = imputation_effect(data.outcome, data.periods, data.start)
    assert found.value == pytest.approx(-0.04770992, abs=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diff_diff import TwoStageDiD

        peer = TwoStageDiD().fit(
            frame("mpdta_long"), outcome="lemp", unit="countyreal", time="year", first_treat="first.treat"
        )
    assert found.value == pytest.approx(peer.overall_att, abs=1e-10)
    assert errors([found])[0] == pytest.approx(peer.overall_se, abs=1e-10)


def test_the_data_are_the_published_ones_and_not_a_stand_in():
    # A package's own loader has been seen to return made-up data when it could not download the real ones.
    data = mpdta()
    assert data.outcome.shape == (500, 5)
    assert {int(each): int((data.start == each).sum()) for each in np.unique(data.start)} == {
        0: 309,
        2004: 20,
        2006: 40,
        2007: 131,
    }
