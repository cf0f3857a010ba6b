"""What stands in a zone file or a staff register is not quoted back where it is wrong."""

from pathlib import Path

import pytest

from families_first.errors import UserError
from families_first.governance.home import Home
from families_first.governance.staff import read_staff
from made_up_desk import desk_for

MARKER = "Zzyzxmarker"
ZONE = 'zone = "council"\ntitle = "X"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return desk_for(tmp_path / "home").home


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"[{MARKER}]\na = 1\n[{MARKER}]\n", "cannot be read as TOML: line 3"),
        (f"{MARKER} = {{ a = 1 }}\n{MARKER}.b = 2", "cannot be read as TOML"),
        (f'title = "a\n{MARKER}"', "cannot be read as TOML: line 1"),
        (f"{ZONE}{MARKER} = 1\n", "entry 3 is not a word that this file knows"),
        (f"{ZONE}[keys]\n{MARKER} = 1\n", "keys: entry 1 is not a word that this file knows"),
    ],
)
def test_a_faulty_zone_file_is_told_by_the_place_alone(home: Home, text: str, told: str) -> None:
    (home.root / "zone.toml").write_text(text)
    with pytest.raises(UserError) as refusal:
        Home.open(home.root)
    assert told in str(refusal.value)
    assert_not_quoted(refusal.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f'[[people]]\nid = "a"\nname = "A"\nroles = ["keyworker"]\n"{MARKER} 1990-01-01" = 1\n',
            "people 1: entry 4 is not a word that this file knows",
        ),
        (f'[[people]]\nid = "{MARKER} b"\nname = "A"\nroles = ["keyworker"]\n', "people 1: id may hold only"),
        (f'[[people]]\nname = "{MARKER}"\n[[people]]\n"{MARKER}" = 1\n', "people 2: entry 1 is not a word"),
        (f"{MARKER} = [\n", "not a file in TOML"),
    ],
)
def test_a_faulty_staff_register_is_told_by_the_place_alone(home: Home, text: str, told: str) -> None:
    (home.root / "staff.toml").write_text(text)
    with pytest.raises(UserError) as refusal:
        read_staff(home)
    assert told in str(refusal.value)
    assert_not_quoted(refusal.value)


def assert_not_quoted(error: UserError) -> None:
    assert MARKER not in str(error)
    assert error.__cause__ is None
    assert error.__suppress_context__
