"""Every check, by the name under which the promise register knows it."""

from collections.abc import Mapping
from types import MappingProxyType

from families_first.assurance.check import Check
from families_first.assurance.checks import (
    analysis,
    at_rest,
    audit,
    code,
    extract,
    keys,
    landing,
    linked_rows,
    need_to_know,
    outcomes,
    parcels,
    policy_space,
    pseudonyms,
    retention,
    staff,
    who_is_in,
)

_OF_A_STUDY = (outcomes, pseudonyms, who_is_in, extract, analysis, linked_rows)
_ROOMS = (
    *(policy_space, need_to_know, staff, code, landing, at_rest, keys, parcels),
    *_OF_A_STUDY,
    *(audit, retention),
)

CHECKS: Mapping[str, Check] = MappingProxyType(
    {each.name: each for room in _ROOMS for each in vars(room).values() if isinstance(each, Check)}
)
