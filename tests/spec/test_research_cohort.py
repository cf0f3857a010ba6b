"""Who is in a study and who is left out, and why; what is known of each, and in how coarse words."""

from datetime import date

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.research.extract.cohort import form_cohort
from families_first.research.protocol import read_protocol
from made_up_protocol import PROTOCOL, changed

LOCKED_FROM = date(2022, 1, 1)
ROW = {
    "status": "participating",
    "assessed_on": date(2022, 4, 1),
    "started_on": date(2022, 5, 1),
    "ended_on": None,
    "role": "adult",
    "birth_month": date(1990, 4, 1),
    "sex": "F",
    "ethnicity": "WHITE_BRITISH",
    "district": "North",
    "deprivation_fifth": 1,
    "needs": 2,
}
OTHER = {**ROW, "status": "assessed-only", "started_on": None}
TYPES = {
    "assessed_on": pa.date32(),
    "started_on": pa.date32(),
    "ended_on": pa.date32(),
    "birth_month": pa.date32(),
    "deprivation_fifth": pa.int64(),
    "needs": pa.int64(),
}


def cohort(*rows, text=PROTOCOL, people=None, families=None, locked_from=LOCKED_FROM):
    """Form the cohort of these rows and of one person who was only assessed."""
    every = [*rows, OTHER]
    programme = pa.table(
        {
            "record": list(range(len(every))),
            **{name: pa.array([row[name] for row in every], TYPES.get(name, pa.string())) for name in ROW},
        }
    )
    person = [f"p{each:02d}" for each in (people or range(len(rows)))] + ["z"]
    family = [f"f{each:02d}" for each in (families or range(len(rows)))] + ["z"]
    links = pa.table({"record": list(range(len(every))), "person": person, "family": family})
    protocol = read_protocol(text.encode(), file_name="x").protocol
    return form_cohort(programme, links, protocol, locked_from=locked_from)


# the row, and the words in which the flow says that it is left out; empty where it is in
CASES = {
    "taking part": (ROW, ""),
    "assessed only": (OTHER, ""),
    "another status": ({**ROW, "status": "refused"}, "neither assessed only nor taking part"),
    "no status": ({**ROW, "status": None}, "neither assessed only nor taking part"),
    "no day of the assessment": ({**ROW, "assessed_on": None}, "without the day of the assessment"),
    "assessed the day before outcomes are locked": (
        {**ROW, "assessed_on": date(2021, 12, 31)},
        "assessed before the day from which outcomes are locked",
    ),
    "assessed on that day": ({**ROW, "assessed_on": date(2022, 1, 1)}, ""),
    "assessed after the records end": (
        {**ROW, "assessed_on": date(2025, 7, 1), "started_on": date(2025, 7, 1)},
        "assessed after the last day that records reach",
    ),
    "no role": ({**ROW, "role": None}, "neither a child nor an adult of the family"),
    "began before the assessment": (
        {**ROW, "started_on": date(2022, 3, 31)},
        "began before they were assessed",
    ),
    "never began": ({**ROW, "started_on": None}, "taking part without a day on which they began"),
    "began within the grace": ({**ROW, "started_on": date(2022, 9, 30)}, ""),
    "began after the grace": (
        {**ROW, "started_on": date(2022, 10, 1)},
        "began later than the protocol allows",
    ),
}
GRACE = changed('time_zero = "assessed_on"', 'time_zero = "assessed_on"\ngrace_quarters = 2')


@pytest.mark.parametrize("case", CASES)
def test_who_is_left_out_and_why(case):
    row, why = CASES[case]
    found = cohort(row, {**ROW}, text=GRACE, people=[0, 1])
    last = found.flow[-1]
    if why:
        assert last.label == f"left after those {why}"
        assert (last.people, found.flow[0].people) == (2, 3)
    else:
        assert len(found.flow) == 1
        assert last.people == 3


def test_without_a_grace_whoever_began_late_stays():
    assert cohort({**ROW, "started_on": date(2024, 10, 1)}).size == 2


def test_without_locked_outcomes_nobody_is_left_out_for_them():
    assert cohort({**ROW, "assessed_on": date(2021, 12, 31)}, locked_from=None).size == 2


def test_of_two_rows_of_one_person_the_one_of_taking_part_counts():
    found = cohort(
        OTHER, {**ROW, "assessed_on": date(2022, 7, 1), "started_on": date(2022, 8, 1)}, people=[0, 0]
    )
    assert found.twice == 1
    assert found.size == 2
    row = found.people.slice(0, 1).to_pylist()[0]
    assert (row["treated"], row["start"]) == (True, 2022 * 4 + 2)


