"""Which dates are read, which are refused and why, and which values stand for "not known"."""

from datetime import date

import pytest

from families_first.records.dates import DateFault, InvalidDate, check_format, formats_that_fit, parse_date
from families_first.records.identifiers import IdentifierKind
from families_first.records.placeholders import is_placeholder, is_placeholder_date, is_plausible_birth

UK, ISO, US, SHORT = "%d/%m/%Y", "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%y"
# as sent, formats that the mapping lists, the day
READ = [
    ("03/04/2010", [UK], date(2010, 4, 3)),
    ("3/4/2010", [UK], date(2010, 4, 3)),
    (" 03/04/2010\t", [UK], date(2010, 4, 3)),
    ("2010-04-03", [UK, ISO], date(2010, 4, 3)),
    ("2010-04-03 00:00:00.000", [ISO], date(2010, 4, 3)),
    ("2010-04-03T00:00", [ISO], date(2010, 4, 3)),
    ("03-Apr-2010", ["%d-%b-%Y"], date(2010, 4, 3)),
    ("3 APRIL 2010", ["%d %B %Y"], date(2010, 4, 3)),
    ("20100403", ["%Y%m%d"], date(2010, 4, 3)),
    ("13/04/2010", [UK, US], date(2010, 4, 13)),  # only one of the two can be meant
    ("04/04/2010", [UK, US], date(2010, 4, 4)),  # both mean the same
    ("03/04/69", [SHORT], date(1969, 4, 3)),
    ("03/04/68", [SHORT], date(2068, 4, 3)),
    ("40271", ["excel-serial"], date(2010, 4, 3)),
    ("40271.0", [UK, "excel-serial"], date(2010, 4, 3)),
    ("1", ["excel-serial"], date(1900, 1, 1)),
    ("59", ["excel-serial"], date(1900, 2, 28)),
    ("61", ["excel-serial"], date(1900, 3, 1)),
    ("29/02/2000", [UK], date(2000, 2, 29)),
]
# as sent, formats, why not
REFUSED = [
    ("", [UK], DateFault.BLANK),
    ("  ", [UK], DateFault.BLANK),
    ("03/04/2010", [UK, US], DateFault.AMBIGUOUS),
    ("03/04/10", [UK], DateFault.TWO_DIGIT_YEAR),
    ("3-May-11", ["%d-%b-%Y"], DateFault.TWO_DIGIT_YEAR),
    ("31/02/2010", [UK], DateFault.NO_SUCH_DAY),
    ("29/02/1900", [UK], DateFault.NO_SUCH_DAY),
    ("04/13/2010", [UK], DateFault.NO_SUCH_DAY),
    ("60", ["excel-serial"], DateFault.NO_SUCH_DAY),  # Excel's 29 February 1900
    ("0", ["excel-serial"], DateFault.NO_SUCH_DAY),
    ("2010-04-03", [UK], DateFault.FORMAT),
    ("03/04/2010 09:30", [UK], DateFault.FORMAT),
    ("03/04/20100", [UK], DateFault.FORMAT),
    ("٠٣/٠٤/2010", [UK], DateFault.FORMAT),
    ("about 2010", [UK], DateFault.FORMAT),
    ("40271", [UK], DateFault.FORMAT),
]


@pytest.mark.parametrize(("sent", "formats", "day"), READ)
def test_a_date_is_read_in_a_listed_format(sent: str, formats: list[str], day: date) -> None:
    assert parse_date(sent, formats) == day


@pytest.mark.parametrize(("sent", "formats", "why"), REFUSED)
def test_a_date_is_refused_sooner_than_guessed(sent: str, formats: list[str], why: DateFault) -> None:
    with pytest.raises(InvalidDate) as refusal:
        parse_date(sent, formats)
    assert refusal.value.code is why
    assert not sent.strip() or sent not in str(refusal.value)


