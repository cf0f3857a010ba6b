"""A made-up study made by numpy: families of a programme with an effect that is known, for tests of the
analysis.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from families_first.research.protocol import StudyProtocol, read_protocol
from families_first.research.study_data import Categories, OwnerLinks, Provenance, StudyData

QUARTERS = np.arange(2022 * 4, 2026 * 4)
FIRST = 2024 * 4
OWN = """\
id = "own-analysis"
title = "Did the programme help?"
version = 1
project = "own"
question = "Of children whose family took part, how many fewer came into care?"
made_up = true

[population]
describes = "Members of families that were assessed"
min_families = 40

[comparison]
describes = "families that were assessed and did not take part"

[exposure]
describes = "a keyworker"

[follow_up]
quarters = 8
history = 8
records_from = 2022-01-01
records_until = 2025-12-31

[design]
estimand = "The effect on those who took part"
assignment = "By need"
assumptions = ["What led families to take part is among the covariates"]

[windows.year]
quarters = [1, 4]
label = "in the first year"

[windows.later]
quarters = [5, 8]
label = "in the second year"

[[outcomes]]
id = "care"
label = "Children looked after"
primary = true
better = "lower"
who = "child"
windows = ["later", "year"]
unit_cost = { pounds = 50000, low = 35000, high = 70000, source = "made up" }

[[outcomes]]
id = "work"
label = "Adults in employment"
primary = true
better = "higher"
who = "adult"
windows = ["later"]

[[outcomes]]
id = "absence"
label = "School sessions missed"
measure = "share"
better = "lower"
who = "child"
windows = ["later"]

[[outcomes]]
id = "arrests"
label = "Arrests"
measure = "count"
better = "lower"
windows = ["later"]

[[covariates]]
id = "need"
quarters = [-8, -5]

[[covariates]]
id = "history"
quarters = [-8, -5]

[[covariates]]
id = "place"
field = "place"

[method]
primary = "doubly-robust"
others = ["inverse-probability"]
trim = 0.0

[[subgroups]]
id = "by-place"
field = "place"

[linkage]
imputations = 5
seed = 3

[missing]
method = "complete"

[[placebo]]
outcome = "care"
quarters = [-4, -1]
label = "in the year before"

[sensitivity]
rosenbaum = [1.0, 2.0]

[specifications]
vary = ["method"]
permutations = 100

[money]
cost_per_family = { pounds = 2000, low = 1500, high = 3000, source = "made up" }
draws = 2000

[data]
family = "family"
treated = "treated"
start = "joined"

[data.fields]
role = "role"
place = "place"
"""
PLACES = ("Hill", "Shore", "Vale")


def own_protocol(*changes: tuple[str, str]) -> StudyProtocol:
    """Return the protocol, with passages replaced that must each be there."""
    return read_protocol(own_text(*changes).encode(), file_name="own.toml").protocol


def own_text(*changes: tuple[str, str]) -> str:
    """Return the protocol's text, with passages replaced that must each be there once."""
    text = OWN
    for old, new in changes:
        assert text.count(old) == 1, f"{text.count(old)} times: {old}"
        text = text.replace(old, new)
    return text


@dataclass(slots=True)
class Rows:
    """A study as columns, one row a person; tests change them to make it a bad one.

    ``truth`` is the effect on those who took part, by variable.
    """

    family: np.ndarray
    treated: np.ndarray
    role: np.ndarray
    place: np.ndarray
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    truth: dict[str, float] = field(default_factory=dict)

    def keep(self, kept: np.ndarray) -> None:
        """Leave everybody else out."""
        for name in ("family", "treated", "role", "place"):
            setattr(self, name, getattr(self, name)[kept])
        self.columns = {name: values[kept] for name, values in self.columns.items()}

    def study(self) -> StudyData:
        """Return the data of an evaluation, every value certain."""
        everybody = np.ones(len(self.family), dtype=np.bool_)
        of = {"child": self.role == "child", "adult": self.role == "adult"}
        certain = {
            name: np.where(_asked(name, of, everybody), values, np.nan)
            for name, values in self.columns.items()
        }
        return StudyData(
            family=self.family,
            treated=self.treated,
            start=np.full(len(self.family), FIRST),
            fields={"role": Categories.of(self.role), "place": Categories.of(self.place)},
            certain=certain,
            certain_panels={},
            owners=(),
            quarters=np.empty(0, dtype=np.int64),
            observed={name: _asked(name, of, everybody) for name in self.columns if "@" in name},
            provenance=Provenance("own-analysis", 1, "0" * 64, "1" * 64, "0", True, True),
        )

    def write(self, path: Path) -> Path:
        """Write them as a file of one's own (CSV)."""
        names = ["family", "treated", "joined", "role", "place", *self.columns]
        lines = [",".join(names)]
        for k in range(len(self.family)):
            values = [self.columns[name][k] for name in self.columns]
            told = ["" if np.isnan(each) else f"{each:g}" for each in values]
            first = [f"f{self.family[k]}", str(int(self.treated[k])), "2024-Q1", self.role[k], self.place[k]]
            lines.append(",".join([*first, *told]))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


