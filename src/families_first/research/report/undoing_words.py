"""What would undo an effect, in sentences."""

import math
from typing import Any

from families_first.research.analysis.sensitivity import Undoing
from families_first.research.report.hiding import FEWEST_PEOPLE


def undone(undoing: Undoing) -> dict[str, Any]:
    """Say what would undo one effect, each measure in a sentence of its own."""
    sentences = []
    if undoing.e_value is not None:
        sentences.append(
            "A hidden cause would have to make both taking part and the outcome "
            f"{undoing.e_value.estimate:.2f} times as likely (or as unlikely), beyond all that was made "
            f"alike, to explain the effect away; {undoing.e_value.limit:.2f} times, to bring the interval "
            "to none (E-value)."
        )
    if undoing.robustness is not None:
        sentences.append(
            f"It would have to explain {100 * undoing.robustness.value:.1f}\u00a0% of what is left "
            "unexplained of both taking part and the outcome to undo the effect, "
            f"{100 * undoing.robustness.value_at_level:.1f}\u00a0% to bring the interval to none (robustness "
            "value)."
        )
    if undoing.rosenbaum is not None and undoing.rosenbaum.pairs >= FEWEST_PEOPLE:
        gamma = undoing.rosenbaum.critical
        sentences.append(
            "Compared in matched pairs, the finding "
            + (
                "is not there even if nothing hidden is at work: matching leaves people out and some "
                "unlikeness in, so it can see less than the method planned (Rosenbaum's bound)."
                if gamma <= 1
                else f"stands until one of a pair is {'over 50' if math.isinf(gamma) else f'{gamma:.2f}'} "
                "times as likely to take part for hidden reasons (Rosenbaum's bound)."
            )
        )
    tipping = undoing.tipping
    if tipping is not None and math.isfinite(tipping.ratio_at_level) and tipping.ratio_at_level != 1:
        apart = 100 * abs(1 - tipping.ratio_at_level)
        sentences.append(
            f"Records of those who took part would have to be found {apart:.1f}\u00a0% "
            f"{'less' if tipping.ratio_at_level < 1 else 'more'} often than those of the others, for no "
            "other reason, to bring the interval to none."
        )
    return {"label": undoing.effect.question.label, "sentences": sentences}
