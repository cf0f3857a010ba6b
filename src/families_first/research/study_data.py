"""What an evaluation gets: units with what is certain of them, and what each owner's uncertain links say.

A unit is a person of the programme, assessed or taking part. What an owner knows of a person hangs on which
of its records is that person's, and that is known with a probability only; so each owner's values stand
beside its candidate links, and :func:`draw_links` fills them in: at random, once for each imputation, or by
the most probable link alone.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from families_first.research.evaluation.estimate import Flags, Floats, Ints
from families_first.research.link_drawing import DrawingPlan, most_probable, plan_drawing

Panel = npt.NDArray[np.float32]
"""Shape (rows, quarters)."""


@dataclass(frozen=True, slots=True)
class Categories:
    """A field of words: ``codes`` of shape (units,) are places in ``labels``; every unit has one."""

    codes: npt.NDArray[np.int16]
    labels: tuple[str, ...]

    def is_(self, label: str) -> Flags:
        """Return whether each unit has this label, shape (units,); nobody has one that the field lacks."""
        if label not in self.labels:
            return np.zeros(len(self.codes), dtype=np.bool_)
        return np.asarray(self.codes == self.labels.index(label))

    def as_text(self) -> npt.NDArray[np.object_]:
        """Return the labels themselves, shape (units,)."""
        return np.asarray(self.labels, dtype=object)[self.codes]

    @classmethod
    def of(cls, words: npt.ArrayLike) -> "Categories":
        """Return the categories of an array of words, labels in the order of the alphabet."""
        labels, codes = np.unique(np.asarray(words, dtype=str), return_inverse=True)
        return cls(codes.astype(np.int16), tuple(str(label) for label in labels))


ANYONE: Literal["anyone"] = "anyone"


def who_are(role: Categories, who: str) -> Flags:
    """Return which units have a role, shape (units,); every unit for :data:`ANYONE`."""
    return np.ones(len(role.codes), dtype=np.bool_) if who == ANYONE else role.is_(who)


@dataclass(frozen=True, slots=True)
class OwnerLinks:
    """Candidate links of one owner's records to units, and what each record would say of the unit.

    Attributes
    ----------
    owner
        The owner's id, such as ``justice``.
    unit, record
        Shape (candidates,): the number of the unit, and that of the owner's record, which is drawn for one
        unit at most.
    probability
        Shape (candidates,): that the record is the unit's. Sums to 1 at most for a record, and for a unit too
        unless ``several``.
    values
        By variable id, shape (candidates,).
    absent
        By variable id, and by outcome id for panels: the value where no record is linked, of every unit or by
        unit (units,). 0.0 where no record means that nothing happened; NaN where nothing is known.
    panels
        By outcome id, shape (candidates, quarters): the quarters of :attr:`StudyData.quarters`.
    measures
        By variable id, and by outcome id for panels: ``any``, ``count``, ``days`` or ``share``; says how
        several records of a unit add up.
    several
        Whether the owner may have several records of one person.
    plan
        How the links compete; worked out from the others.
    """

    owner: str
    unit: Ints
    record: Ints
    probability: Floats
    values: Mapping[str, Floats]
    absent: Mapping[str, float | Floats]
    panels: Mapping[str, Panel]
    measures: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    several: bool = False
    plan: DrawingPlan = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once how links compete, for as many draws as are wanted."""
        object.__setattr__(self, "plan", plan_drawing(self.unit, self.record, several=self.several))

    def chance_of_record(self, units: int) -> Floats:
        """Return the chance that each unit has a record, shape (units,)."""
        return np.minimum(np.bincount(self.unit, self.probability, minlength=units), 1.0)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where data come from; every result names it.

    ``protocol_sha256`` is that of the sealed file; ``extract_sha256`` that of the rows used; ``code_version``
    that of this program; ``outcomes_open`` whether outcomes are among the data.
    ``outcomes_released_for`` is the earlier version of the protocol for which outcomes were released, so that
    this version may have been written by somebody who had seen them; 0 where they were released for this
    version, or nothing was released.
    """

    protocol_id: str
    protocol_version: int
    protocol_sha256: str
    extract_sha256: str
    code_version: str
    made_up: bool
    outcomes_open: bool
    outcomes_released_for: int = 0


@dataclass(frozen=True, slots=True)
class StudyData:
    """The data of one study, before links are drawn.

    Attributes
    ----------
    family
        Shape (units,): the number of each unit's family.
    treated
        Shape (units,): whether the unit takes part; otherwise it was assessed only.
    start
        Shape (units,): the calendar quarter of time zero, as year * 4 + quarter - 1.
    fields
        Words by field, for subgroups, exact strata and covariates; ``role`` is always there.
    certain
        By variable id, shape (units,): what is known without linking.
    certain_panels
        By outcome id, shape (units, quarters): of outcomes known without linking.
    owners
        What hangs on uncertain links.
    quarters
        Shape (T,): the calendar quarters of the panels, one after another without a gap. A panel's cell is
        the unit's own three months, counted from its time zero, that began within that quarter.
    observed
        By outcome variable id (``<outcome>@<window>``, and placebos), shape (units,): whether the outcome is
        asked of the unit at all: a child's of children, and its window within the days that records reach.
        For a panel, by outcome id, whether it is asked of the unit. Where it is not, values are NaN. Said of
        every outcome of the protocol, also while outcomes are not opened.
    provenance
        Where the data come from.
    """

    family: Ints
    treated: Flags
    start: Ints
    fields: Mapping[str, Categories]
    certain: Mapping[str, Floats]
    certain_panels: Mapping[str, Panel]
    owners: tuple[OwnerLinks, ...]
    quarters: Ints
    observed: Mapping[str, Flags]
    provenance: Provenance

    @property
    def units(self) -> int:
        """How many people there are."""
        return len(self.family)

    def variable_ids(self) -> tuple[str, ...]:
        """Return the ids of all variables, certain and linked."""
        return (*self.certain, *(name for owner in self.owners for name in owner.values))

    def panel_ids(self) -> tuple[str, ...]:
        """Return the ids of all outcomes that have a panel."""
        return (*self.certain_panels, *(name for owner in self.owners for name in owner.panels))


class _Filled[T](Mapping[str, T]):
    """Values by id, each worked out when it is asked for, so that all of a million people fit in memory."""

    def __init__(self, makers: Mapping[str, Callable[[], T]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> T:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@dataclass(frozen=True, slots=True)
class Completed:
    """Data with one link or none for each unit and owner.

    ``variables`` are by id of shape (units,), ``panels`` by outcome id of shape (units, quarters); each is
    worked out anew when it is asked for, so keep what is used twice. ``linked`` says by owner, of shape
    (units,), whether any record was drawn for the unit.
    """

    variables: Mapping[str, Floats]
    panels: Mapping[str, Panel]
    linked: Mapping[str, Flags]


def draw_links(study: StudyData, rng: np.random.Generator | None) -> Completed:
    """Fill in the values of every owner by one draw of its links.

    Parameters
    ----------
    rng
        Draws a link with its probability, no record for two units; with None the most probable link is taken
        where it is more probable than not (0.5 or more), as a study that passes over linkage error would.
    """
    makers: dict[str, Callable[[], Floats]] = {}
    panels: dict[str, Callable[[], Panel]] = {}
    linked: dict[str, Flags] = {}
    for name, values in study.certain.items():
        makers[name] = _masked(values.copy, study.observed.get(name))
    for name, rows in study.certain_panels.items():
        panels[name] = _masked(rows.copy, study.observed.get(name))
    for owner in study.owners:
        drawn = _drawn(owner, rng)
        has = np.zeros(study.units, dtype=np.bool_)
        has[owner.unit[drawn]] = True
        linked[owner.owner] = has
        for name in owner.values:
            fill = functools.partial(fill_in, owner, name, study.units, drawn)
            makers[name] = _masked(fill, study.observed.get(name))
        for name in owner.panels:
            fill_panel = functools.partial(fill_panel_in, owner, name, study.units, drawn)
            panels[name] = _masked(fill_panel, study.observed.get(name))
    return Completed(_Filled(makers), _Filled(panels), MappingProxyType(linked))


def _drawn(owner: OwnerLinks, rng: np.random.Generator | None) -> Ints:
    """Return the places of the candidates that hold, in this draw."""
    if rng is None:
        return most_probable(owner.unit, owner.record, owner.probability, several=owner.several)
    return owner.plan.draw(owner.probability, rng)


def fill_in(owner: OwnerLinks, name: str, units: int, drawn: Ints) -> Floats:
    """Return a variable of shape (units,), by the candidates at the places ``drawn``."""
    found = np.full(units, owner.absent[name], dtype=np.float64)
    _put(found, owner, name, drawn, owner.values[name])
    return found


def fill_panel_in(owner: OwnerLinks, name: str, units: int, drawn: Ints) -> Panel:
    """Return an outcome's panel of shape (units, quarters), by the candidates at the places ``drawn``."""
    rows = owner.panels[name]
    absent = np.broadcast_to(owner.absent[name], units)
    found = np.repeat(absent[:, None].astype(np.float32), rows.shape[1], axis=1)
    _put(found, owner, name, drawn, rows)
    return found


