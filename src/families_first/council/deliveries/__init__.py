"""Deliveries: files as agencies sent them, checked against mapping and agreement, landed whole or not at
all."""

from families_first.council.deliveries.contract import export_contract
from families_first.council.deliveries.current import current_tables
from families_first.council.deliveries.health import FeedHealth, Freshness, feed_health
from families_first.council.deliveries.landing import check_delivery, land_delivery
from families_first.council.deliveries.mapping_file import (
    SourceMapping,
    load_mapping,
    load_mappings,
    mapping_for,
    parse_mapping,
)
from families_first.council.deliveries.report import DeliveryReport, QuarantineLimitExceeded
from families_first.council.deliveries.suggesting import Suggestion, suggest, suggest_mapping

__all__ = [
    "DeliveryReport",
    "FeedHealth",
    "Freshness",
    "QuarantineLimitExceeded",
    "SourceMapping",
    "Suggestion",
    "check_delivery",
    "current_tables",
    "export_contract",
    "feed_health",
    "land_delivery",
    "load_mapping",
    "load_mappings",
    "mapping_for",
    "parse_mapping",
    "suggest",
    "suggest_mapping",
]
