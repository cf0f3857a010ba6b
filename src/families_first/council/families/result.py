"""What forming families gives: four Arrow tables."""

from dataclasses import dataclass

import pyarrow as pa

_TEXT = pa.string()

_EVIDENCE = [
    pa.field("reason", _TEXT, nullable=False),  # in words
    pa.field("source", _TEXT),
    pa.field("record_id", _TEXT),
    pa.field("delivery_id", _TEXT),
    pa.field("line", pa.int64()),
]

FAMILY = pa.schema(
    [
        pa.field("family_id", _TEXT, nullable=False),
        pa.field("formed_on", pa.date32(), nullable=False),
        pa.field("address_label", _TEXT),  # null when protected or not known
        pa.field("members", pa.int64(), nullable=False),
        pa.field("children", pa.int64(), nullable=False),  # dependent children
    ]
)

MEMBERSHIP = pa.schema(
    [
        pa.field("family_id", _TEXT, nullable=False),
        pa.field("person_id", _TEXT, nullable=False),
        pa.field("role", _TEXT, nullable=False),  # see Role
        pa.field("dependent", pa.bool_(), nullable=False),  # a dependent child
        pa.field("resident", pa.bool_(), nullable=False),  # lives with the family, at least part of the time
        pa.field("date_of_birth", pa.date32()),
        pa.field("valid_from", pa.date32()),
        pa.field("valid_to", pa.date32()),  # first day on which it no longer holds; null while it does
        *_EVIDENCE,
    ]
)

TIE = pa.schema(
    [
        pa.field("person_a", _TEXT, nullable=False),
        pa.field("person_b", _TEXT, nullable=False),
        pa.field("kind", _TEXT, nullable=False),  # person_a is KIND person_b; lives_with is its own inverse
        pa.field("valid_from", pa.date32()),
        pa.field("valid_to", pa.date32()),
        *_EVIDENCE,
    ]
)

SET_ASIDE = pa.schema(
    [
        pa.field("what", _TEXT, nullable=False),  # address | relationship | person
        pa.field("code", _TEXT, nullable=False),
        pa.field("person_id", _TEXT),
        pa.field("other_person_id", _TEXT),
        pa.field("address_key", _TEXT),  # null where the address is protected
        *_EVIDENCE,
    ]
)


@dataclass(frozen=True, slots=True)
class Families:
    """Families with a dependent child on one day.

    ``membership`` holds current memberships and, after them, those that a comparison with the previous
    families has ended. A person may be a member of more than one family (a child in shared care, a parent
    elsewhere).
    ``tie`` holds each relationship and each shared home that was used; ``set_aside`` what was not used, and
    why.
    """

    family: pa.Table
    membership: pa.Table
    tie: pa.Table
    set_aside: pa.Table

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables by name, as they are committed to the vault."""
        return {
            "family": self.family,
            "membership": self.membership,
            "tie": self.tie,
            "set_aside": self.set_aside,
        }
