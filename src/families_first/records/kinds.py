"""The kinds of relationship, event, episode and measure that the canonical tables may hold.

A mapping file may only emit these kinds, and a criteria pack may only ask for them. Adding a kind is a
change to this file and to nothing else.
"""

from enum import StrEnum


class RelationshipKind(StrEnum):
    """``record_id`` is <kind> ``related_record_id``."""

    PARENT_OF = "parent_of"
    STEP_PARENT_OF = "step_parent_of"
    CARER_OF = "carer_of"  # has day-to-day care without being a parent (kinship, guardian)
    FOSTER_CARER_OF = "foster_carer_of"  # a care placement: never makes a family
    PARTNER_OF = "partner_of"
    SIBLING_OF = "sibling_of"
    SAME_HOUSEHOLD_AS = "same_household_as"


class EventKind(StrEnum):
    """Things that happen on one day."""

    OFFENCE_ALLEGED = "offence_alleged"
    OFFENCE_PROVEN = "offence_proven"
    ASB_INCIDENT = "asb_incident"
    ASB_INTERVENTION = "asb_intervention"
    DOMESTIC_ABUSE_INCIDENT = "domestic_abuse_incident"
    SUSPENSION = "suspension"  # a fixed-term exclusion
    PERMANENT_EXCLUSION = "permanent_exclusion"
    MISSING_EPISODE = "missing_episode"
    REFERRAL = "referral"
    SECTION_47_ENQUIRY = "section_47_enquiry"
    CUSTODY_RELEASE = "custody_release"
    EVICTION_NOTICE = "eviction_notice"


class EpisodeKind(StrEnum):
    """Things with a start, and an end once it comes."""

    EARLY_HELP = "early_help"
    CHILD_IN_NEED = "child_in_need"
    CHILD_PROTECTION_PLAN = "child_protection_plan"
    LOOKED_AFTER = "looked_after"
    CARE_LEAVER = "care_leaver"
    ASSESSED_DOMESTIC_ABUSE = "assessed_domestic_abuse"  # assessment factors, open while the case is open
    ASSESSED_SUBSTANCE_MISUSE = "assessed_substance_misuse"
    ASSESSED_MENTAL_HEALTH = "assessed_mental_health"
    ASSESSED_EXPLOITATION = "assessed_exploitation"
    ASSESSED_DISABILITY = "assessed_disability"
    YOUNG_CARER = "young_carer"
    ALTERNATIVE_PROVISION = "alternative_provision"
    NOT_ON_ROLL = "not_on_roll"
    NEET = "neet"
    OUT_OF_WORK_BENEFIT = "out_of_work_benefit"
    EMPLOYMENT = "employment"
    RENT_ARREARS = "rent_arrears"
    HOMELESSNESS = "homelessness"
    TEMPORARY_ACCOMMODATION = "temporary_accommodation"
    SUBSTANCE_MISUSE_TREATMENT = "substance_misuse_treatment"
    MENTAL_HEALTH_TREATMENT = "mental_health_treatment"
    COMMUNITY_ORDER = "community_order"
    LICENCE = "licence"
    CUSTODY = "custody"
    YOUTH_JUSTICE_ORDER = "youth_justice_order"


class MeasureKind(StrEnum):
    """Ratios over a period: a numerator of a denominator."""

    ABSENCE = "absence"  # absent sessions of possible sessions
    UNAUTHORISED_ABSENCE = "unauthorised_absence"
    SUSPENDED_SESSIONS = "suspended_sessions"


class EventRole(StrEnum):
    """In what role the person was in the event."""

    SUSPECT = "suspect"
    OFFENDER = "offender"
    VICTIM = "victim"
    PERPETRATOR = "perpetrator"
    CHILD_PRESENT = "child_present"
    SUBJECT = "subject"
