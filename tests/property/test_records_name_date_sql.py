"""Names, dates and placeholders: the DuckDB expressions give what the Python functions give."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.records import dates, names, placeholders
from families_first.records.identifiers import RULES, IdentifierKind

CONNECTION = duckdb.connect(config={"threads": 1})
NAMES = [
    "O'Neill", "O’NEILL", "O Neill", "ONEILL", "Mc Donald", "Mr. Dr Smith", "Mrs", "SMITH-JONES JNR",
    "Renée", "Łukasz", "Straße", "van den Berg", "al-Hassan", "Ægir", "ﬁona", "İbrahim", "Иван", "Ὀδυσσεύς",
    "李", "D'Souza", "MR MRS", "MC O X", "Unknown", "BABY BOY", "N/K", "Name Unknown", "Nguyễn",
    "Nguye\u0302\u0303n", "", " - ", "x",
]  # fmt: skip
CHARACTERS = "ABCMRSOJ abeé'’-–.,`\u0301ßłŁıİæ\u00a0\x00\tИя?0"
DATES = [
    "01/02/2010", "1/2/2010", "13/02/2010", "02/13/2010", "31/02/2010", "2010-02-01",
    "2010-02-01 00:00:00.000", "2010-02-01T00:00", "2010-02-01 09:30", "01/02/10", "1 Feb 2010",
    "01-feb-2010", "1 February 2010", "1 Sept 2010", "43831", "43831.0", "60", "59", "0", "2958466",
    "01/01/0001", "31/12/9999", "", "  01/02/2010\n", "20100201", "01022010", "29/02/2000", "29/02/1900",
    "-1/02/2010", "01/02/20100", "٠١/02/2010",
]  # fmt: skip
FORMAT_LISTS = [
    ["%d/%m/%Y"],
    ["%Y-%m-%d"],
    ["%d/%m/%Y", "%m/%d/%Y"],
    ["%d/%m/%Y", "%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%d-%b-%Y"],
    ["%d/%m/%y"],
    ["%Y%m%d", "%d%m%Y", "excel-serial"],
]


def rows(expression: str, values: list[str] | list[date]) -> list[object]:
    """Return the expression over a column ``x``."""
    CONNECTION.register("t", pa.table({"i": range(len(values)), "x": pa.array(values)}))
    return [row[0] for row in CONNECTION.execute(f"SELECT {expression} FROM t ORDER BY i").fetchall()]


def damaged(examples: list[str], characters: str) -> st.SearchStrategy[str]:
    @st.composite
    def damage(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(examples))
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(text)))
            piece = draw(st.sampled_from([*characters, " ", draw(st.sampled_from(examples))]))
            text = text[:place] + piece + text[place + draw(st.integers(0, 1)) :]
        return text

    return damage()


# Private-use and unassigned characters are left out: the two Unicode tables may be of different years.
STRANGE = st.text(
    alphabet=st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs", "Cn", "Co"]), max_size=12
)
some_names = st.lists(st.one_of(damaged(NAMES, CHARACTERS), STRANGE), min_size=30, max_size=50)


@settings(max_examples=40, deadline=None)
@given(some_names)
def test_names_are_normalised_alike_in_sql(texts: list[str]) -> None:
    texts += NAMES
    normal = [names.normalise_name(text) for text in texts]
    assert rows(names.normalise_name_sql("x"), texts) == normal
    assert rows(names.name_parts_sql("x"), normal) == [list(names.name_parts(text)) for text in texts]


@settings(max_examples=200, deadline=None)
@given(st.one_of(damaged(NAMES, CHARACTERS), STRANGE))
def test_normalising_a_name_twice_changes_nothing_more(text: str) -> None:
    once = names.normalise_name(text)
    assert names.normalise_name(once) == once


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(["Mr", "ANN", "Ann", "O’Neill", "SMITH", "Smith-Jones,", "van", "de", "J.", "Jnr"])
    )
)
def test_taking_a_full_name_apart_loses_no_word_but_a_suffix(words: list[str]) -> None:
    found = names.split_full_name(" ".join(words))
    parts = " ".join([found.title, found.forename, found.middle_names, found.surname]).split()
    assert sorted(parts + ["Jnr"] * (words.count("Jnr") - parts.count("Jnr"))) == sorted(
        word for text in words if (word := text.strip(","))
    )


@settings(max_examples=20, deadline=None)
@given(some_names)
def test_placeholder_names_are_told_alike_in_sql(texts: list[str]) -> None:
    normal = [names.normalise_name(text) for text in [*texts, *sorted(placeholders.NAMES)]]
    for surname in (False, True):
        assert rows(placeholders.placeholder_name_sql("x", surname=surname), normal) == [
            placeholders.is_placeholder_name(text, surname=surname) for text in normal
        ]


@pytest.mark.parametrize("formats", FORMAT_LISTS, ids=" or ".join)
@settings(max_examples=15, deadline=None)
@given(texts=st.lists(damaged(DATES, "0123456789/-. :T"), min_size=30, max_size=50))
def test_dates_are_read_or_refused_alike_in_sql(formats: list[str], texts: list[str]) -> None:
    texts += DATES

    def read(text: str) -> date | None:
        try:
            return dates.parse_date(text, formats)
        except dates.InvalidDate:
            return None

    assert rows(dates.date_sql("x", formats), texts) == [read(text) for text in texts]


@settings(max_examples=100, deadline=None)
@given(
    st.dates(date(1000, 1, 1), date(2999, 12, 31)),
    st.sampled_from([form for form in dates.COMMON_FORMATS if "%Y" in form]),
)
def test_a_date_written_in_a_format_is_read_back(day: date, date_format: str) -> None:
    assert dates.parse_date(day.strftime(date_format), [date_format]) == day


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dates(), min_size=1, max_size=30))
def test_plausible_births_and_default_dates_are_told_alike_in_sql(days: list[date]) -> None:
    days += placeholders.DATES
    on = date(2026, 9, 30)
    assert rows(placeholders.placeholder_date_sql("x"), days) == [
        placeholders.is_placeholder_date(day) for day in days
    ]
    assert rows(placeholders.plausible_birth_sql("x", on=on), days) == [
        placeholders.is_plausible_birth(day, on=on) for day in days
    ]


@pytest.mark.parametrize("kind", list(IdentifierKind))
@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(
        damaged(
            [
                "ZZ993VZ",
                "ZZ123456A",
                "TN010101F",
                "UN1",
                "A000000000000",
                "0000000000",
                "UNKNOWN",
                "n/k",
                "1900/0000000Z",
            ],
            "019ZXxn/? ",
        ),
        min_size=20,
        max_size=30,
    )
)
def test_placeholder_identifiers_are_told_alike_in_sql(kind: IdentifierKind, texts: list[str]) -> None:
    normal = [RULES[kind].normalise(text) for text in texts]
    assert rows(placeholders.placeholder_sql(kind, "x"), normal) == [
        placeholders.is_placeholder(kind, text) for text in texts
    ]
