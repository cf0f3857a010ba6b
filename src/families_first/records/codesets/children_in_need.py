"""Codes of the children in need census: need, source of referral, disability, factors at assessment.

Source: Department for Education, Children in need census guides and validation rules. Meanings that we have
from memory alone are marked indicative.
"""

from datetime import date
from typing import Final

from families_first.records.codesets.codeset import Code, CodeSet
from families_first.records.kinds import EpisodeKind

_CENSUS: Final = "DfE, Children in need census guide for local authorities"

PRIMARY_NEED: Final = CodeSet(
    name="Primary need",
    source=_CENSUS,
    codes=(
        Code("N0", "Not stated", indicative=True),
        Code("N1", "Abuse or neglect", indicative=True),
        Code("N2", "Child's disability or illness", indicative=True),
        Code("N3", "Parent's disability or illness", indicative=True),
        Code("N4", "Family in acute stress", indicative=True),
        Code("N5", "Family dysfunction", indicative=True),
        Code("N6", "Socially unacceptable behaviour", indicative=True),
        Code("N7", "Low income", indicative=True),
        Code("N8", "Absent parenting", indicative=True),
        Code("N9", "Case other than a child in need", indicative=True),
    ),
)

REFERRAL_SOURCE: Final = CodeSet(
    name="Source of referral",
    source=_CENSUS,
    codes=(
        Code("1A", "Individual: family member, relative or carer", "individual", indicative=True),
        Code("1B", "Individual: acquaintance", "individual", indicative=True),
        Code("1C", "Individual: self", "individual", indicative=True),
        Code("1D", "Individual: other", "individual", indicative=True),
        Code("2A", "School", "education", indicative=True),
        Code("2B", "Education service", "education", indicative=True),
        Code("3A", "Health: general practitioner", "health", indicative=True),
        Code("3B", "Health: health visitor", "health", indicative=True),
        Code("3C", "Health: school nurse", "health", indicative=True),
        Code("3D", "Health: other primary service", "health", indicative=True),
        Code("3E", "Health: accident and emergency", "health", indicative=True),
        Code("3F", "Health: other", "health", indicative=True),
        Code("4", "Housing", "housing"),
        Code("5A", "Council: social care", "council", indicative=True),
        Code("5B", "Council: other internal service", "council", indicative=True),
        Code("5C", "Council: another local authority", "council", indicative=True),
        Code("5D", "Council: other", "council", indicative=True),
        Code("6", "Police", "police"),
        Code("7", "Other legal agency: court, probation, immigration, CAFCASS, prison", "justice"),
        Code("8", "Other", "other", indicative=True),
        Code("9", "Anonymous", "other", indicative=True),
        Code("10", "Unknown", "other", indicative=True),
    ),
)

DISABILITY: Final = CodeSet(
    name="Disability",
    source=_CENSUS,
    codes=(
        Code("NONE", "No disability"),
        Code("MOB", "Mobility"),
        Code("HAND", "Hand function"),
        Code("PC", "Personal care"),
        Code("INC", "Incontinence"),
        Code("COMM", "Communication"),
        Code("LD", "Learning"),
        Code("HEAR", "Hearing"),
        Code("VIS", "Vision"),
        Code("BEH", "Behaviour"),
        Code("CON", "Consciousness"),
        Code("AUT", "Autism or Asperger syndrome"),
        Code("DDA", "Disabled under the Equality Act, none of the above"),
    ),
)

# The three-part factors say of whom: A the child, B a parent or carer, C another person in the household.
_OF_WHOM: Final = (("A", "child"), ("B", "parent or carer"), ("C", "another person in the household"))
_SPLIT_FROM: Final = date(2021, 4, 1)  # factor 18 and 19 split by who harmed: from memory


def _of_whom(number: int, subject: str, kind: EpisodeKind) -> tuple[Code, ...]:
    return tuple(Code(f"{number}{letter}", f"{subject}: {who}", kind) for letter, who in _OF_WHOM)


_K = EpisodeKind
ASSESSMENT_FACTOR: Final = CodeSet(
    name="Factors identified at the end of assessment",
    source=_CENSUS,
    codes=(
        *_of_whom(1, "Alcohol misuse", _K.ASSESSED_SUBSTANCE_MISUSE),
        *_of_whom(2, "Drug misuse", _K.ASSESSED_SUBSTANCE_MISUSE),
        *_of_whom(3, "Domestic abuse", _K.ASSESSED_DOMESTIC_ABUSE),
        *_of_whom(4, "Mental health", _K.ASSESSED_MENTAL_HEALTH),
        *_of_whom(5, "Learning disability", _K.ASSESSED_DISABILITY),
        *_of_whom(6, "Physical disability or illness", _K.ASSESSED_DISABILITY),
        Code("7A", "Young carer", _K.YOUNG_CARER),
        Code("8B", "Privately fostered: overseas child", indicative=True),
        Code("8C", "Privately fostered: staying with friends", indicative=True),
        Code("8D", "Privately fostered: holidays or education", indicative=True),
        Code("8E", "Privately fostered: other", indicative=True),
        Code("8F", "Privately fostered: other", indicative=True),
        Code("9A", "Unaccompanied asylum-seeking child", indicative=True),
        Code("10A", "Going missing", _K.ASSESSED_EXPLOITATION),
        Code("11A", "Child sexual exploitation", _K.ASSESSED_EXPLOITATION),
        Code("12A", "Trafficking", _K.ASSESSED_EXPLOITATION),
        Code("13A", "Gangs", _K.ASSESSED_EXPLOITATION),
        Code("14A", "Socially unacceptable behaviour"),
        Code("15A", "Self-harm", _K.ASSESSED_MENTAL_HEALTH),
        Code("16A", "Neglect"),
        Code("17A", "Emotional abuse"),
        Code("18A", "Physical abuse", valid_to=date(2021, 3, 31), indicative=True),
        Code("18B", "Physical abuse: child on child", valid_from=_SPLIT_FROM, indicative=True),
        Code("18C", "Physical abuse: adult on child", valid_from=_SPLIT_FROM, indicative=True),
        Code("19A", "Sexual abuse", valid_to=date(2021, 3, 31), indicative=True),
        Code("19B", "Sexual abuse: child on child", valid_from=_SPLIT_FROM, indicative=True),
        Code("19C", "Sexual abuse: adult on child", valid_from=_SPLIT_FROM, indicative=True),
        Code("20", "Other", indicative=True),
        Code("21", "No factors identified"),
        Code("22A", "Female genital mutilation", indicative=True),
        Code("23A", "Abuse linked to faith or belief", indicative=True),
        Code("24A", "Child criminal exploitation", _K.ASSESSED_EXPLOITATION, indicative=True),
    ),
)


def factor_episode(code: str, day: date) -> EpisodeKind | None:
    """Return the episode that a factor found on a day opens, or None for a factor that opens none."""
    found = ASSESSMENT_FACTOR.find(code, day)
    return EpisodeKind(found.group) if found and found.group else None
