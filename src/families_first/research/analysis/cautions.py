"""What a placebo found, said of every effect on the same outcome: a comparison that was not fair before is
told, never passed over.
"""

from collections.abc import Sequence
from dataclasses import replace

from families_first.research.analysis.effects import Effect
from families_first.research.analysis.verdicts import Verdict


def placebos_found(placebos: Sequence[Effect], *, level: float) -> tuple[Effect, ...]:
    """Return the placebos that found a difference where none can be, all of them allowed for."""
    return tuple(each for each in placebos if each.adjusted_p <= level)


def with_cautions(
    effects: Sequence[Effect], placebos: Sequence[Effect], *, level: float
) -> tuple[Effect, ...]:
    """Add to the reasons of each verdict what was found where nobody had begun, of the same outcome.

    The verdict's word stays: the protocol fixed what an interval means before anybody saw one. Whoever
    reads it reads the caution with it.
    """
    found = {each.question.outcome: each for each in placebos_found(placebos, level=level)}
    return tuple(
        replace(
            each,
            verdict=Verdict(
                each.verdict.word, (*each.verdict.reasons, _caution(found[each.question.outcome]))
            ),
        )
        if each.question.outcome in found
        else each
        for each in effects
    )


def _caution(placebo: Effect) -> str:
    period = placebo.question.label.removeprefix(placebo.outcome_label).lstrip(", ")
    return (
        f"Read it with care: {period or 'before anybody began'} the groups differed already on this outcome, "
        "where the programme cannot have made a difference, so part of what is seen may not be its doing."
    )
