"""Effects by least squares: what an experiment needs, and what others print for comparison."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from scipy import linalg

from families_first.research.evaluation.contrasts import (
    contrast_together,
)
from families_first.research.evaluation.design import Design, independent_columns
from families_first.research.evaluation.estimate import Contrast, Estimate, Floats
from families_first.research.evaluation.outcomes import Missing, gather_outcomes
from families_first.research.evaluation.weighting import weigh_equally


def estimate_by_regression(
    design: Design, outcomes: Mapping[str, Floats], *, missing: Missing = "complete"
) -> list[Contrast]:
    """Return the coefficient of taking part in a least-squares regression on it and the covariates.

    With no covariates it is the difference in means. The influence of the coefficients is (x'x / n)^-1 x e,
    so :func:`~families_first.research.evaluation.inference.infer` gives CR0, CR1 and, with ``parameters`` the
    number of coefficients, CR1S (HC1 without families). ``meta`` has ``classical_error``, which supposes
    independent errors of one size, and ``parameters``.
    """
    weighting = weigh_equally(design)
    found: list[Contrast] = []
    for together in gather_outcomes(design, outcomes, missing=missing):
        plain = contrast_together(weighting, together, method="regression")
        matrix = np.column_stack([design.matrix[:, :1], design.treated, design.matrix[:, 1:]])
        weights = together.observation.weights
        square = matrix.T @ (matrix * weights[:, None])
        columns = independent_columns(square)
        if 1 not in columns:
            found += plain
            continue
        at = int(np.flatnonzero(columns == 1)[0])
        matrix = np.ascontiguousarray(matrix[:, columns])
        inverse = linalg.inv(square[np.ix_(columns, columns)])
        beta = inverse @ (matrix.T @ (together.values * weights).T)
        left = (together.values - beta.T @ matrix.T) * weights
        along = matrix @ inverse[:, at] * design.rows
        influence = left * along
        if together.observation.arms:
            influence = influence + together.observation.carry(design.matrix, influence)
        rows = int(np.count_nonzero(weights))
        for k, each in enumerate(plain):
            if not each.effect.can_say:
                found.append(each)
                continue
            spread = float(left[k] @ left[k]) / (rows - len(columns))
            meta = {
                **each.effect.meta,
                "parameters": len(columns),
                "classical_error": float(np.sqrt(spread * inverse[at, at])),
            }
            effect = Estimate(
                name=each.effect.name,
                value=float(beta[at, k]),
                influence=design.spread(influence[k]),
                clusters=each.effect.clusters,
                counts=each.effect.counts,
                meta=MappingProxyType(meta),
                doubts=each.effect.doubts,
            )
            found.append(Contrast(effect=effect, treated=each.treated))
    return found
