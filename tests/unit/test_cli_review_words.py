"""How a pair that waits is told of when the model's side is asked for."""

import pytest

from families_first.cli.review import _model_says


@pytest.mark.parametrize(
    ("weight", "said"),
    [(2.345, "between the two thresholds, weight 2.3"), (None, "between the two thresholds")],
)
def test_a_clash_inside_one_person_has_no_weight_and_is_told_without_one(weight, said):
    assert _model_says("between the two thresholds", weight) == said
