"""How wrong one would have to be: what hidden causes, unlike trends or unlike link rates would undo an
effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from families_first.errors import UserError
from families_first.research.analysis.adjusting import Adjusting, Choice
from families_first.research.analysis.effects import Effect
from families_first.research.analysis.staggered_starts import EventStudy
from families_first.research.evaluation.evalue import EValue, e_value_of_difference
from families_first.research.evaluation.honest import Honest, honest_bounds
from families_first.research.evaluation.propensity import fit_propensity
from families_first.research.evaluation.robustness import Robustness, robustness
from families_first.research.evaluation.rogan_gladen import Tipping, tipping_point
from families_first.research.evaluation.rosenbaum import Bounds, mcnemar_bounds, signed_rank_bounds
from families_first.research.protocol import StudyProtocol
from families_first.research.study_data import StudyData, draw_links


@dataclass(frozen=True, slots=True)
class Undoing:
    """What would undo one effect; each None where it does not apply or cannot be worked out.

    Attributes
    ----------
    e_value
        How strongly a hidden cause must be tied to taking part and to the outcome, as risk ratios.
    robustness
        What share of what is left of both it must explain.
    rosenbaum
        By how much it must change the odds of taking part within matched pairs.
    tipping
        How unlike the link rates of the two groups must be; of an outcome that is not known of whoever was
        not found, missed records make no risk look lower.
    """

    effect: Effect
    e_value: EValue | None
    robustness: Robustness | None
    rosenbaum: Bounds | None
    tipping: Tipping | None


def undo_effects(study: StudyData, protocol: StudyProtocol, effects: Sequence[Effect]) -> tuple[Undoing, ...]:
    """Ask of each primary effect what would undo it. Pairs are matched on the most probable links."""
    asked = [
        each
        for each in effects
        if each.question.is_primary
        and np.isfinite([each.difference.value, each.difference.low, each.difference.high]).all()
    ]
    pairs = _pairs(study, protocol, asked) if protocol.sensitivity.rosenbaum else {}
    return tuple(_undoing(protocol, each, pairs.get(each.question.id)) for each in asked)


def honest_intervals(protocol: StudyProtocol, study: EventStudy) -> Honest | None:
    """Return the intervals of the mean effect if trends had differed, by so many times the worst before the
    start.

    None where there are too few quarters before the start, or the protocol asks for none.
    """
    bounds = protocol.sensitivity.honest_magnitudes
    before = int((study.since < -1).sum())
    if not bounds or before < 1:
        return None
    try:
        after = len(study.value) - before
        weights = np.full(after, 1 / max(after, 1))  # the mean over all quarters, not the first alone
        return honest_bounds(
            study.value,
            study.covariance,
            before=before,
            bounds=bounds,
            weights=weights,
            level=1 - protocol.multiplicity.level,
        )
    except UserError:
        return None


def _undoing(protocol: StudyProtocol, effect: Effect, pairs: Bounds | None) -> Undoing:
    wanted, difference, base = protocol.sensitivity, effect.difference, effect.comparison.value
    is_rate = effect.counts.treated_cases is not None and 0 < base < 1
    not_known = protocol.not_known_without_record(protocol.outcome(effect.question.outcome))
    families = effect.counts.treated_families + effect.counts.comparison_families
    return Undoing(
        effect=effect,
        e_value=e_value_of_difference(base, difference.value, difference.low, difference.high)
        if wanted.e_value and is_rate
        else None,
        robustness=robustness(difference.value, effect.error, families - 2, level=protocol.multiplicity.level)
        if wanted.robustness_value and families > 3
        else None,
        rosenbaum=pairs,
        tipping=_tipping(effect, 1 - protocol.multiplicity.level)
        if wanted.link_rates and is_rate and not_known is None
        else None,
    )


def _tipping(effect: Effect, level: float) -> Tipping | None:
    relative, treated = effect.relative, effect.treated
    near = relative.high if relative.value < 0 else relative.low
    if treated <= 0 or not near > -1:
        return None
    # The arms err together, and the interval of the relative change knows it: the limit nearer to none says
    # what error the arm that took part is given.
    reach = float(stats.norm.ppf(0.5 + level / 2))
    error = treated * abs(float(np.log1p(near) - np.log1p(relative.value))) / reach
    return tipping_point((treated, error), (effect.comparison.value, 0.0), level=level)


def _pairs(study: StudyData, protocol: StudyProtocol, effects: Sequence[Effect]) -> dict[str, Bounds]:
    """Return the bounds of each effect over matched pairs of the people of whom it is asked."""
    adjusting = Adjusting(study, protocol, draw_links(study, None))
    choice = Choice.of(protocol)
    gammas = protocol.sensitivity.rosenbaum
    found: dict[str, Bounds] = {}
    for who in dict.fromkeys(each.question.who for each in effects):
        own = [each for each in effects if each.question.who == who]
        design = adjusting.design(own[0].question.of_whom(study), choice)
        propensity = fit_propensity(design)
        if not propensity.usable:
            continue
        matches = adjusting.match(propensity, choice)
        first, second = matches.treated, matches.comparison[:, 0]
        for each in own:
            values = propensity.design.take(adjusting.completed.variables[each.question.variable])
            apart = values[first] - values[second]
            if each.difference.value < 0:
                apart = -apart
            try:
                found[each.question.id] = _bounds(
                    apart, gammas, is_rate=each.counts.treated_cases is not None
                )
            except UserError:
                continue  # no pair differs
    return found


def _bounds(apart: np.ndarray, gammas: Sequence[float], *, is_rate: bool) -> Bounds:
    if is_rate:
        return mcnemar_bounds(int((apart > 0).sum()), int((apart < 0).sum()), gammas)
    return signed_rank_bounds(apart, gammas)
