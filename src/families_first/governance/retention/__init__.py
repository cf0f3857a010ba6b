"""How long each kind of record is kept, and how it is destroyed so that anyone can check it."""

from families_first.governance.retention.classes import (
    PROGRAMME_CLASS,
    ClassId,
    CountedFrom,
    DestroyAfter,
    RetentionClass,
)

__all__ = ["PROGRAMME_CLASS", "ClassId", "CountedFrom", "DestroyAfter", "RetentionClass"]
