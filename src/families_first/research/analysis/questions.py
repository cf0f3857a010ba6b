"""What a protocol asks: each outcome in each window, of whom, and in which group."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from families_first.research.analysis.verdicts import Better
from families_first.research.evaluation.estimate import Flags
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.fields import ROLE
from families_first.research.protocol.model import Variable
from families_first.research.study_data import StudyData, who_are


@dataclass(frozen=True, slots=True)
class Question:
    """One effect that is asked for.

    Attributes
    ----------
    variable
        The id of the number in the data: ``<outcome>@<window>`` or ``<outcome>@<placebo>``.
    outcome, window, label
        What and when, by id; and in words.
    who
        ``child``, ``adult`` or ``anyone``.
    better
        Whether lower or higher is better for people.
    is_primary, is_placebo
        Whether the protocol's answer hangs on it; whether the true effect is none because nobody had begun.
    field, level
        The group that it is asked of, by a field of words and one of its labels; empty for everybody.
    """

    variable: str
    outcome: str
    window: str
    label: str
    who: str
    better: Better
    is_primary: bool
    is_placebo: bool = False
    first: int = 1
    field: str = ""
    level: str = ""

    @property
    def id(self) -> str:
        """What it is called among the results."""
        return f"{self.variable} [{self.field}={self.level}]" if self.field else self.variable

    def of_whom(self, study: StudyData) -> Flags:
        """Return of which units it is asked, shape (units,)."""
        asked = who_are(study.fields[ROLE], self.who)
        if self.field:
            asked &= study.fields[self.field].is_(self.level)
        return asked


def questions_of(protocol: StudyProtocol, study: StudyData) -> tuple[Question, ...]:
    """Return every question of a protocol: of everybody, then by subgroup.

    One that the data have no numbers for is asked all the same, and answered with ``cannot say``.
    Subgroups are asked of primary outcomes alone, and of those of their labels that anybody has.
    """
    main = [_question(each, is_placebo=False) for each in protocol.outcome_variables()]
    placebos = [_question(each, is_placebo=True) for each in protocol.placebo_variables()]
    return (*main, *placebos, *_by_subgroup(protocol, study, main))


def _by_subgroup(protocol: StudyProtocol, study: StudyData, main: list[Question]) -> Iterator[Question]:
    for subgroup in protocol.subgroups:
        field = study.fields[subgroup.field]
        for level in field.labels:
            for each in main:
                asked = replace(each, field=subgroup.field, level=level)
                if each.is_primary and asked.of_whom(study).any():
                    yield asked


def _question(variable: Variable, *, is_placebo: bool) -> Question:
    outcome = variable.recorded
    name, _, window = variable.id.partition("@")
    return Question(
        variable=variable.id,
        outcome=name,
        window=window,
        label=variable.label,
        who=variable.who,
        better=getattr(outcome, "better", "lower"),
        is_primary=bool(getattr(outcome, "primary", False)) and not is_placebo,
        is_placebo=is_placebo,
        first=variable.first,
    )
