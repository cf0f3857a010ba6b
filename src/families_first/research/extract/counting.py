"""From counts by quarter to one number for each candidate link and variable, and to panels."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.governance.vault import locked_connection
from families_first.research.extract.features import Feature, key_of
from families_first.research.extract.quarters import aligned_sql
from families_first.research.protocol import Variable
from families_first.research.protocol.parts import FactTable, Measurement

Floats = npt.NDArray[np.float64]
Panel = npt.NDArray[np.float32]

_COUNTED_BY: Mapping[tuple[FactTable, Measurement], str] = {
    (FactTable.EVENT, Measurement.ANY): "CAST(coalesce({happened}, 0) > 0 AS DOUBLE)",
    (FactTable.EVENT, Measurement.COUNT): "coalesce({happened}, 0)",
    (FactTable.EPISODE, Measurement.ANY): "CAST(coalesce({days}, 0) > 0 AS DOUBLE)",
    (FactTable.EPISODE, Measurement.COUNT): "coalesce({began}, 0)",
    (FactTable.EPISODE, Measurement.DAYS): "coalesce({days}, 0)",
    (FactTable.MEASURE, Measurement.SHARE): "{numerator} / nullif({denominator}, 0)",
}
_AS_MANY = 60  # variables in one pass


def values_of(
    variables: Sequence[Variable],
    features: Sequence[Feature],
    facts: Mapping[str, pa.Table],
    first_link: int,
    links: int,
) -> dict[str, Floats]:
    """Return the value of each variable for each candidate link of one owner.

    Parameters
    ----------
    variables
        Of that owner.
    facts
        By canonical table: counts by ``link``, ``feature`` and ``quarter``, of that owner or more.
    first_link, links
        The number of the owner's first candidate link, and how many there are.

    Returns
    -------
    dict
        By variable id, shape (links,). Where a link has no facts nothing happened: 0, and NaN for a share.
    """
    number_of = {feature.key: feature.number for feature in features}
    found: dict[str, Floats] = {}
    for table in FactTable:
        mine = [each for each in variables if each.recorded.table == table]
        for begin in range(0, len(mine), _AS_MANY):
            some = mine[begin : begin + _AS_MANY]
            with locked_connection({"facts": facts[table.value]}) as con:
                columns = ", ".join(
                    f"{_value_sql(table, each, number_of[key_of(each)])} AS v{place}"
                    for place, each in enumerate(some)
                )
                rows = con.sql(
                    f"SELECT link, {columns} FROM facts WHERE link >= ? AND link < ? GROUP BY link",
                    params=[first_link, first_link + links],
                ).to_arrow_table()
            place = rows["link"].to_numpy() - first_link
            for column, each in enumerate(some):
                nothing = np.nan if each.recorded.measure == Measurement.SHARE else 0.0
                values = np.full(links, nothing)
                values[place] = rows[f"v{column}"].to_numpy(zero_copy_only=False)
                found[each.id] = values
    return {each.id: found[each.id] for each in variables}


def panel_of(
    variable: Variable,
    feature: Feature,
    facts: pa.Table,
    candidates: pa.Table,
    quarters: Sequence[int],
) -> Panel:
    """Return an outcome in each calendar quarter for each candidate link of one owner.

    Parameters
    ----------
    variable
        One of the outcome's variables; its windows do not matter.
    facts
        Counts of the outcome's canonical table.
    candidates
        ``link`` and ``start`` (the calendar quarter of time zero), one row a candidate, links in order.
    quarters
        The calendar quarters, one after another.

    Returns
    -------
    Panel
        Shape (candidates, quarters): 0 where nothing happened, NaN for a share of nothing.
    """
    table = feature.table
    measure = variable.recorded.measure
    counted = _COUNTED_BY[table, measure].format(
        **{name: f"sum({name})" for name in ("happened", "days", "began", "numerator", "denominator")}
    )
    nothing = np.nan if measure == Measurement.SHARE else 0.0
    panel = np.full((candidates.num_rows, len(quarters)), nothing, dtype=np.float32)
    if not candidates.num_rows or not len(quarters):
        return panel
    with locked_connection({"facts": facts, "candidates": candidates}) as con:
        aligned = aligned_sql("quarter", "start")
        rows = con.sql(
            f"SELECT link, {aligned} AS aligned, {counted} AS value FROM facts JOIN candidates USING (link) "
            f"WHERE feature = ? AND {aligned} BETWEEN ? AND ? GROUP BY link, aligned",
            params=[feature.number, quarters[0], quarters[-1]],
        ).to_arrow_table()
    first = int(candidates["link"][0].as_py())
    place = rows["link"].to_numpy() - first
    column = rows["aligned"].to_numpy() - quarters[0]
    panel[place, column] = rows["value"].to_numpy(zero_copy_only=False)
    return panel


def _value_sql(table: FactTable, variable: Variable, feature: int) -> str:
    inside = f"FILTER (feature = {feature} AND quarter BETWEEN {variable.first} AND {variable.last})"
    return _COUNTED_BY[table, variable.recorded.measure].format(
        **{
            name: f"(sum({name}) {inside})"
            for name in ("happened", "days", "began", "numerator", "denominator")
        }
    )
