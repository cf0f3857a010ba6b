"""LaLonde's data as R's MatchIt has them, for tests: 185 of the experiment, 429 of a survey."""

import csv
from pathlib import Path

import numpy as np

from families_first.research.evaluation.design import Design, build_design

NAMES = ("age", "educ", "black", "hispan", "married", "nodegree", "re74", "re75")
DATA = Path(__file__).parent / "reference" / "data"


def _read() -> dict[str, np.ndarray]:
    with (DATA / "lalonde.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


COLUMNS = _read()
TREATED = COLUMNS["treat"] == 1
VALUES = np.column_stack([COLUMNS[name] for name in NAMES])
EARNED = COLUMNS["re78"]
RACE = (COLUMNS["black"] + 2 * COLUMNS["hispan"]).astype(np.int64)
ROWS = np.arange(len(TREATED))
ROW_NAMES = [f"NSW{i + 1}" for i in range(185)] + [f"PSID{i + 1}" for i in range(429)]


def lalonde_design(*, names: tuple[str, ...] = NAMES, families: np.ndarray | None = None) -> Design:
    """The design over some of the covariates; everybody is a family alone unless families are given."""
    values = np.column_stack([COLUMNS[name] for name in names])
    return build_design(TREATED, ROWS if families is None else families, values, names)


def matchit_pairs() -> set[tuple[str, str]]:
    """The pairs that MatchIt 4.7.2 printed."""
    with (DATA / "matchit_lalonde_pairs.csv").open(encoding="utf-8") as file:
        return {(row["t"], row["c"]) for row in csv.DictReader(file)}
