"""What of the owners' records a protocol names: the extract holds that and nothing more."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from families_first.research.protocol import StudyProtocol, Variable
from families_first.research.protocol.parts import FactTable, Measurement, Outcome

COUNCIL = "council"
"""The owner whose records need no linking: its people are the study's."""

_Key = tuple[str, FactTable, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Feature:
    """One kind of thing that one owner records, as the protocol needs it.

    Attributes
    ----------
    number
        Its place among the features of the protocol.
    owner, table, kind, details
        Where it is recorded; ``details`` narrow it, empty for all.
    needs_days
        Whether days are counted; otherwise only whether it was open, which tells less of anybody.
    quarters
        The quarters relative to time zero that are looked at, in order.
    panel
        Whether it is followed over all calendar quarters too.
    """

    number: int
    owner: str
    table: FactTable
    kind: str
    details: tuple[str, ...]
    needs_days: bool
    quarters: tuple[int, ...]
    panel: bool

    @property
    def key(self) -> _Key:
        """What tells it from the others."""
        return self.owner, self.table, self.kind, self.details


def features_of(protocol: StudyProtocol) -> tuple[Feature, ...]:
    """Return what a protocol names, each once, in the order of the owners and kinds."""
    quarters: dict[_Key, set[int]] = {}
    days: dict[_Key, bool] = {}
    panel: dict[_Key, bool] = {}
    for variable in variables_of(protocol):
        key = key_of(variable)
        quarters.setdefault(key, set()).update(_quarters(variable.first, variable.last))
        days[key] = days.get(key, False) or variable.recorded.measure == Measurement.DAYS
        recorded = variable.recorded
        panel[key] = panel.get(key, False) or (isinstance(recorded, Outcome) and recorded.did)
    return tuple(
        Feature(number, *key, days[key], tuple(sorted(quarters[key])), panel[key])
        for number, key in enumerate(sorted(quarters, key=str))
    )


def variables_of(protocol: StudyProtocol) -> Iterator[Variable]:
    """Yield every variable that comes out of an owner's records."""
    for variable in (
        *protocol.outcome_variables(),
        *protocol.placebo_variables(),
        *protocol.recorded_covariates(),
    ):
        if variable.recorded.is_recorded:
            yield variable


def key_of(variable: Variable) -> _Key:
    """Return the key of the feature that a variable counts."""
    recorded = variable.recorded
    if recorded.owner is None or recorded.table is None or recorded.kind is None:
        raise ValueError(f"{variable.id} is not recorded by an owner")
    return recorded.owner, recorded.table, recorded.kind, tuple(sorted(recorded.details))


def owners_of(features: Iterable[Feature]) -> tuple[str, ...]:
    """Return the owners whose records are needed, in the order of the alphabet."""
    return tuple(sorted({feature.owner for feature in features}))


def _quarters(first: int, last: int) -> Iterator[int]:
    return (quarter for quarter in range(first, last + 1) if quarter != 0)
