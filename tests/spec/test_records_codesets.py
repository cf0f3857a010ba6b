"""What the agencies' codes mean, on which day, and what they become in the canonical record."""

from datetime import date

import duckdb
import pytest

from families_first.records.codesets import CODE_SETS
from families_first.records.codesets.attendance import ATTENDANCE, Mark, Sessions, count_sessions, mark_on
from families_first.records.codesets.children_in_need import (
    ASSESSMENT_FACTOR,
    DISABILITY,
    PRIMARY_NEED,
    REFERRAL_SOURCE,
    factor_episode,
)
from families_first.records.codesets.ethnicity import (
    CENSUS,
    LABELS,
    POLICE,
    TO_GROUP,
    EthnicGroup,
    ethnic_group,
    ethnic_group_sql,
    known_code,
    known_code_sql,
)
from families_first.records.kinds import EpisodeKind

BEFORE, AFTER = date(2024, 8, 18), date(2024, 8, 19)
P, E, A, U, N = Mark.PRESENT, Mark.ELSEWHERE, Mark.AUTHORISED, Mark.UNAUTHORISED, Mark.NOT_POSSIBLE
# code, before 19 August 2024, from then on; None: not in use
MARKS = [
    ("/", P, P), ("\\", P, P), ("L", P, P),
    ("K", None, E), ("V", E, E), ("P", E, E), ("W", E, E), ("B", E, E), ("J", E, None),
    ("C", A, A), ("C1", None, A), ("C2", None, A), ("M", A, A), ("J1", None, A), ("S", A, A), ("T", A, A),
    ("R", A, A), ("I", A, A), ("E", A, A), ("H", A, None),
    ("N", U, U), ("G", U, U), ("O", U, U), ("U", U, U),
    ("D", N, N), ("Q", None, N), ("Y", N, None), ("Y1", None, N), ("Y7", None, N), ("X", N, N), ("Z", N, N),
    ("#", N, N),
    ("Y8", None, None), ("A", None, None), ("", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "before", "after"), MARKS)
def test_how_a_session_counts_before_and_after_the_change(
    code: str, before: Mark | None, after: Mark | None
) -> None:
    assert mark_on(code, BEFORE) is before
    assert mark_on(code, AFTER) is after
    assert ATTENDANCE.valid_on(code, AFTER) is (after is not None)


def test_absence_is_counted_of_possible_sessions() -> None:
    codes = {"/": 60, "\\": 58, "L": 2, "B": 4, "I": 6, "O": 8, "Y1": 3, "#": 5, "H": 1}
    assert count_sessions(codes, AFTER) == Sessions(possible=138, absent=14, unauthorised=8, unknown=1)
    assert count_sessions(codes, BEFORE) == Sessions(possible=139, absent=15, unauthorised=8, unknown=3)


def test_a_retired_code_is_told_from_a_mistake() -> None:
    assert ATTENDANCE.known("h")
    assert not ATTENDANCE.valid_on("H", AFTER)
    assert not ATTENDANCE.known("?")
    assert ATTENDANCE.meaning("J1", AFTER) == "Leave for an interview"
    assert ATTENDANCE.meaning("J1", BEFORE) is None


# code of the census, code of the police, group of the canonical record
GROUPS = [
    ("WBRI", "W1", "WHITE_BRITISH"),
    ("WIRI", "W2", "WHITE_IRISH"),
    ("WIRT", None, "WHITE_TRAVELLER"),
    ("WROM", None, "WHITE_ROMA"),
    ("WOTH", "W9", "WHITE_OTHER"),
    ("MWBC", "M1", "MIXED_WHITE_CARIBBEAN"),
    ("MWBA", "M2", "MIXED_WHITE_AFRICAN"),
    ("MWAS", "M3", "MIXED_WHITE_ASIAN"),
    ("MOTH", "M9", "MIXED_OTHER"),
    ("AIND", "A1", "ASIAN_INDIAN"),
    ("APKN", "A2", "ASIAN_PAKISTANI"),
    ("ABAN", "A3", "ASIAN_BANGLADESHI"),
    ("AOTH", "A9", "ASIAN_OTHER"),
    ("CHNE", "O1", "ASIAN_CHINESE"),
    ("BAFR", "B2", "BLACK_AFRICAN"),
    ("BCRB", "B1", "BLACK_CARIBBEAN"),
    ("BOTH", "B9", "BLACK_OTHER"),
    ("OOTH", "O9", "OTHER_OTHER"),
    ("REFU", "NS", None),
    ("NOBT", None, None),
]


