"""A parcel or a register that is not as it was written is refused, wherever it was touched."""

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.parcels import ParcelRefusedError, inspect_parcel, open_parcel
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.register import REGISTER_FILE
from families_first.governance.parcels.trust import check_sender
from made_up_parcels import ROWS, Circle, circle_at, circle_in, refusals_in_log


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("damage") / "homes"
    circle_in(root).send()
    return root


@pytest.fixture
def circle(pattern: Path, tmp_path: Path) -> Circle:
    shutil.copytree(pattern, tmp_path / "homes")
    return circle_at(tmp_path / "homes")


@pytest.fixture
def parcel(circle: Circle) -> Path:
    [path] = circle.council.home.outbox.iterdir()
    return path


def is_refused(circle: Circle, path: Path) -> bool:
    """Whether one of the checks that come before any key is used refuses the file, as a parcel's fault."""
    try:
        found = read_parcel_file(path)
        check_sender(circle.linkage.home, found)
        found.check_body()
    except ParcelRefusedError:
        return True
    return False


def test_a_flipped_bit_is_detected_at_every_byte_of_a_parcel(circle: Circle, parcel: Path) -> None:
    written = parcel.read_bytes()
    assert not is_refused(circle, parcel)
    content = bytearray(written)
    missed = []
    with parcel.open("r+b", buffering=0) as file:
        for place in range(len(content)):
            bit = 1 << place % 8
            file.seek(place)
            file.write(bytes([content[place] ^ bit]))
            if not is_refused(circle, parcel):
                missed.append(place)
            file.seek(place)
            file.write(bytes([content[place]]))
    assert missed == []
    assert not is_refused(circle, parcel)


REGIONS: dict[str, Callable[[Path], int]] = {
    "the body's first bytes": lambda _: 1,
    "a column's page": lambda _: 150,
    "the middle of the body": lambda path: read_parcel_file(path).manifest.body.bytes // 2,
    "the body's footer": lambda path: read_parcel_file(path).manifest.body.bytes - 30,
    "the manifest": lambda path: path.read_bytes().index(b'"made_at"') + 15,
    "the quoted agreement": lambda path: path.read_bytes().index(b'"agreement"') + 60,
    "a group's key": lambda path: path.read_bytes().index(b'"key"') + 40,
    "the footer's key": lambda path: path.read_bytes().index(b'"footer_key"') + 40,
    "the signature": lambda path: path.read_bytes().rindex("\N{EM DASH}".encode()) + 60,
    "the last line": lambda path: path.stat().st_size - 10,
}


@pytest.mark.parametrize("region", REGIONS)
def test_a_byte_changed_in_any_region_is_refused_logged_and_nothing_is_kept(
    circle: Circle, parcel: Path, region: str
) -> None:
    content = bytearray(parcel.read_bytes())
    content[REGIONS[region](parcel)] ^= 2
    parcel.write_bytes(content)
    with pytest.raises(UserError) as refusal:
        open_parcel(circle.linkage, parcel)
    assert refusal.value.code == ExitCode.PARCEL
    assert len(refusals_in_log(circle.linkage)) == 1
    assert not list((circle.linkage.home.vault / "datasets").glob("*"))


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut short by a byte": lambda written: written[:-1],
    "cut in half": lambda written: written[: len(written) // 2],
    "without its beginning": lambda written: written[1:],
    "made longer at the end": lambda written: written + b"\n",
    "made longer at the front": lambda written: b"\0" + written,
    "longer inside": lambda written: written[:2000] + b"\0" + written[2000:],
    "zeroed": lambda written: bytes(len(written)),
    "twice": lambda written: written + written,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_parcel_of_another_length_or_content_is_refused(circle: Circle, parcel: Path, change: str) -> None:
    parcel.write_bytes(CHANGES[change](parcel.read_bytes()))
    assert is_refused(circle, parcel)


def test_a_parcel_that_came_damaged_can_be_opened_when_it_comes_whole(circle: Circle, parcel: Path) -> None:
    written = parcel.read_bytes()
    parcel.write_bytes(written[:500] + bytes([written[500] ^ 1]) + written[501:])
    with pytest.raises(UserError, match="changed or damaged"):
        open_parcel(circle.linkage, parcel)
    parcel.write_bytes(written)
    assert open_parcel(circle.linkage, parcel).rows == ROWS.num_rows


def test_a_register_that_was_changed_anywhere_stops_sealing_and_opening(circle: Circle, parcel: Path) -> None:
    open_parcel(circle.linkage, parcel)
    register = circle.linkage.home.parcels / REGISTER_FILE
    written = register.read_bytes()
    for place in range(0, len(written), 3):
        register.write_bytes(written[:place] + bytes([written[place] ^ 1]) + written[place + 1 :])
        with pytest.raises(UserError, match="register of parcels is damaged"):
            open_parcel(circle.linkage, parcel)
    register.write_bytes(
        b"".join(line for line in written.splitlines(keepends=True) if b"opened" not in line)
    )
    with pytest.raises(UserError, match="register of parcels is damaged"):
        open_parcel(circle.linkage, parcel)
    register.write_bytes(written)
    with pytest.raises(UserError, match="opened here already"):
        open_parcel(circle.linkage, parcel)


def test_a_register_of_another_home_is_not_taken(circle: Circle, parcel: Path) -> None:
    circle.research.home.parcels.mkdir(exist_ok=True)
    open_parcel(circle.research, parcel)
    shutil.copy(circle.research.home.parcels / REGISTER_FILE, circle.linkage.home.parcels / REGISTER_FILE)
    with pytest.raises(UserError, match="register of parcels is damaged"):
        open_parcel(circle.linkage, parcel)


def test_where_a_register_was_lost_the_vault_still_does_not_take_a_parcel_twice(
    circle: Circle, parcel: Path
) -> None:
    open_parcel(circle.linkage, parcel)
    (circle.linkage.home.parcels / REGISTER_FILE).unlink()
    with pytest.raises(UserError, match="kept already"):
        open_parcel(circle.linkage, parcel)


def test_a_damaged_parcel_can_be_inspected_as_far_as_it_is_whole(circle: Circle, parcel: Path) -> None:
    content = bytearray(parcel.read_bytes())
    content[500] ^= 1
    parcel.write_bytes(content)
    assert inspect_parcel(parcel).manifest.body.rows == ROWS.num_rows


def test_a_signature_is_taken_only_as_the_sender_writes_it(circle: Circle, parcel: Path) -> None:
    """Base64 has bits to spare at its end: other letters there stand for the same signature."""
    written = parcel.read_bytes()
    end = written.rindex(b"=\n")
    passed = []
    for letter in base64.b64encode(bytes(range(256))).decode():
        parcel.write_bytes(written[: end - 1] + letter.encode() + written[end:])
        if not is_refused(circle, parcel):
            passed.append(letter)
    assert set(passed) == {chr(written[end - 1])}
