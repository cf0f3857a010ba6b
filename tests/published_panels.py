"""Data with published answers, read from the files that a package ships and checked, value by value.

Loaders of such packages may fall back on made-up data without a word, so the files themselves are read, and
the sum of their values is compared with the one that the published answers belong to.
"""

import gzip
import hashlib
import importlib.util
import pickle
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

CHECKED = {
    "mpdta_long": "72b38e968b494369",
    "nsw_long": "da5f0946482d68f4",
    "ehec_data": "cc47706538bd060f",
}


@dataclass(frozen=True)
class Panel:
    outcome: np.ndarray
    periods: np.ndarray
    start: np.ndarray
    covariates: np.ndarray


@cache
def frame(name):
    """Return a data set of moderndid's as a table, after its values have been checked."""
    found = importlib.util.find_spec("moderndid")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "core" / "datasets" / f"{name}.pkl.gz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with gzip.open(path) as file:
            # The file is part of a locked package, whose hash was checked when it was installed.
            table = pickle.load(file)  # noqa: S301
    assert fingerprint(table) == CHECKED[name], f"{name} is not the published data"
    return table


def fingerprint(table):
    """Return a hash of all numbers of a table, to ten significant digits."""
    digest = hashlib.sha256()
    for column in table.columns:
        for value in table[column].to_numpy():
            digest.update(f"{float(value):.10g};".encode())
    return digest.hexdigest()[:16]


def mpdta():
    """500 counties, 2003 to 2007: log teenage employment, the year minimum wages rose, log population."""
    table = frame("mpdta_long").sort_values(["countyreal", "year"])
    wide = {name: table[name].to_numpy().reshape(500, 5) for name in ("lemp", "first.treat", "lpop", "year")}
    assert (wide["year"] == np.arange(2003, 2008)).all()
    return Panel(
        wide["lemp"].astype(float),
        np.arange(2003, 2008),
        wide["first.treat"][:, 0].astype(int),
        wide["lpop"][:, :1].astype(float),
    )


def nsw_controls():
    """Controls of the NSW experiment ("treated") and the CPS comparison: earnings before and after,
    covariates.
    """
    table = frame("nsw_long")
    table = table[(table["treated"] == 0) | (table["sample"] == 2)].sort_values(["id", "year"])
    before, after = (table[table["year"] == year] for year in (1975, 1978))
    names = ["age", "educ", "black", "married", "nodegree", "hisp", "re74"]
    return (
        before["re"].to_numpy(float),
        after["re"].to_numpy(float),
        before["experimental"].to_numpy() == 1,
        before[names].to_numpy(float),
    )


def medicaid():
    """Effects of the 2014 Medicaid expansion on insurance by year, and their covariance clustered by state.

    As HonestDiD's README: without states that expanded in 2015, to 2015; base year 2013; two-way fixed
    effects with the small-sample factor of R's fixest.
    """
    table = frame("ehec_data")
    table = table[(table["year"] < 2016) & (table["yexp2"].isna() | (table["yexp2"] != 2015))]
    year, state = table["year"].to_numpy(), table["stfips"].to_numpy()
    outcome, expanded = table["dins"].to_numpy(float), (table["yexp2"] == 2014).to_numpy(float)
    seen = [each for each in np.unique(year) if each != 2013]
    columns = np.column_stack([expanded * (year == each) for each in seen])
    states, years = np.unique(state), np.unique(year)[1:]
    fixed = np.column_stack([state == each for each in states] + [year == each for each in years])

    def residual(values):
        return values - fixed @ np.linalg.lstsq(fixed.astype(float), values, rcond=None)[0]

    columns, outcome = residual(columns), residual(outcome)
    inverse = np.linalg.inv(columns.T @ columns)
    effects = inverse @ (columns.T @ outcome)
    left = outcome - columns @ effects
    sums = np.stack([columns[state == each].T @ left[state == each] for each in states])
    rows, used = len(outcome), len(seen) + len(years) + 1
    factor = len(states) / (len(states) - 1) * (rows - 1) / (rows - used)
    return effects, inverse @ (sums.T @ sums) @ inverse * factor
