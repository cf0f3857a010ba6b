"""A split that is cut short, a full disk in the midst of one, and releases of which a byte was changed."""

import shutil
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.parcels import ParcelRefusedError, open_parcel
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.releases import protocol_file
from families_first.governance.purposes import Purpose
from families_first.governance.study import (
    accept_release,
    register_sealed_protocol,
    release_outcomes,
    request_release,
    split_for_study,
)
from killing import killed_at_each_step
from made_up_study import PROTOCOLS, Study, locked_paths, study_at, study_in, write_sources

PROTOCOL = b'id = "made-up"\n'

SPLIT = """
import families_first.governance.parcels.body, families_first.governance.study.workbench
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose
from families_first.governance.study import split_for_study

def change(root, name):
    desk = Desk.of(Home.open(root), "made-up-data-lead", Purpose.RESEARCH)
    split_for_study(desk, sorted((root / "inbox/study").glob("*")), "study-justice-2026")
"""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study") / "study"
    study = study_in(root, owners=("justice",))
    write_sources(study, families=3, others=2)
    study.desk("justice")
    return root


@pytest.fixture
def study(pattern: Path, tmp_path: Path) -> Study:
    shutil.copytree(pattern, tmp_path / "study")
    return study_at(tmp_path / "study")


def splits_in(home: Home) -> dict[str, int]:
    """Return how many parcels of each split are in a home's outbox."""
    found: dict[str, int] = {}
    for path in home.outbox.glob("*.parcel"):
        (split,) = read_parcel_file(path).manifest.splits
        found[split] = found.get(split, 0) + 1
    return found


@pytest.mark.parametrize("stride", [151, pytest.param(17, marks=pytest.mark.slow)])
def test_a_split_that_is_killed_leaves_nothing_that_the_next_one_does_not_clear_away(
    pattern: Path, tmp_path: Path, stride: int
) -> None:
    cut_short = 0
    for _, root, ended in killed_at_each_step(
        SPLIT,
        "split",
        pattern / "owners" / "justice",
        tmp_path,
        more_than=60,
        fewer_than=1_500,
        stride=stride,
    ):
        home = Home.open(root)
        before = splits_in(home)
        assert not (ended and set(before.values()) != {5})
        cut_short += bool(before and not ended)
        if ended:
            continue
        desk = Desk.of(home, "made-up-data-lead", Purpose.RESEARCH)
        made = split_for_study(desk, sorted((root / "inbox/study").glob("*")), "study-justice-2026")
        after = splits_in(home)
        # Either the killed one had come to its end but for its mark, or nothing of it is left.
        assert after.pop(made.id) == 5
        assert set(after.values()) <= {5}
        assert not list(home.parcels.glob("*.split"))
        assert not [path for path in home.outbox.iterdir() if path.suffix != ".parcel"]
    assert cut_short > 0


def test_a_split_that_fails_half_way_takes_its_parcels_back(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    from families_first.governance.study import splitting

    real, sealed = splitting.seal_parcel, []

    def fails_at_the_fourth(*given: object, **more: object) -> object:
        if len(sealed) == 3:
            raise UserError("The disk is full", fix="Free some space.", code=ExitCode.RESOURCE)
        sealed.append(real(*given, **more))
        return sealed[-1]

    monkeypatch.setattr(splitting, "seal_parcel", fails_at_the_fourth)
    with pytest.raises(UserError, match="The disk is full"):
        study.split("justice")
    assert len(sealed) == 3
    home = study.owners["justice"]
    assert not list(home.outbox.iterdir())
    assert [path.name for path in home.parcels.iterdir()] == ["register"]


def test_a_release_that_fails_after_it_was_registered_can_be_asked_for_again(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    from families_first.governance.study import releasing

    paths = locked_paths([study.split("justice")])
    register_sealed_protocol(study.desk("research"), PROTOCOL, "made-up")
    asked = request_release(study.desk("research"), "made-up", PROTOCOLS, paths)

    def full(*given: object, **more: object) -> None:
        raise UserError("The disk is full", fix="Free some space.", code=ExitCode.RESOURCE)

    with monkeypatch.context() as patched:
        patched.setattr(releasing, "seal_parcel", full)
        with pytest.raises(UserError, match="The disk is full"):
            release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    assert accept_release(study.desk("research"), released.parcel.path).serials == released.serials
    # A release that was lost on the way is given again, for the same protocol.
    again = request_release(study.desk("research"), "made-up", PROTOCOLS, paths)
    assert release_outcomes(study.desk("publication"), again.path, PROTOCOLS).serials == released.serials


def test_a_changed_byte_anywhere_in_a_release_that_is_kept_opens_nothing(study: Study) -> None:
    (path, *others) = locked_paths([study.split("justice")])
    register_sealed_protocol(study.desk("research"), PROTOCOL, "made-up")
    asked = request_release(study.desk("research"), "made-up", PROTOCOLS, [path, *others])
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    accept_release(study.desk("research"), released.parcel.path)
    note = study.research.root / "releases" / f"{read_parcel_file(path).manifest.serial}.note"
    content = note.read_bytes()
    for at in range(0, len(content), 41):
        note.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(ParcelRefusedError):
            open_parcel(study.desk("research"), path)
    note.write_bytes(content)
    protocol_file(study.research, "made-up").write_bytes(PROTOCOL[:-1])
    with pytest.raises(ParcelRefusedError, match="changed after it was sealed"):
        open_parcel(study.desk("research"), path)
    protocol_file(study.research, "made-up").write_bytes(PROTOCOL)
    assert open_parcel(study.desk("research"), path).manifest.locked


def test_a_changed_byte_anywhere_in_a_locked_parcel_opens_nothing(study: Study) -> None:
    split = study.split("justice")
    study.release(PROTOCOL, "made-up", [split])
    (path, *_) = locked_paths([split])
    content = path.read_bytes()
    for at in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(UserError):
            open_parcel(study.desk("research"), path)
    path.write_bytes(content)
    assert open_parcel(study.desk("research"), path).rows >= 0
