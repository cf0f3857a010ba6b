"""The fields of a person that a protocol may name, as the extract holds them."""

from dataclasses import dataclass

ROLE, SEX, AGE_BAND, ETHNICITY = "role", "sex", "age_band", "ethnicity_group"
REGION, DEPRIVATION, START = "region", "deprivation_fifth", "start_quarter"
NEEDS = "needs"

QUASI_IDENTIFIERS = (ROLE, SEX, AGE_BAND, ETHNICITY, REGION)
COARSENED_FIRST = (ETHNICITY, REGION, DEPRIVATION, AGE_BAND, SEX)
"""The order in which fields are made coarser where a combination is rare; role and start never are."""
AGE_EDGES = (0, 5, 11, 16, 18, 25, 35, 50)


@dataclass(frozen=True, slots=True)
class StudyField:
    """A field: what it says, whether it is words (or a number), and whether others may know it of a person.

    What others may know makes a person out, so it counts towards k-anonymity wherever it is used.
    """

    says: str
    is_words: bool
    others_may_know: bool


FIELDS: dict[str, StudyField] = {
    ROLE: StudyField("child or adult of the family", True, True),
    SEX: StudyField("F, M or other", True, True),
    AGE_BAND: StudyField("age at time zero, in the bands of [disclosure]", True, True),
    ETHNICITY: StudyField("white, mixed, asian, black, other or not-known", True, True),
    REGION: StudyField("the region of the district, by the table [regions]", True, True),
    DEPRIVATION: StudyField("fifth of deprivation of the neighbourhood, 1 the most deprived", True, True),
    START: StudyField("the quarter of time zero, such as 2024-Q1", True, True),
    NEEDS: StudyField("how many of the criteria's needs the family has", False, False),
    "need_crime": StudyField("1 where the family has a need of this kind, else 0", False, False),
    "need_school": StudyField("1 where the family has a need of this kind, else 0", False, False),
    "need_children": StudyField("1 where the family has a need of this kind, else 0", False, False),
    "need_work": StudyField("1 where the family has a need of this kind, else 0", False, False),
    "need_abuse": StudyField("1 where the family has a need of this kind, else 0", False, False),
    "need_health": StudyField("1 where the family has a need of this kind, else 0", False, False),
    "family_size": StudyField("people of the family in the study, 6 for six or more", False, False),
}

WORDS = tuple(name for name, field in FIELDS.items() if field.is_words)
NUMBERS = tuple(name for name, field in FIELDS.items() if not field.is_words)