def _asked(name: str, of: Mapping[str, np.ndarray], everybody: np.ndarray) -> np.ndarray:
    outcome = name.partition("@")[0]
    if "@" not in name:
        return everybody
    return {"care": of["child"], "absence": of["child"], "work": of["adult"]}.get(outcome, everybody)


def rows(
    *,
    families: int = 600,
    seed: int = 1,
    effect: float = -0.10,
    selection: float = 0.8,
    before: Callable[[np.ndarray], np.ndarray] = np.zeros_like,
) -> Rows:
    """Make families of two to four, chosen on need and place; who takes part has ``effect`` on being looked
    after.

    ``effect`` is the difference of risks of each child that takes part; on work it is none, on absence half
    as large, and on arrests a tenth. ``before`` is what taking part seems to do before anybody began, by
    need.
    """
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 5, families)
    family = np.repeat(np.arange(families), sizes)
    units = len(family)
    need_of_family = rng.normal(size=families)
    place_of_family = rng.integers(0, len(PLACES), families)
    chance = 1 / (1 + np.exp(-selection * (need_of_family + 0.3 * (place_of_family == 0))))
    treated = (rng.random(families) < chance)[family]
    first = np.r_[True, family[1:] != family[:-1]]
    role = np.where(first, "adult", "child")
    shared = rng.normal(size=families)[family]
    need, history = (
        need_of_family[family],
        rng.poisson(np.exp(0.3 * need_of_family[family] - 1)).astype(float),
    )

    truth: dict[str, float] = {}
    child = role == "child"

    def happens(name: str, base: float, change: np.ndarray | float) -> np.ndarray:
        without = 1 / (1 + np.exp(-(base + 0.5 * need + 0.3 * history + 0.4 * shared)))
        with_ = np.clip(without + change, 0.0, 1.0)
        asked = treated & (~child if name.startswith("work") else child)
        truth[name] = float((with_ - without)[asked].mean())
        return (rng.random(units) < np.where(treated, with_, without)).astype(float)

    columns = {
        "need": need,
        "history": history,
        "care@later": happens("care@later", -1.2, effect),
        "care@year": happens("care@year", -1.0, effect),
        "work@later": happens("work@later", 0.3, 0.0),
        "absence@later": np.clip(
            0.25 + 0.03 * need + np.where(treated, effect / 2, 0) + rng.normal(0, 0.05, units), 0, 1
        ),
        "arrests@later": rng.poisson(np.exp(-1 + 0.3 * need) * np.where(treated, 0.9, 1.0)).astype(float),
        "care@placebo": happens("care@placebo", -1.2, before(need)),
    }
    return Rows(family, treated, role, np.asarray(PLACES)[place_of_family][family], columns, truth)


def with_uncertain_links(study: StudyData, *, sure: float, seed: int = 5) -> StudyData:
    """Hang every outcome on links to an owner's records, each right with the probability ``sure``.

    A unit has two candidates: its own record, and that of the unit after it with the rest of the probability;
    the probabilities are true, because the records are swapped as often as they say.
    """
    rng = np.random.default_rng(seed)
    units = study.units
    names = [name for name in study.certain if "@" in name]
    partner = np.arange(units).reshape(-1, 2)[:, ::-1].ravel() if units % 2 == 0 else None
    assert partner is not None, "an even number of people, please"
    swapped = np.repeat(rng.random(units // 2) >= sure, 2)
    holder = np.where(swapped, partner, np.arange(units))  # whose values the record of a number really holds
    values = {}
    for name in names:
        whole = study.certain[name]
        of_record = np.where(np.isnan(whole), 0.0, whole)[holder]
        values[name] = np.concatenate([of_record, of_record[partner]])
    owner = OwnerLinks(
        owner="education",
        unit=np.concatenate([np.arange(units), np.arange(units)]),
        record=np.concatenate([np.arange(units), partner]),
        probability=np.concatenate([np.full(units, sure), np.full(units, 1 - sure)]),
        values=values,
        absent=dict.fromkeys(names, 0.0),
        panels={},
    )
    certain = {name: each for name, each in study.certain.items() if name not in names}
    return replace(study, certain=certain, owners=(owner,))


def even(made: Rows) -> Rows:
    """Leave the last person out where the number of people is odd."""
    if len(made.family) % 2:
        made.keep(np.arange(len(made.family)) < len(made.family) - 1)
    return made
