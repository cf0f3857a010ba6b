"""Every check, by the name under which the promise register knows it."""

from collections.abc import Mapping
from types import MappingProxyType

from families_first.assurance.check import Check
from families_first.assurance.checks import (
    at_rest,
    audit,
    code,
    keys,
    landing,
    need_to_know,
    parcels,
    policy_space,
    retention,
    staff,
)

_ROOMS = (policy_space, need_to_know, staff, code, landing, at_rest, keys, parcels, audit, retention)

CHECKS: Mapping[str, Check] = MappingProxyType(
    {each.name: each for room in _ROOMS for each in vars(room).values() if isinstance(each, Check)}
)
