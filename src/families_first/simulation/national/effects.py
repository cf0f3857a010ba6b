"""The truth of effects: exact rates under both arms of those who take part, by outcome, window and group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.simulation.national.follow_up import Arms
from families_first.simulation.national.quarters import WINDOWS

Numbers = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

EVERYBODY = "all"


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to group members: ``label`` names the groups, ``code`` is by member."""

    field: str
    labels: tuple[str, ...]
    code: Integers


@dataclass(slots=True)
class Sums:
    """Sums over people who take part, by (outcome, window, field, group), so that pieces of a nation add up.

    Each holds people, exact chances without and with the programme, and what was drawn under both.
    """

    rows: dict[tuple[str, str, str, str], Numbers]

    def add(self, arms: Arms, takes_part: Flags, groupings: Sequence[Grouping]) -> None:
        """Add one outcome of one piece; ``takes_part`` and the groupings' codes are by member."""
        member = arms.course.member
        treated = takes_part[member]
        for window in WINDOWS:
            values = np.stack((*arms.chance[window], *arms.came[window]), axis=1)[treated]
            asked = ~np.isnan(values[:, 0])
            values, who = values[asked], member[treated][asked]
            for grouping in groupings:
                code = grouping.code[who]
                size = len(grouping.labels)
                people = np.bincount(code, minlength=size)
                sums = [np.bincount(code, weights=column, minlength=size) for column in values.T]
                for number, label in enumerate(grouping.labels):
                    if people[number]:
                        key = (arms.course.process.id, window, grouping.field, label)
                        row = np.array([people[number], *(each[number] for each in sums)])
                        self.rows[key] = self.rows[key] + row if key in self.rows else row

    def merge(self, other: "Sums") -> None:
        """Add the sums of another part."""
        for key, row in other.rows.items():
            self.rows[key] = self.rows[key] + row if key in self.rows else row

    def table(self) -> pa.Table:
        """Return the effects on those who take part.

        Columns: outcome, window, field, group, people; ``base`` and ``treated`` (exact mean chances without
        and with the programme, shares of 1), ``difference`` and ``relative`` (to the base; null where that is
        0); and the same of what was drawn, as ``drawn_base``, ``drawn_treated``, ``drawn_difference``.
        """
        keys = list(self.rows)
        sums = np.array(list(self.rows.values())).reshape(-1, 5)
        means = sums[:, 1:] / sums[:, :1]
        base, treated, drawn_base, drawn_treated = means.T
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = (treated - base) / base
        return pa.table(
            {
                **{
                    name: pa.array([key[place] for key in keys], pa.string())
                    for place, name in enumerate(("outcome", "window", "field", "group"))
                },
                "people": sums[:, 0].astype(np.int64),
                "base": base,
                "treated": treated,
                "difference": treated - base,
                "relative": pa.array(relative, mask=base == 0),
                "drawn_base": drawn_base,
                "drawn_treated": drawn_treated,
                "drawn_difference": drawn_treated - drawn_base,
            }
        )


def person_columns(arms: Arms, people: int) -> Mapping[str, pa.Array]:
    """Return by member the exact chances under both arms, and what came about under the arm each was in.

    Columns ``p0:<outcome>@<window>``, ``p1:...`` and ``y0:...``, ``y1:...`` (drawn without and with the
    programme), float32, null for whom the outcome is not asked.
    """
    columns = {}
    for window in WINDOWS:
        name = f"{arms.course.process.id}@{window}"
        for prefix, pair in (("p", arms.chance[window]), ("y", arms.came[window])):
            for arm, values in enumerate(pair):
                whole = np.full(people, np.nan, dtype=np.float32)
                whole[arms.course.member] = values
                columns[f"{prefix}{arm}:{name}"] = pa.array(whole, from_pandas=True)
    return columns
