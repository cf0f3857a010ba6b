"""What an identification gives: six Arrow tables and the pack they rest on."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

_TEXT = pa.string()

RECORDS = pa.list_(
    pa.struct(
        [
            pa.field("happened_on", pa.date32()),
            pa.field("source", _TEXT),
            pa.field("reference", _TEXT),  # the event's or episode's id, or the measure's period
            pa.field("record_id", _TEXT),
            pa.field("delivery_id", _TEXT),
            pa.field("line", pa.int64()),
        ]
    )
)
"""The source records of a finding: enough for a person to open the very row of the delivery it came from."""

FINDING = pa.schema(
    [
        pa.field("family_id", _TEXT, nullable=False),
        pa.field("person_id", _TEXT),  # null where the rule counts across the family
        pa.field("rule", _TEXT, nullable=False),
        pa.field("problem", _TEXT, nullable=False),
        pa.field("threshold", _TEXT, nullable=False),  # in words
        pa.field("value", pa.float64(), nullable=False),
        pa.field("found_on", pa.date32(), nullable=False),  # the latest day of the evidence
        pa.field("expires_on", pa.date32()),  # first day on which it no longer holds; null while open
        pa.field("confidence", pa.float64()),  # least confident match of a record to the person, 0 to 1
        pa.field("records", RECORDS, nullable=False),
        pa.field("sentence", _TEXT, nullable=False),
        pa.field("indicative", pa.bool_(), nullable=False),
        pa.field("resident", pa.bool_(), nullable=False),  # false: of a parent who lives elsewhere
        pa.field("counts", pa.bool_(), nullable=False),  # false: set aside by the non-resident parent rule
    ]
)

NOMINATION = pa.schema(
    [
        pa.field(
            "place", pa.int64(), nullable=False
        ),  # order: distinct problems, then recency, then family id
        pa.field("family_id", _TEXT, nullable=False),
        pa.field("problems", pa.list_(_TEXT), nullable=False),
        pa.field("distinct_problems", pa.int64(), nullable=False),
        pa.field("latest_on", pa.date32(), nullable=False),
        pa.field(
            "holds_until", pa.date32()
        ),  # first day with too few problems if nothing new comes; null: open
        pa.field("sentence", _TEXT, nullable=False),
    ]
)

NEAR_MISS = pa.schema(
    [
        pa.field("family_id", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),  # one-need-short | just-under
        pa.field("person_id", _TEXT),
        pa.field("rule", _TEXT),
        pa.field("problem", _TEXT),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("threshold", pa.float64(), nullable=False),
        pa.field("sentence", _TEXT, nullable=False),
        pa.field("what_would_change_it", _TEXT, nullable=False),
    ]
)

GATEWAY = pa.schema(
    [
        pa.field("family_id", _TEXT, nullable=False),
        pa.field("factors", pa.list_(_TEXT), nullable=False),
        pa.field("met", pa.bool_(), nullable=False),
    ]
)

BLIND = pa.schema(
    [
        pa.field("rule", _TEXT, nullable=False),
        pa.field("problem", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),
        pa.field("source", _TEXT),  # null where no source supplies the kind at all
        pa.field("state", _TEXT, nullable=False),  # absent | stale
        pa.field(
            "wholly", pa.bool_(), nullable=False
        ),  # true: no fresh source supplies any kind the rule reads
        pa.field("sentence", _TEXT, nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Identification:
    """The result of one pack on one day.

    ``finding`` has a row for each rule that holds for a member of a family; ``nomination`` a row for each
    family with enough distinct problems; ``near_miss`` those just short; ``gateway`` the
    multiple-disadvantage check of every family; ``blind`` the rules that cannot say, wholly or in part,
    because a feed is stale or absent.
    """

    pack_id: str
    pack_version: str
    on: date
    minimum_problems: int
    finding: pa.Table
    nomination: pa.Table
    near_miss: pa.Table
    gateway: pa.Table
    blind: pa.Table

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables by name, as they are committed to the vault."""
        return {
            "finding": self.finding,
            "nomination": self.nomination,
            "near_miss": self.near_miss,
            "gateway": self.gateway,
            "blind": self.blind,
        }
