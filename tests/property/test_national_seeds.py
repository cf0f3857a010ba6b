"""What holds of every made-up study, whatever its seed and size."""

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.simulation.national import NationalStudy, Selection, StudyPlan, simulate_national
from families_first.simulation.national.planted import BY_ID

seeds = st.integers(0, 2**31)
plans = st.builds(
    StudyPlan,
    selection=st.builds(
        Selection,
        participation=st.floats(0.3, 0.7),
        transitory=st.floats(0.0, 1.5),
        history=st.floats(0.0, 1.0),
        hidden_confounder=st.floats(-1.0, 1.0),
        pre_trend=st.floats(-0.05, 0.05),
    ),
)


def tables(study: NationalStudy) -> dict[str, object]:
    truth = {"links": study.truth.links, "person": study.truth.person, "effects": study.truth.effects}
    files = {
        f"{owner}/{name}": table
        for owner, each in study.owners.items()
        for name, table in {"people": each.people, **each.sections}.items()
    }
    return truth | files


@settings(max_examples=4, deadline=None)
@given(seed=seeds)
def test_the_same_seed_gives_the_same_study_and_another_seed_another(seed):
    one, again, other = (
        tables(simulate_national(people=1_500, programme_families=100, seed=each))
        for each in (seed, seed, seed + 1)
    )
    assert all(one[name].equals(again[name]) for name in one)
    assert not one["council/people"].equals(other["council/people"])
    assert not one["person"].equals(other["person"])


@settings(max_examples=6, deadline=None)
@given(seed=seeds, plan=plans)
def test_planted_rates_hold_exactly_however_families_are_chosen(seed, plan):
    study = simulate_national(people=3_000, programme_families=250, seed=seed, plan=plan)
    for row in study.truth.effects.to_pylist():
        process = BY_ID[row["outcome"]]
        if row["field"] == "all" and row["window"] == process.window:
            planted = sum(step.difference for step in process.steps if step.window == process.window)
            assert row["base"] == pytest.approx(process.base, abs=1e-9)
            assert row["difference"] == pytest.approx(planted, abs=1e-9)
    references = study.truth.links["reference"]
    assert pc.count_distinct(references).as_py() == len(references)
    chances = [name for name in study.truth.person.column_names if name.startswith(("p0:", "p1:"))]
    for name in chances:
        values = study.truth.person[name].to_numpy(zero_copy_only=False)
        assert np.nanmin(values) >= 0
        assert np.nanmax(values) <= 1
    assert pc.min(study.truth.person["propensity"]).as_py() > 0
    assert pc.max(study.truth.person["propensity"]).as_py() < 1
