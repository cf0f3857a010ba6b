"""The settings of family formation, each with its reason. A council may change them; none is fitted to a
data set."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member is in the family."""

    CHILD = "child"
    PARENT = "parent"
    STEP_PARENT = "step_parent"
    PARENTS_PARTNER = "parents_partner"  # lives with a parent as a couple; no source says more
    CARER = "carer"
    NON_RESIDENT_PARENT = "non_resident_parent"
    ADULT_CHILD = "adult_child"  # lives with a parent of the family and is no longer dependent
    GRANDPARENT = "grandparent"  # lives with the family without being a child's carer


@dataclass(frozen=True, slots=True)
class FamilyRules:
    """How families are formed.

    ``child_under`` and ``young_person_under`` (years) are the dependent child test of the 2015 programme: 0
    to 15, or 16 to 18 in full-time education or training, or unemployed, and living with a parent or main
    carer.

    ``occupancy_cap`` (people) and ``surnames_cap``: an address with more people than the one and more
    surnames than the other is taken for communal. Household studies from UPRNs call more than ten people
    improbable (Harper et al., IJPDS 2024); a large family shares few surnames.

    ``youngest_parent`` and ``oldest_parent`` (years at the birth): outside them a recorded parent is taken
    for a mistake of record or match. ``youngest_carer`` (years older than the child) is the same for
    step-parents and carers.

    ``partner_gap`` (years): the most by which two adults of one home and one household reference or surname
    may differ in age to be taken for a couple where no source says so.

    ``generation`` (years): two adults of one home so far apart in age are taken for parent and child, where
    they share a surname or a household reference and no source says how they are related.

    ``corroborating_records``: how many records each of two people needs at an address for it to count as
    shared without a common surname, a relationship or a common household reference.
    ``shared_care_sources``: how many sources must place a child at the home of the other parent for the
    child to belong to both homes.

    ``communal_uprns``: addresses known to be communal from their classification, whatever the records say.
    """

    child_under: int = 16
    young_person_under: int = 19
    occupancy_cap: int = 10
    surnames_cap: int = 3
    youngest_parent: int = 12
    oldest_parent: int = 65
    youngest_carer: int = 10
    partner_gap: int = 15
    generation: int = 16
    corroborating_records: int = 2
    shared_care_sources: int = 2
    communal_uprns: frozenset[str] = frozenset()
