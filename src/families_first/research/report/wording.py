"""Effects in words that a minister and a parent can both read, absolute and relative together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from families_first.research.analysis.effects import Effect, Interval
from families_first.research.analysis.verdicts import Word
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.parts import Measurement
from families_first.research.report.hiding import NOT_SHOWN, can_show

DIFFERENCE_FOUND = "difference found"
MINUS = "\u2212"
_EN_DASH = "\u2013"
_COMMON = 0.10  # with outcomes at least so frequent, numbers of 100 are whole enough to be read
PEOPLE = {"child": "children", "adult": "adults", "anyone": "people"}
_SEX = {"F": "girls and women", "M": "boys and men"}
_GROUP_FIELDS = {"age_band": "aged", "sex": ""}


def level_words(level: float, space: str = "\u00a0") -> str:
    """Return the level of the intervals that belongs to a protocol's ``multiplicity.level``: ``95 %`` of
    0.05.
    """
    return f"{round(100 * (1 - level), 3):g}{space}%"


class Unit(StrEnum):
    """What an outcome is a number of."""

    PEOPLE = "of 100 people"
    SHARE = "%"
    COUNT = "times a person"
    DAYS = "days a person"
    NUMBER = "in its own unit"

    @property
    def is_share(self) -> bool:
        """Whether differences are told in percentage points."""
        return self in (Unit.PEOPLE, Unit.SHARE)


@dataclass(frozen=True, slots=True)
class Told:
    """One effect in words.

    Attributes
    ----------
    outcome, window
        What and when.
    verdict
        One of the four words.
    is_shown
        Whether its figures may be shown; the sentences then hold them.
    sentence
        With and without the programme.
    change
        The change with its interval, absolute and relative.
    meaning
        What the verdict means.
    reasons
        Why nothing can be said, and what is to be borne in mind.
    with_, without, difference, interval, relative, relative_interval, least
        The same as cells of a table; ``least`` is the smallest effect that would have been seen.
    linkage
        How much of the uncertainty comes from linking, as a whole per cent.
    """

    effect: Effect
    unit: Unit
    outcome: str
    window: str
    group: str
    verdict: str
    is_shown: bool
    sentence: str
    change: str
    meaning: str
    reasons: tuple[str, ...]
    with_: str
    without: str
    difference: str
    interval: str
    relative: str
    relative_interval: str
    least: str
    linkage: str

    @property
    def kind(self) -> str:
        """The verdict as a name of a style."""
        return self.verdict.replace(" ", "-")


def unit_of(effect: Effect, protocol: StudyProtocol) -> Unit:
    """Return what the outcome is a number of.

    A yes or a no is told of so many people; a quantity, such as a share of school sessions, is not.
    """
    outcome = protocol.outcome(effect.question.outcome)
    if outcome.measure is Measurement.SHARE:
        return Unit.SHARE
    if outcome.is_recorded:
        counted = {Measurement.ANY: Unit.PEOPLE, Measurement.COUNT: Unit.COUNT, Measurement.DAYS: Unit.DAYS}
        return counted[outcome.measure]
    return Unit.PEOPLE if effect.counts.treated_cases is not None else Unit.NUMBER


def people_counted(effects: Sequence[Effect], protocol: StudyProtocol) -> int:
    """Return of how many people everything is told on one page: 100 where all outcomes are common, or
    1,000.
    """
    rates = [
        each.comparison.value
        for each in effects
        if unit_of(each, protocol) is Unit.PEOPLE and math.isfinite(each.comparison.value)
    ]
    return 100 if all(rate >= _COMMON for rate in rates) else 1_000


def tell(effect: Effect, protocol: StudyProtocol, *, of: int) -> Told:
    """Put one effect into words, numbers of people as so many of ``of``."""
    question, unit = effect.question, unit_of(effect, protocol)
    verdict = effect.verdict
    is_said = verdict.word is not Word.CANNOT_SAY
    is_shown = can_show(effect) and math.isfinite(effect.difference.value)
    scale = _Scale(unit, of)
    window = question.label.removeprefix(effect.outcome_label).lstrip(", ")
    reasons = verdict.reasons if is_said or verdict.reasons else ("No interval could be worked out.",)
    show = is_shown and is_said
    return Told(
        effect=effect,
        unit=unit,
        outcome=effect.outcome_label,
        window=window,
        group=group_name(question.field, question.level),
        verdict=verdict_of(effect),
        is_shown=show,
        sentence=_sentence(effect, scale, window) if show else "",
        change=_change(effect, scale, level_words(protocol.multiplicity.level)) if show else "",
        meaning=_meaning(effect, scale, show=show),
        reasons=reasons if show or not is_said else (NOT_SHOWN, *reasons),
        with_=scale.cell(effect.treated) if show else "",
        without=scale.cell(effect.comparison.value) if show else "",
        difference=scale.cell(effect.difference.value, sign=True) if show else "",
        interval=scale.between(effect.difference) if show else "",
        relative=_per_cent(effect.relative.value) if show else "",
        relative_interval=_relative_range(effect, unit, "to") if show else "",
        least=scale.size(effect.detectable) if show else "",
        linkage=_part(effect.linkage_share) if show else "",
    )


def verdict_of(effect: Effect) -> str:
    """Return the verdict in its word. A placebo is neither a benefit nor a harm: a difference is found, or
    none.
    """
    word = effect.verdict.word
    if effect.question.is_placebo and word in (Word.BENEFIT, Word.HARM):
        return DIFFERENCE_FOUND
    return word.value


def group_name(field: str, level: str) -> str:
    """Return a group in words: ``aged 5-10``; empty for everybody."""
    if not field:
        return ""
    if field == "sex":
        return _SEX.get(level, level)
    said = _GROUP_FIELDS.get(field, field.replace("_", " ") + ":")
    return f"{said} {level.replace('-', _EN_DASH)}".strip()


@dataclass(frozen=True, slots=True)
class _Scale:
    """How numbers of one outcome are written."""

    unit: Unit
    of: int

    def cell(self, value: float, *, sign: bool = False) -> str:
        """Return a number for a table: shares in per cent, differences of them in percentage points."""
        if not math.isfinite(value):
            return "not known"
        if self.unit.is_share:
            points = "\u00a0pp" if sign else "\u00a0%"
            return f"{signed(100 * value, 2) if sign else f'{100 * value:.2f}'}{points}"
        return signed(value, 3) if sign else f"{value:.3f}"

    def size(self, value: float) -> str:
        """Return the size of a change for a table, without a sign."""
        return self.cell(value, sign=True).lstrip(f"+{MINUS}")

    def between(self, interval: Interval) -> str:
        """Return the ends of an interval for a table."""
        by, places = (100, 2) if self.unit.is_share else (1, 3)
        return f"{signed(by * interval.low, places)} to {signed(by * interval.high, places)}"

    @property
    def times(self) -> float:
        """By what a value is multiplied in a sentence."""
        return float(self.of) if self.unit is Unit.PEOPLE else 100.0 if self.unit is Unit.SHARE else 1.0

    def places(self, *values: float) -> int:
        """Return how many decimals a sentence needs: none, where the rounded numbers still add up."""
        with_, without, apart = values
        if self.unit in (Unit.COUNT, Unit.DAYS, Unit.NUMBER):
            return 3 if max(abs(with_), abs(without)) < 1 else 2 if max(abs(with_), abs(without)) < 100 else 1
        whole = round(with_) - round(without) == round(apart) and abs(apart) >= 0.95
        return 0 if whole and self.unit is Unit.PEOPLE else 1


def _sentence(effect: Effect, scale: _Scale, window: str) -> str:
    with_, without, apart = (
        scale.times * each for each in (effect.treated, effect.comparison.value, effect.difference.value)
    )
    places = scale.places(with_, without, apart)
    when = f", {window}" if window else ""
    people = PEOPLE[effect.question.who]
    group = group_name(effect.question.field, effect.question.level)
    whom = f"{people}{f' ({group})' if group else ''} like those who took part"
    if scale.unit is Unit.PEOPLE:
        said = _predicate(effect.outcome_label)
        return (
            f"Of {scale.of:,} {whom}, {with_:.{places}f} {said}{when}; "
            f"without the programme it would have been {without:.{places}f}."
        )
    unit = {Unit.SHARE: "\u00a0%", Unit.COUNT: " times a person", Unit.DAYS: " days a person"}.get(
        scale.unit, ""
    )
    return (
        f"{effect.outcome_label}{when}: {with_:.{places}f}{unit} on average for {whom}; "
        f"without the programme it would have been {without:.{places}f}{unit}."
    )


def _predicate(label: str) -> str:
    """Turn a label such as ``Children looked after`` into ``were looked after``; others are quoted."""
    first, _, rest = label.partition(" ")
    if first in ("Children", "Adults", "People") and rest:
        return f"were {rest}"
    return f"had \u201c{label}\u201d"


def _change(effect: Effect, scale: _Scale, level: str) -> str:
    apart, times = effect.difference, scale.times
    places = scale.places(times * effect.treated, times * effect.comparison.value, times * apart.value)
    less, more = ("fewer", "more") if scale.unit is Unit.PEOPLE else ("lower", "higher")
    of = f" of {scale.of:,}" if scale.unit is Unit.PEOPLE else ""
    unit = "\u00a0percentage points" if scale.unit is Unit.SHARE else ""

    def directed(value: float) -> str:
        rounded = f"{abs(times * value):.{places}f}"
        if float(rounded) == 0:
            return "no difference"
        return f"{rounded}{unit} {less if value < 0 else more}"

    told = (
        f"The change: {directed(apart.value)}{of}. It lies between {directed(apart.low)} and "
        f"{directed(apart.high)}{of} ({level} interval)."
    )
    if math.isfinite(effect.relative.value):
        told += (
            f" As a share of what it would have been: {_per_cent(effect.relative.value)}, between "
            f"{_relative_range(effect, scale.unit, 'and')}."
        )
    else:
        told += " As a share of what it would have been nothing is told, because that may be nothing."
    return told


def _meaning(effect: Effect, scale: _Scale, *, show: bool) -> str:
    word = effect.verdict.word
    is_lower = effect.difference.value < 0
    if word is Word.BENEFIT:
        return (
            f"{'Lower' if is_lower else 'Higher'} than without the programme, and that is better for people."
        )
    if word is Word.HARM:
        return (
            f"{'Lower' if is_lower else 'Higher'} than without the programme, and that is worse for people."
        )
    if word is Word.CANNOT_SAY:
        return "Nothing can be said either way."
    told = "Not finding an effect is not finding that there is none."
    if show and math.isfinite(effect.detectable):
        return f"{told} {least_seen(effect, scale.unit, of=scale.of)}"
    return told


def least_seen(effect: Effect, unit: Unit, *, of: int) -> str:
    """Say the smallest effect that this study would have seen: what always stands beside one not found."""
    scale = _Scale(unit, of)
    size = scale.times * effect.detectable
    places = 1 if unit.is_share else 3
    said = {
        Unit.PEOPLE: f"{size:.{places}f} of {of:,}",
        Unit.SHARE: f"{size:.{places}f}\u00a0percentage points",
    }.get(unit, f"{size:.{places}f}")
    base = effect.comparison.value
    is_told = effect.comparison.low > 0  # a share of what may be nothing says nothing
    share = f", {100 * effect.detectable / base:.0f}\u00a0% of what it would have been" if is_told else ""
    return f"A change smaller than about {said}{share} would probably not have been seen."


def _per_cent(value: float) -> str:
    if not math.isfinite(value):
        return "not known"
    return f"{signed(100 * value, 0)}\u00a0%"


def _part(share: float) -> str:
    """Return a part of the whole in per cent, nothing that is there rounded to nothing."""
    return "under 1\u00a0%" if 0 < share < 0.005 else f"{100 * share:.0f}\u00a0%"


def _relative_range(effect: Effect, unit: Unit, joined: str) -> str:
    low, high = effect.relative.low, effect.relative.high
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    # A share cannot fall by more than all of it; the interval of a ratio can say so where the base is small.
    floor = -1.0 if unit.is_share else -math.inf
    return f"{signed(100 * max(low, floor), 0)} {joined} {signed(100 * high, 0)}\u00a0%"


def signed(value: float, places: int) -> str:
    """Return a number with its sign, a true minus; nothing that rounds to 0 has one."""
    rounded = f"{abs(value):,.{places}f}"
    if float(rounded.replace(",", "")) == 0:
        return rounded
    return f"{MINUS if value < 0 else '+'}{rounded}"


def pounds(value: float) -> str:
    """Return whole pounds, the minus before the sign."""
    return f"{MINUS if round(value) < 0 else ''}\u00a3{abs(value):,.0f}"
