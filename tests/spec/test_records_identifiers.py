"""Which identifiers are accepted, which are refused and why. Every value is computed, none is a person's."""

import pytest

from families_first.records.identifiers import (
    RULES,
    Fault,
    IdentifierKind,
    InvalidIdentifier,
    nhs_number,
    nino,
    pnc,
    postcode,
    uln,
    upn,
)

NINO, UPN, NHS = IdentifierKind.NINO, IdentifierKind.UPN, IdentifierKind.NHS_NUMBER
ULN, PNC, POSTCODE = IdentifierKind.ULN, IdentifierKind.PNC, IdentifierKind.POSTCODE

# kind, as sent, as held
ACCEPTED = [
    (NINO, "QQ123456C", "QQ123456C"),
    (NINO, "qq 12 34 56 c", "QQ123456C"),
    (NINO, "QQ-12-34-56-C", "QQ123456C"),
    (NINO, "QQ123456 ", "QQ123456"),  # the suffix is often left out
    (NINO, "QQ\u00a0123456\u200bD", "QQ123456D"),
    (UPN, "L884400015001", "L884400015001"),
    (UPN, "J884200319002", "J884200319002"),
    (UPN, "l884 4000 15001", "L884400015001"),
    (NHS, "9990000018", "9990000018"),
    (NHS, "999 000 0026", "9990000026"),
    (NHS, "999-000-0018", "9990000018"),
    (ULN, "9000000016", "9000000016"),
    (ULN, "9276308686", "9276308686"),  # worked example of the HESA data dictionary
    (PNC, "2015/0000123L", "2015/0000123L"),
    (PNC, "15/123L", "2015/0000123L"),
    (PNC, "2015/123l", "2015/0000123L"),
    (PNC, "2015/00000123L", "2015/0000123L"),
    (PNC, "20150000123L", "2015/0000123L"),
    (PNC, "150000123L", "2015/0000123L"),
    (PNC, "2003/0000045U", "2003/0000045U"),
    (POSTCODE, "ES1 4AB", "ES1 4AB"),
    (POSTCODE, "es14ab", "ES1 4AB"),
    (POSTCODE, "ES99  4AB", "ES99 4AB"),
    (POSTCODE, "E S 1 4 A B", "ES1 4AB"),
    (POSTCODE, "HR1 2PX", "HR1 2PX"),
    (POSTCODE, "M1 1AE", "M1 1AE"),
    (POSTCODE, "B33 8TH", "B33 8TH"),
    (POSTCODE, "CR2 6XH", "CR2 6XH"),
    (POSTCODE, "DN55 1PT", "DN55 1PT"),
    (POSTCODE, "W1A 1HQ", "W1A 1HQ"),
    (POSTCODE, "EC1A 1BB", "EC1A 1BB"),
    (POSTCODE, "GIR0AA", "GIR 0AA"),
]
# kind, as sent, why not
REFUSED = [
    (NINO, "", Fault.BLANK),
    (NINO, " - ", Fault.BLANK),
    (NINO, "QQ12345C", Fault.SHAPE),
    (NINO, "QQ1234567C", Fault.SHAPE),
    (NINO, "QQ12345OC", Fault.SHAPE),
    (NINO, "QQ123456É", Fault.SHAPE),
    (NINO, "QQ123456E", Fault.PREFIX),  # suffix A to D
    (NINO, "DA123456A", Fault.PREFIX),
    (NINO, "AO123456A", Fault.PREFIX),
    (NINO, "GB123456A", Fault.PREFIX),
    (NINO, "ZZ123456A", Fault.PREFIX),
    (NINO, "TN010190F", Fault.PREFIX),  # temporary, made of a date of birth
    (NINO, "NC010190M", Fault.PREFIX),
    (UPN, "", Fault.BLANK),
    (UPN, "L884400015002", Fault.CHECK),
    (UPN, "I884400015001", Fault.SHAPE),  # I, O and S are no check letters
    (UPN, "L88440001500", Fault.SHAPE),
    (UPN, "UN1", Fault.SHAPE),
    (NHS, "9990000019", Fault.CHECK),
    (NHS, "999000001", Fault.SHAPE),
    (NHS, "999000001B", Fault.SHAPE),
    (NHS, "0000000000", Fault.PLACEHOLDER),
    (NHS, "4444444444", Fault.PLACEHOLDER),
    (NHS, "٩٩٩٠٠٠٠٠١٨", Fault.SHAPE),  # digits of another script
    (ULN, "9000000017", Fault.CHECK),
    (ULN, "0900000016", Fault.SHAPE),
    (ULN, "9999999999", Fault.PLACEHOLDER),
    (PNC, "2015/0000123K", Fault.CHECK),
    (PNC, "2015/0000123", Fault.SHAPE),
    (PNC, "2015/10000123L", Fault.SHAPE),
    (PNC, "1815/0000123L", Fault.SHAPE),
    (POSTCODE, "", Fault.BLANK),
    (POSTCODE, "ZZ99 3VZ", Fault.PLACEHOLDER),
    (POSTCODE, "zz993wz", Fault.PLACEHOLDER),
    (POSTCODE, "ES1 4AO", Fault.SHAPE),  # C, I, K, M, O and V are no unit letters
    (POSTCODE, "ES1 OAB", Fault.CONFUSABLE),
    (POSTCODE, "ESI 4AB", Fault.CONFUSABLE),
    (POSTCODE, "0L1 4AB", Fault.CONFUSABLE),
    (POSTCODE, "B1O 4AB", Fault.CONFUSABLE),
    (POSTCODE, "QA1 4AB", Fault.AREA),
    (POSTCODE, "ES1", Fault.SHAPE),
    (POSTCODE, "12345", Fault.SHAPE),
]


