"""The linkage-quality sheet: what a linker owes to those who analyse its links, under the headings of GUILD.

Nothing in it stands for fewer than ten people. Where one group of a kind is hidden for that, and could be
worked out from the others, the next smallest is hidden with it.

Source: Gilbert, Lafferty, Hagger-Johnson, Harron, Zhang, Smith, Dibben, Goldstein, GUILD: GUidance for
Information about Linking Data sets, J Public Health 40(1):191-198 (2018): information at the steps of data
provision, data linkage, analysis and reporting.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from families_first.linkage.quality.measures import Measure

FEWEST_PEOPLE = 10
HIDDEN = "fewer than 10"
HIDDEN_WITH_IT = "hidden, so that a smaller group cannot be worked out"
EVERYBODY = "all"

PROVISION = "Data provision: the records"
PROCESS = "Data linkage: how it was done"
QUALITY = "Data linkage: how good it is"
ANALYSIS = "Analysis: what to take into account"
REPORTING = "Reporting: what to tell"
HEADINGS = (PROVISION, PROCESS, QUALITY, ANALYSIS, REPORTING)

SHEET = pa.schema(
    [
        pa.field("heading", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("measure", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("count", pa.int64()),
        pa.field("words", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the sheet.

    ``item`` is an owner's id or ``study``; ``group`` is ``all``, or the kind of group and the group;
    ``people`` is how many people stand behind it, None for a line that is about nobody.
    """

    heading: str
    item: str
    measure: str
    group: str = EVERYBODY
    value: float | None = None
    low: float | None = None
    high: float | None = None
    people: int | None = None
    words: str = ""


@dataclass(slots=True)
class Lines:
    """Lines being gathered."""

    gathered: list[Line] = field(default_factory=list)

    def say(self, heading: str, item: str, measure: str, words: str) -> None:
        """Add a line of words."""
        self.gathered.append(Line(heading, item, measure, words=words))

    def count(self, heading: str, item: str, measure: str, number: int, words: str = "") -> None:
        """Add a count of people or of their records."""
        self.gathered.append(Line(heading, item, measure, value=float(number), people=number, words=words))

    def share(self, item: str, measure: str, found: Measure, *, group: str = EVERYBODY) -> None:
        """Add a measured share under the heading of quality."""
        self.gathered.append(
            Line(
                QUALITY,
                item,
                measure,
                group,
                value=found.value,
                low=found.low,
                high=found.high,
                people=found.people,
            )
        )


def quality_sheet(lines: Iterable[Line]) -> pa.Table:
    """Return the sheet (:data:`SHEET`) of some lines, in the order of the headings, what is small hidden."""
    shown = _hidden(list(lines))
    shown.sort(key=lambda line: HEADINGS.index(line.heading))
    return pa.table(
        [
            [line.heading for line in shown],
            [line.item for line in shown],
            [line.group for line in shown],
            [line.measure for line in shown],
            [_number(line.value) for line in shown],
            [_number(line.low) for line in shown],
            [_number(line.high) for line in shown],
            [line.people for line in shown],
            [line.words for line in shown],
        ],
        schema=SHEET,
    )


def _hidden(lines: Sequence[Line]) -> list[Line]:
    """Hide each line on too few people, and a second of its kind where it would be the only one hidden."""
    out = list(lines)
    kinds: dict[tuple[str, str, str, str], list[int]] = {}
    for at, line in enumerate(lines):
        if line.people is None:
            continue
        if line.group != EVERYBODY:
            kind = line.group.partition(":")[0]
            kinds.setdefault((line.heading, line.item, line.measure, kind), []).append(at)
        if line.people < FEWEST_PEOPLE:
            out[at] = _without_figures(line, HIDDEN)
    for places in kinds.values():
        small = [at for at in places if (lines[at].people or 0) < FEWEST_PEOPLE]
        others = [at for at in places if at not in small]
        if len(small) == 1 and others:
            at = min(others, key=lambda each: (lines[each].people or 0, lines[each].group))
            out[at] = _without_figures(lines[at], HIDDEN_WITH_IT)
    return out


def _without_figures(line: Line, words: str) -> Line:
    return replace(line, value=None, low=None, high=None, people=None, words=words)


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
