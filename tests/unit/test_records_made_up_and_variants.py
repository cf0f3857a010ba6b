"""Columns of made-up identifiers, and the table of name variants that a council may extend."""

from pathlib import Path

import numpy as np
import pytest
from stdnum.gb import nhs as stdnum_nhs
from stdnum.gb import upn as stdnum_upn

from families_first.errors import UserError
from families_first.records import nicknames
from families_first.records.identifiers import RULES, IdentifierKind, nhs_number, nino, postcode, upn
from families_first.records.identifiers.serials import scatter


@pytest.mark.parametrize("kind", list(IdentifierKind))
def test_no_serials_give_an_empty_column(kind: IdentifierKind) -> None:
    assert RULES[kind].made_up([]).shape == (0,)


@pytest.mark.parametrize(
    ("make", "capacity"),
    [
        (nino.made_up, nino.CAPACITY),
        (nhs_number.made_up, nhs_number.capacity()),
        (postcode.made_up, postcode.CAPACITY),
        (upn.made_up, upn.CAPACITY),
    ],
)
def test_a_serial_beyond_the_made_up_range_is_an_error_not_a_repeat(make: object, capacity: int) -> None:
    assert make([capacity - 1]).shape == (1,)
    for serial in (capacity, -1):
        with pytest.raises(ValueError, match="made-up range"):
            make([serial])


def test_the_whole_range_of_nhs_numbers_is_distinct_and_valid() -> None:
    values = nhs_number.made_up(np.arange(nhs_number.capacity()))
    assert nhs_number.capacity() > 900_000
    assert len(np.unique(values)) == len(values)
    assert all(map(stdnum_nhs.is_valid, values[:: len(values) // 500].tolist()))


def test_scattering_is_a_permutation_and_parts_neighbours() -> None:
    scattered = scatter(np.arange(1000), 1000)
    assert sorted(scattered.tolist()) == list(range(1000))
    assert np.abs(np.diff(scattered)).min() > 100


def test_upns_of_known_authorities_agree_with_stdnum() -> None:
    rng = np.random.default_rng(7)
    for digits in rng.integers(0, 10, size=(300, 9)):
        body = "884" + "".join(map(str, digits))
        for letter in upn.ALPHABET:
            assert upn.is_valid(letter + body) == stdnum_upn.is_valid(letter + body)


def test_nhs_numbers_agree_with_stdnum_but_for_ten_equal_digits() -> None:
    rng = np.random.default_rng(7)
    for digits in rng.integers(0, 10, size=(500, 9)):
        body = "".join(map(str, digits))
        for check in "0123456789":
            assert nhs_number.is_valid(body + check) == stdnum_nhs.is_valid(body + check)
    assert stdnum_nhs.is_valid("0000000000")
    assert not nhs_number.is_valid("0000000000")


def test_near_serials_of_postcodes_are_near_neighbours() -> None:
    first, second, next_sector, next_district = postcode.made_up([0, 1, 160, 1600]).tolist()
    assert (first, second) == ("ES1 1AA", "ES1 1AB")
    assert postcode.sector(next_sector) == "ES1 2"
    assert postcode.district(next_district) == "ES2"
    assert postcode.made_up([postcode.CAPACITY - 1]).tolist() == ["ES99 0JZ"]


@pytest.fixture
def fresh_variants() -> object:
    nicknames._variants.cache_clear()
    yield
    nicknames._variants.cache_clear()


@pytest.mark.usefixtures("fresh_variants")
def test_a_council_adds_its_own_name_variants(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[local]\nlists = [["Wilfreda", "Fred", "Wílf"]]\n', encoding="utf-8")
    assert not nicknames.are_variants("Wilfreda", "Wilf")
    nicknames.extend_variants(own)
    assert nicknames.are_variants("WILF", "wilfreda")
    assert nicknames.are_variants("Fred", "Frederick")


@pytest.mark.usefixtures("fresh_variants")
@pytest.mark.parametrize("text", ["[local", "lists = 3", "[local]\nnames = []", "[local]\nlists = [[1, 2]]"])
def test_an_unreadable_file_of_variants_names_the_file_and_adds_nothing(tmp_path: Path, text: str) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    before = nicknames.variant_table()
    with pytest.raises(UserError, match=r"own\.toml"):
        nicknames.extend_variants(own)
    assert nicknames.variant_table() == before