@pytest.mark.parametrize(("kind", "sent", "held"), ACCEPTED)
def test_an_identifier_is_accepted_and_held_in_one_form(kind: IdentifierKind, sent: str, held: str) -> None:
    rules = RULES[kind]
    assert rules.is_valid(sent)
    assert rules.normalise(sent) == held
    rules.parse(sent)


@pytest.mark.parametrize(("kind", "sent", "why"), REFUSED)
def test_an_identifier_is_refused_with_its_reason_and_never_its_value(
    kind: IdentifierKind, sent: str, why: Fault
) -> None:
    assert not RULES[kind].is_valid(sent)
    with pytest.raises(InvalidIdentifier) as refusal:
        RULES[kind].parse(sent)
    assert refusal.value.code is why
    assert refusal.value.kind is kind
    assert not sent.strip(" -") or sent not in str(refusal.value)


# kind, valid value, in the made-up range?
MADE_UP = [
    (NINO, "QQ123456C", True),
    (NINO, "AB123456C", False),
    (UPN, "N999000000000", True),
    (UPN, "L884400015001", False),
    (NHS, "9990000018", True),
    (NHS, "9434765870", False),  # worked example of the NHS Data Dictionary
    (ULN, "9990000009", True),
    (ULN, "9000000016", False),
    (PNC, "2000/9000000H", True),
    (PNC, "2015/0000123L", False),
    (POSTCODE, "ES1 4AB", True),
    (POSTCODE, "HR1 2PX", False),
]


@pytest.mark.parametrize(("kind", "value", "made_up"), MADE_UP)
def test_the_made_up_range_is_told_from_numbers_that_may_be_a_persons(
    kind: IdentifierKind, value: str, made_up: bool
) -> None:
    assert RULES[kind].is_valid(value)
    assert RULES[kind].is_made_up(value) is made_up


def test_the_parts_of_each_identifier() -> None:
    assert nino.parse("QQ 12 34 56 C") == nino.Nino(prefix="QQ", digits="123456", suffix="C")
    assert nino.parse("QQ123456C").root == nino.parse("QQ123456").root == "QQ123456"
    assert upn.parse("L884400015001") == upn.Upn(
        check="L", authority="884", school="4000", year="15", serial="001"
    )
    assert nhs_number.parse("999 000 0018") == nhs_number.NhsNumber(digits="999000001", check="8")
    assert uln.parse("9000000016") == uln.Uln(digits="900000001", check="6")
    assert pnc.parse("15/123L") == pnc.Pnc(year=2015, serial=123, check="L")
    assert postcode.parse("es14ab") == postcode.Postcode(area="ES", district="ES1", sector="ES1 4", unit="AB")


def test_a_temporary_upn_is_valid_and_known_to_be_temporary() -> None:
    value = str(upn.made_up([7], temporary=True)[0])
    assert upn.is_valid(value)
    assert upn.is_temporary(value)
    assert upn.parse(value).temporary
    assert not upn.is_temporary("L884400015001")


def test_the_upn_and_pnc_alphabets_are_not_mixed_up() -> None:
    assert upn.check_letter("884400015001") == "L"
    assert pnc.check_letter(15, 123) == "L"
    assert upn.ALPHABET[0] == "A"
    assert pnc.ALPHABET[0] == "Z"
    assert sorted(upn.ALPHABET) == sorted(pnc.ALPHABET)


# as sent, the postcodes that may be meant
CONFUSED = [
    ("ES1 OAB", ("ES1 0AB",)),
    ("ESI 4AB", ("ES1 4AB",)),
    ("0L1 4AB", ("OL1 4AB",)),
    ("B1O 4AB", ("B10 4AB",)),
    ("ES1 4AB", ()),
    ("nonsense", ()),
]


@pytest.mark.parametrize(("sent", "meant"), CONFUSED)
def test_letters_and_figures_that_look_alike_are_pointed_out_and_not_put_right(
    sent: str, meant: tuple[str, ...]
) -> None:
    assert postcode.readings(sent) == meant
    assert postcode.normalise(sent).replace(" ", "") == sent.upper().replace(" ", "")


@pytest.mark.parametrize(
    ("value", "area", "district", "sector"),
    [
        ("ES14AB", "ES", "ES1", "ES1 4"),
        ("EC1A 1BB", "EC", "EC1A", "EC1A 1"),
        ("M1 1AE", "M", "M1", "M1 1"),
        ("GIR 0AA", "GIR", "GIR", "GIR 0"),
        ("ZZ99 3VZ", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_area_district_and_sector_of_a_postcode(value: str, area: str, district: str, sector: str) -> None:
    assert (postcode.area(value), postcode.district(value), postcode.sector(value)) == (
        area,
        district,
        sector,
    )