@pytest.mark.parametrize(("census", "police", "group"), GROUPS)
def test_ethnicity_codes_become_the_groups_of_the_2021_census(
    census: str, police: str | None, group: str | None
) -> None:
    expected = EthnicGroup(group) if group else None
    assert ethnic_group(census) is expected
    assert known_code(census)
    if police:
        assert ethnic_group(police.lower()) is expected


def test_every_ethnicity_code_and_group_is_accounted_for() -> None:
    assert {code.code for code in CENSUS.codes} == {census for census, _, _ in GROUPS}
    assert {code.code for code in POLICE.codes} == {police for _, police, _ in GROUPS if police}
    assert len(EthnicGroup) == len(LABELS) == 19
    assert {group.broad for group in EthnicGroup} == {"white", "mixed", "asian", "black", "other"}
    assert not known_code("WXYZ")
    assert ethnic_group("WXYZ") is None


def test_ethnicity_is_read_alike_in_sql() -> None:
    texts = [*TO_GROUP, " wbri ", "wxyz", "", "ＷＢＲＩ"]
    with duckdb.connect() as con:
        found = con.execute(
            f"SELECT {ethnic_group_sql('x')}, {known_code_sql('x')} FROM unnest($1) t(x)", [texts]
        ).fetchall()
    assert found == [(ethnic_group(text), known_code(text)) for text in texts]


# factor, the episode it opens
FACTORS = [
    ("1A", EpisodeKind.ASSESSED_SUBSTANCE_MISUSE),
    ("2C", EpisodeKind.ASSESSED_SUBSTANCE_MISUSE),
    ("3B", EpisodeKind.ASSESSED_DOMESTIC_ABUSE),
    ("4b", EpisodeKind.ASSESSED_MENTAL_HEALTH),
    ("5A", EpisodeKind.ASSESSED_DISABILITY),
    ("6C", EpisodeKind.ASSESSED_DISABILITY),
    ("7A", EpisodeKind.YOUNG_CARER),
    ("10A", EpisodeKind.ASSESSED_EXPLOITATION),
    ("11A", EpisodeKind.ASSESSED_EXPLOITATION),
    ("13A", EpisodeKind.ASSESSED_EXPLOITATION),
    ("14A", None),
    ("16A", None),
    ("21", None),
    ("99", None),
]


@pytest.mark.parametrize(("factor", "episode"), FACTORS)
def test_assessment_factors_open_the_episodes_of_the_canonical_record(
    factor: str, episode: EpisodeKind | None
) -> None:
    assert factor_episode(factor, AFTER) is episode


@pytest.mark.parametrize(
    ("code_set", "count", "example", "meaning"),
    [
        (PRIMARY_NEED, 10, "N1", "Abuse or neglect"),
        (REFERRAL_SOURCE, 22, "6", "Police"),
        (DISABILITY, 13, "AUT", "Autism or Asperger syndrome"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_code_lists_of_the_children_in_need_census(
    code_set: object, count: int, example: str, meaning: str
) -> None:
    assert len(code_set.codes) == count
    assert code_set.meaning(example, AFTER) == meaning


def test_factors_of_harm_were_split_by_who_harmed() -> None:
    assert ASSESSMENT_FACTOR.valid_on("18A", date(2020, 1, 1))
    assert not ASSESSMENT_FACTOR.valid_on("18A", AFTER)
    assert ASSESSMENT_FACTOR.valid_on("18B", AFTER)


@pytest.mark.parametrize("name", CODE_SETS)
def test_no_code_has_two_meanings_on_one_day(name: str) -> None:
    code_set = CODE_SETS[name]
    assert code_set.source
    for day in (date(2010, 1, 1), date(2020, 1, 1), BEFORE, AFTER, date(2030, 1, 1)):
        codes = [code.code for code in code_set.on(day)]
        assert len(codes) == len(set(codes))
