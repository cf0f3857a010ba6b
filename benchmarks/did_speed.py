"""Difference-in-differences of a million rows, beside diff-diff in the same run: CPU seconds on one thread.

83,334 units in 12 periods, six cohorts and never treated, with and without two covariates; group-time
effects with standard errors, and all four ways to sum them. Prints one JSON object: for each task the least
CPU seconds of the interleaved rounds of both sides, their ratio (above 1: ours is faster), the greatest
difference between the two sides' figures, and the bar. With ``--large``, also one million units in 20
quarters, ours alone, with the greatest memory in use. Exits 1 when a bar is missed.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", RAYON_NUM_THREADS="1")

import argparse
import json
import multiprocessing
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from families_first.research.evaluation.aggregation import aggregate
from families_first.research.evaluation.inference import standard_error
from families_first.research.evaluation.staggered import group_time_effects

BARS = {"no covariates": 0.5, "two covariates": 1.5}
LARGE_MEMORY_MB = 3000
Figures = dict[str, tuple[float, float]]


def made_up_panel(units: int, length: int, cohorts: int, seed: int = 20261125) -> dict[str, Any]:
    """Return a panel in which need drives both who starts and how the outcome drifts."""
    rng = np.random.default_rng(seed)
    periods = np.arange(1, length + 1)
    covariates = rng.standard_normal((units, 2))
    taking_part = rng.random(units) < 1 / (1 + np.exp(-0.4 * covariates[:, 0]))
    first = np.linspace(3, length - 1, cohorts).astype(int)
    start = np.where(taking_part, rng.choice(first, units), 0)
    outcome = rng.standard_normal((units, length), dtype=np.float32)
    outcome += rng.standard_normal(units)[:, None].astype(np.float32)
    outcome += np.outer(0.05 * covariates[:, 0], periods).astype(np.float32)
    outcome -= (0.1 * ((start[:, None] > 0) & (periods >= start[:, None]))).astype(np.float32)
    return {"outcome": outcome, "periods": periods, "start": start, "covariates": covariates}


def ours(panel: dict[str, Any], covariates: bool) -> Figures:
    """Estimate, sum all four ways, and return the overall effects with their errors."""
    effects = group_time_effects(
        panel["outcome"],
        panel["periods"],
        panel["start"],
        covariates=panel["covariates"] if covariates else None,
    )
    effects.standard_errors()
    found = {}
    for by in ("simple", "group", "event", "calendar"):
        summed = aggregate(effects, by)
        for each in (*summed.effects, summed.overall):
            found[each.name] = (each.value, standard_error(each, correction="CR0"))
    return found


def peer(frame: Any, covariates: bool) -> Figures:
    """Do the same with diff-diff, and return the effect of each group and the overall one."""
    from diff_diff import CallawaySantAnna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = CallawaySantAnna(control_group="never_treated", estimation_method="dr", n_bootstrap=0).fit(
            frame,
            outcome="y",
            unit="unit",
            time="time",
            first_treat="start",
            covariates=["x1", "x2"] if covariates else None,
            aggregate="all",
        )
    out = {"effect simple": (float(found.overall_att), float(found.overall_se))}
    for kind, effects in (("group", found.group_effects), ("event", found.event_study_effects)):
        for at, each in (effects or {}).items():
            if np.isfinite(each["se"]):
                out[f"effect {kind} {int(at)}"] = (float(each["effect"]), float(each["se"]))
    return out


def long_frame(panel: dict[str, Any]) -> Any:
    """Return the panel as diff-diff wants it: one row for each unit and period."""
    import pandas as pd

    units, length = panel["outcome"].shape
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(units), length),
            "time": np.tile(panel["periods"], units),
            "start": np.repeat(panel["start"], length),
            "y": panel["outcome"].astype(float).ravel(),
            "x1": np.repeat(panel["covariates"][:, 0], length),
            "x2": np.repeat(panel["covariates"][:, 1], length),
        }
    )


def timed(
    action: Callable[[], dict[str, tuple[float, float]]],
) -> tuple[float, dict[str, tuple[float, float]]]:
    """Return CPU seconds of an action and what it found."""
    started = time.process_time()
    found = action()
    return time.process_time() - started, found


def large(units: int, outcomes: int) -> dict[str, float]:
    """Take several outcomes of a large panel one after another; return CPU seconds and memory."""
    rng = np.random.default_rng(1)
    panel = made_up_panel(units, 20, 12)
    families = np.arange(units) // 3
    started = time.process_time()
    for _ in range(outcomes):
        effects = group_time_effects(
            panel["outcome"],
            panel["periods"],
            panel["start"],
            clusters=families,
            covariates=panel["covariates"],
        )
        for by in ("group", "event"):
            aggregate(effects, by)
        panel["outcome"] += rng.standard_normal(1, dtype=np.float32)
    return {
        "units": units,
        "quarters": 20,
        "outcomes": outcomes,
        "cpu_seconds": round(time.process_time() - started, 1),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> int:
    """Run the rounds and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--large", action="store_true")
    chosen = options.parse_args()
    panel = made_up_panel(-(-chosen.rows // 12), 12, 6)
    frame = long_frame(panel)
    figures: dict[str, Any] = {"rows": len(frame), "units": len(panel["start"])}
    met = True
    for task, bar in BARS.items():
        covariates = task != "no covariates"
        rounds = [
            (timed(lambda c=covariates: ours(panel, c)), timed(lambda c=covariates: peer(frame, c)))
            for _ in range(chosen.rounds)
        ]
        own, other = (min(each[side][0] for each in rounds) for side in (0, 1))
        (_, mine), (_, theirs) = rounds[0]
        both = sorted(set(mine) & set(theirs))
        apart = max(float(np.abs(np.subtract(mine[name], theirs[name])).max()) for name in both)
        figures[task] = {
            "cpu_seconds": round(own, 3),
            "diff_diff_cpu_seconds": round(other, 3),
            "ratio": round(other / own, 2),
            "figures_compared": 2 * len(both),
            "greatest_difference": float(f"{apart:.1e}"),
            "bar_cpu_seconds": bar,
        }
        met &= own <= bar and own < other and apart < 1e-4 and len(both) > 1
    if chosen.large:
        # A process of its own, so that the memory seen is this task's alone.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            figures["large"] = pool.apply(large, (1_000_000, 3))
        met &= figures["large"]["memory_mb"] < LARGE_MEMORY_MB
    figures["bars_met"] = bool(met)
    print(json.dumps(figures, indent=2))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