@pytest.mark.parametrize(
    ("texts", "fit"),
    [
        (["03/04/2010", "05/06/2011"], ("%d/%m/%Y", "%m/%d/%Y")),  # a person must say which
        (["03/04/2010", "25/06/2011"], ("%d/%m/%Y",)),
        (["2010-04-03", ""], ("%Y-%m-%d",)),
        (["40271", "1"], ("excel-serial",)),
        (["03/04/10"], ("%d/%m/%y",)),
        (["x"], ()),
        (["", " "], ()),
    ],
)
def test_the_formats_that_fit_every_text_are_proposed(texts: list[str], fit: tuple[str, ...]) -> None:
    assert formats_that_fit(texts) == fit


@pytest.mark.parametrize("date_format", ["%d/%m", "%d/%m/%Y %H:%M", "%d/%d/%Y", "today", "%"])
def test_a_format_that_is_not_one_whole_date_is_refused(date_format: str) -> None:
    with pytest.raises(ValueError, match="date format"):
        check_format(date_format)


# day of birth, somebody's on 30 September 2026?
BIRTHS = [
    (date(2010, 4, 3), True),
    (date(2026, 9, 30), True),
    (date(2026, 10, 1), False),
    (date(1912, 1, 1), True),
    (date(1911, 1, 1), False),
    (date(1900, 1, 1), False),
    (date(1970, 1, 1), False),  # far commoner as a default than as a birthday
    (date(1970, 1, 2), True),
    (date(2000, 1, 1), True),
]


@pytest.mark.parametrize(("born", "plausible"), BIRTHS)
def test_days_on_which_somebody_may_have_been_born(born: date, plausible: bool) -> None:
    assert is_plausible_birth(born, on=date(2026, 9, 30)) is plausible


@pytest.mark.parametrize(
    ("day", "default"),
    [
        (date(1900, 1, 1), True),
        (date(1901, 1, 1), True),
        (date(1970, 1, 1), True),
        (date(1899, 12, 30), True),
        (date(9999, 12, 31), True),
        (date(2000, 1, 1), False),
        (date(1985, 1, 1), False),
    ],
)
def test_days_that_systems_fill_in_by_themselves(day: date, default: bool) -> None:
    assert is_placeholder_date(day) is default


def test_a_council_may_name_its_own_default_days() -> None:
    assert is_placeholder_date(date(2000, 1, 1), {date(2000, 1, 1)})
    assert not is_placeholder_date(date(1900, 1, 1), {date(2000, 1, 1)})


# kind, as sent, stands for "not known"?
STAND_INS = [
    (IdentifierKind.POSTCODE, "ZZ99 3VZ", True),
    (IdentifierKind.POSTCODE, "zz993wz", True),
    (IdentifierKind.POSTCODE, "Unknown", True),
    (IdentifierKind.POSTCODE, "ES1 4AB", False),
    (IdentifierKind.NINO, "ZZ 12 34 56 A", True),
    (IdentifierKind.NINO, "TN010190F", True),
    (IdentifierKind.NINO, "AB123456C", True),
    (IdentifierKind.NINO, "n/k", True),
    (IdentifierKind.NINO, "QQ123456C", False),
    (IdentifierKind.NINO, "QQ12345", False),  # an error, not a stand-in
    (IdentifierKind.UPN, "UN1", True),
    (IdentifierKind.UPN, "un7", True),
    (IdentifierKind.UPN, "UN8", False),
    (IdentifierKind.UPN, "A000000000000", True),  # passes the check letter
    (IdentifierKind.UPN, "L884400015001", False),
    (IdentifierKind.NHS_NUMBER, "000 000 0000", True),
    (IdentifierKind.NHS_NUMBER, "9999999999", True),
    (IdentifierKind.NHS_NUMBER, "9990000018", False),
    (IdentifierKind.ULN, "9999999999", True),
    (IdentifierKind.PNC, "1900/0000000Z", True),
    (IdentifierKind.PNC, "2015/0000123L", False),
]


@pytest.mark.parametrize(("kind", "sent", "stands_in"), STAND_INS)
def test_values_that_stand_for_an_unknown_identifier(
    kind: IdentifierKind, sent: str, stands_in: bool
) -> None:
    assert is_placeholder(kind, sent) is stands_in