def _put(
    found: npt.NDArray[np.floating],
    owner: OwnerLinks,
    name: str,
    drawn: Ints,
    values: npt.NDArray[np.floating],
) -> None:
    """Put the values of the drawn candidates where their units are; several of one unit are added up."""
    unit = owner.unit[drawn]
    if not owner.several:
        found[unit] = values[drawn]
        return
    order = np.argsort(unit, kind="stable")
    units, first = np.unique(unit[order], return_index=True)
    if not len(units):
        return
    sorted_values = values[drawn][order]
    measure = owner.measures.get(name, "count")
    if measure == "any":
        found[units] = np.fmax.reduceat(sorted_values, first)
        return
    known = ~np.isnan(sorted_values)
    sums = np.add.reduceat(np.where(known, sorted_values, 0.0), first)
    counts = np.add.reduceat(known.astype(np.float64), first)
    with np.errstate(invalid="ignore"):
        found[units] = np.where(counts > 0, sums / (counts if measure == "share" else 1.0), np.nan)


def _masked[T: npt.NDArray[np.floating]](fill: Callable[[], T], observed: Flags | None) -> Callable[[], T]:
    if observed is None:
        return fill

    def fill_what_is_asked() -> T:
        found = fill()
        found[~observed] = np.nan
        return found

    return fill_what_is_asked