@pytest.mark.parametrize(
    ("field", "change", "expected"),
    [
        ("age_band", {"birth_month": date(2017, 4, 1)}, "5-10"),  # five on the day
        ("age_band", {"birth_month": date(2017, 5, 1)}, "0-4"),
        ("age_band", {"birth_month": date(2004, 4, 1)}, "18-24"),
        ("age_band", {"birth_month": date(1940, 1, 1)}, "50+"),
        ("age_band", {"birth_month": None}, "not-known"),
        ("age_band", {"birth_month": date(2023, 1, 1)}, "not-known"),  # after the assessment
        ("sex", {"sex": "X"}, "other"),
        ("sex", {"sex": None}, "other"),
        ("ethnicity_group", {"ethnicity": "ASIAN_CHINESE"}, "asian"),
        ("ethnicity_group", {"ethnicity": "WIRT"}, "white"),
        ("ethnicity_group", {"ethnicity": "NOBT"}, "not-known"),
        ("ethnicity_group", {"ethnicity": None}, "not-known"),
        ("region", {"district": "South"}, "Lowland"),
        ("region", {"district": "Elsewhere"}, "other"),
        ("region", {"district": None}, "other"),
    ],
)
def test_fields_are_said_in_coarse_words(field, change, expected):
    found = cohort({**ROW, **change}).people.to_pylist()
    assert found[0][field] == expected


def test_deprivation_and_start_are_fields_where_they_are_used():
    text = PROTOCOL.replace(
        "[disclosure]\n",
        '[disclosure]\nquasi_identifiers = ["role", "sex", "age_band", "ethnicity_group", "region", '
        '"deprivation_fifth", "start_quarter"]\n',
    )
    rows = cohort({**ROW, "deprivation_fifth": 9}, text=text).people.to_pylist()
    assert [row["deprivation_fifth"] for row in rows] == ["not-known", "1"]
    assert rows[0]["start_quarter"] == "2022-Q2"


def test_quarters_of_follow_up_are_whole_ones_within_the_records():
    rows = cohort(
        {**ROW, "assessed_on": date(2023, 7, 1), "started_on": date(2023, 7, 1)},
        {**ROW, "assessed_on": date(2023, 7, 2), "started_on": date(2023, 7, 2)},
    ).people.to_pylist()
    # Records end on 30 June 2025: eight quarters after 1 July 2023, and a day too few after 2 July.
    assert [row["quarters_after"] for row in rows[:2]] == [8, 7]
    assert [row["quarters_before"] for row in rows[:2]] == [14, 14]


def test_panels_cover_the_calendar_quarters_that_everybody_has_whole():
    found = cohort({**ROW, "assessed_on": date(2022, 4, 1)}, {**ROW, "assessed_on": date(2022, 4, 15)})
    first, last = found.panel
    # From the second quarter of 2020 on: the quarter that begins for somebody on 15 January has begun before.
    assert (first, last) == (2020 * 4, 2025 * 4)
    assert cohort({**ROW}).panel == (2020 * 4, 2025 * 4 + 1)


def test_a_family_of_seven_is_told_as_six_or_more():
    text = changed('id = "needs"\nfield = "needs"', 'id = "size"\nfield = "family_size"')
    found = cohort(*[ROW] * 7, text=text, families=[0] * 7).people.to_pylist()
    assert {row["family_size"] for row in found} == {6.0, 1.0}


def test_people_without_a_family_are_a_family_each():
    programme = cohort(ROW, ROW).people
    assert len(set(programme["family"].to_pylist())) == 3


def test_an_arm_without_anybody_is_refused_with_the_flow():
    with pytest.raises(UserError) as refusal:
        cohort({**ROW, "started_on": None})
    assert refusal.value.code == ExitCode.REFUSED
    assert "nobody takes part (status 'participating')" in refusal.value.what
    assert "left after those taking part without a day on which they began: 1" in refusal.value.what


def test_columns_that_the_protocol_needs_are_named():
    protocol = read_protocol(PROTOCOL.encode(), file_name="x").protocol
    programme = pa.table({"record": [1], "status": ["participating"], "role": ["adult"]})
    links = pa.table({"record": [1], "person": ["a"], "family": ["b"]})
    with pytest.raises(UserError, match="lack what the protocol needs: assessed_on, birth_month") as refusal:
        form_cohort(programme, links, protocol, locked_from=None)
    assert refusal.value.code == ExitCode.BAD_FILE
