"""Deliveries: files as agencies sent them, checked against a mapping and an agreement, landed whole or not
at all."""

from families_first.council.deliveries.landing import check_delivery, land_delivery
from families_first.council.deliveries.mapping_file import (
    SourceMapping,
    load_mapping,
    load_mappings,
    mapping_for,
    parse_mapping,
)
from families_first.council.deliveries.report import DeliveryReport, QuarantineLimitExceeded

__all__ = [
    "DeliveryReport",
    "QuarantineLimitExceeded",
    "SourceMapping",
    "check_delivery",
    "land_delivery",
    "load_mapping",
    "load_mappings",
    "mapping_for",
    "parse_mapping",
]
