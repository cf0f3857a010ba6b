"""A vault asked without any policy or log in between: what its keys alone keep shut."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import get_args

from families_first.governance.home import Home
from families_first.governance.vault.dataset import DatasetKind
from families_first.governance.vault.narrowing import Scope

_KINDS = frozenset(get_args(DatasetKind))


@dataclass(frozen=True, slots=True)
class EveryPermit:
    """Access to everything in a home, as a program of somebody's own would have it that asks nobody."""

    home: Home
    action: str = "attack"
    reads: frozenset[str] = _KINDS
    writes: frozenset[str] = frozenset()
    scope: Scope = None

    def check_open(self) -> None:
        """Never refuse."""

    def is_due(self, retention_class: str, received: date) -> bool:
        """Say that nothing is due."""
        return False

    def is_derived_due(self, made_from: Sequence[Sequence[str]]) -> bool:
        """Say that nothing is due."""
        return False
