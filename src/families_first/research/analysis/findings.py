"""Everything that a protocol asks for, worked out one after the other."""

from collections.abc import Callable
from dataclasses import dataclass

from families_first.research.analysis.running import Analysis, analyse
from families_first.research.analysis.sensitivity import Undoing, honest_intervals, undo_effects
from families_first.research.analysis.specifications import Curve, curves
from families_first.research.analysis.staggered_starts import EventStudy, NotFollowed, event_studies
from families_first.research.analysis.worth import Valued, value_effects
from families_first.research.evaluation.honest import Honest
from families_first.research.evaluation.one_thread import one_thread
from families_first.research.protocol import StudyProtocol
from families_first.research.study_data import StudyData

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Findings:
    """What came out: the effects, and all that says how far they can be trusted.

    Attributes
    ----------
    analysis
        Effects with verdicts, placebos, groups, balance.
    undoing
        By primary effect: what would undo it.
    events
        By outcome followed quarter by quarter: the second method, with the intervals that remain if trends
        had differed (None where these cannot be worked out).
    curves
        By primary outcome: the effect under every choice that the protocol would have allowed.
    valued
        Pounds a family; None where the protocol values nothing.
    not_followed
        Outcomes that were to be followed quarter by quarter and could not be.
    """

    analysis: Analysis
    undoing: tuple[Undoing, ...]
    events: tuple[tuple[EventStudy, Honest | None], ...]
    curves: tuple[Curve, ...]
    valued: Valued | None
    not_followed: tuple[NotFollowed, ...] = ()


def find(study: StudyData, protocol: StudyProtocol, *, said: Said = lambda step: None) -> Findings:
    """Work out everything.

    Raises
    ------
    UserError
        As :func:`families_first.research.analysis.running.analyse`.
    """
    analysis = analyse(study, protocol, said=said)
    with one_thread():
        said("Asking what would undo each effect")
        undoing = undo_effects(study, protocol, analysis.effects)
        followed = event_studies(study, protocol, said=said)
        events = tuple(
            (each, honest_intervals(protocol, each)) for each in followed if isinstance(each, EventStudy)
        )
        varied = curves(study, protocol, [each.question for each in analysis.effects], said=said)
    said("Valuing the effects")
    return Findings(
        analysis,
        undoing,
        events,
        varied,
        value_effects(analysis),
        not_followed=tuple(each for each in followed if isinstance(each, NotFollowed)),
    )
