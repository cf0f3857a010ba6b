"""Many estimates at once: bootstrap by family, bands that hold for all of them together, and a joint test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from families_first.research.evaluation.clusters import number_clusters, sum_by_cluster
from families_first.research.evaluation.estimate import Estimate, Floats, Ints
from families_first.research.evaluation.inference import Correction, covariance

Multiplier = Literal["rademacher", "mammen"]
# So many families at a time, that the multipliers of one block stay in the processor's cache.
_BLOCK = 2048
_GOLDEN = (np.sqrt(5.0) + 1) / 2
_HIGH = 1 / (_GOLDEN * np.sqrt(5.0))  # Mammen's chance of the high value, (sqrt 5 - 1) / (2 sqrt 5)


@dataclass(frozen=True, slots=True)
class Bands:
    """Intervals that all hold at once with the chance ``level``.

    ``low`` and ``high`` are (k,), in the unit of each estimate; ``critical`` is how many standard errors they
    reach; ``p`` (k,) are p-values adjusted for looking at all of them (single-step max-t; Westfall & Young
    1993).
    """

    names: tuple[str, ...]
    values: Floats
    errors: Floats
    low: Floats
    high: Floats
    critical: float
    level: float
    p: Floats


@dataclass(frozen=True, slots=True)
class JointTest:
    """A Wald test that all of several effects are nothing."""

    statistic: float
    freedom: int
    denominator_freedom: float
    p: float


def draw_multipliers(
    estimates: Sequence[Estimate], *, draws: int = 999, kind: Multiplier = "rademacher", seed: int
) -> Floats:
    """Return (draws, k) errors of the estimates by the multiplier bootstrap at the level of families.

    In each draw every family's sum of influence is multiplied by one random number of mean 0 and variance 1:
    a fair sign (Rademacher), or Mammen's (1993) two values, which also keep the third moment. Estimates that
    cannot be said give 0. The same seed gives the same draws.
    """
    first = estimates[0]
    codes, groups = number_clusters(first.clusters)
    sums = np.stack([sum_by_cluster(each.influence, codes, groups) for each in estimates], axis=1)
    sums = sums[(sums != 0).any(axis=1)] / len(first.influence)
    rng = np.random.default_rng(seed)
    found = np.zeros((draws, len(estimates)))
    for start in range(0, len(sums), _BLOCK):
        block = sums[start : start + _BLOCK]
        if kind == "rademacher":
            bits = np.frombuffer(rng.bytes((draws * _BLOCK) // 8), dtype=np.uint8)
            signs = np.unpackbits(bits).reshape(draws, _BLOCK)[:, : len(block)]
            found += (signs * 2.0 - 1.0) @ block
        else:
            high = rng.random((draws, _BLOCK), dtype=np.float32)[:, : len(block)] < _HIGH
            found += np.where(high, _GOLDEN, 1 - _GOLDEN) @ block
    return found


def simultaneous_bands(
    estimates: Sequence[Estimate],
    *,
    level: float = 0.95,
    draws: int = 4999,
    kind: Multiplier = "rademacher",
    seed: int,
    second: Ints | None = None,
    correction: Correction = "CR1",
) -> Bands:
    """Return max-t bands: wide enough that all hold at once (Callaway & Sant'Anna 2021, algorithm 1).

    The errors are the clustered ones of :func:`covariance`; how they move together comes from the bootstrap
    by family. Estimates that cannot be said have nan bounds and do not widen the others' bands.
    """
    errors = np.sqrt(np.diag(covariance(estimates, second=second, correction=correction)))
    values = np.array([each.value for each in estimates])
    said = np.isfinite(values) & (errors > 0)
    peaks = np.zeros(draws)
    if said.any():
        usable = [each for each, ok in zip(estimates, said, strict=True) if ok]
        drawn = draw_multipliers(usable, draws=draws, kind=kind, seed=seed)
        spread = np.sqrt((drawn**2).mean(axis=0))
        peaks = np.abs(drawn / spread).max(axis=1)
    critical = float(np.quantile(peaks, level)) if said.any() else float("nan")
    # A joint band is never narrower than one interval on its own.
    critical = max(critical, float(stats.norm.ppf(0.5 + level / 2))) if said.any() else critical
    p = np.full(len(values), np.nan)
    p[said] = [(1 + np.count_nonzero(peaks >= abs(t))) / (draws + 1) for t in values[said] / errors[said]]
    half = np.where(said, critical * np.where(said, errors, 0.0), np.nan)
    return Bands(
        names=tuple(each.name for each in estimates),
        values=values,
        errors=errors,
        low=values - half,
        high=values + half,
        critical=critical,
        level=level,
        p=p,
    )


def joint_wald(
    estimates: Sequence[Estimate],
    *,
    second: Ints | None = None,
    correction: Correction = "CR1",
    reference: Literal["F", "chi-square"] = "F",
) -> JointTest:
    """Test that all the effects are nothing.

    The statistic is e' V^-1 e with as many degrees of freedom as V has rank. ``F`` divides by the rank and
    refers to F with G - rank below, times (G - rank) / (G - 1): Hotelling's T squared for few clusters.
    ``chi-square`` is the large-sample form that R's ``did`` prints for its pre-test. An effect that cannot be
    said makes p nan.
    """
    values = np.array([each.value for each in estimates])
    variance = covariance(estimates, second=second, correction=correction)
    if not np.isfinite(variance).all():
        return JointTest(float("nan"), 0, float("nan"), float("nan"))
    scale = np.sqrt(np.diag(variance))
    scale[scale == 0] = 1.0
    inverse = np.linalg.pinv(variance / np.outer(scale, scale), rcond=1e-10, hermitian=True)
    rank = int(np.linalg.matrix_rank(variance / np.outer(scale, scale), tol=1e-10, hermitian=True))
    standard = values / scale
    statistic = float(standard @ inverse @ standard)
    codes, groups = number_clusters(estimates[0].clusters)
    used = np.any([each.influence != 0 for each in estimates], axis=0)
    clusters = int(np.count_nonzero(np.bincount(codes[used], minlength=groups)))
    below = float(clusters - rank)
    if reference == "chi-square" or below <= 0:
        return JointTest(statistic, rank, float("inf"), float(stats.chi2.sf(statistic, rank)))
    ratio = statistic / rank * below / (clusters - 1)
    return JointTest(statistic, rank, below, float(stats.f.sf(ratio, rank, below)))
