"""No link leads a key, or a file from outside the home, into a backup."""

from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.backup.stream import Packing
from made_up_backups import Custodian
from made_up_records import CLASS, Programme, programme_in


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    programme = programme_in(tmp_path / "home")
    programme.keep()
    return programme


@pytest.fixture
def custodian(programme: Programme, tmp_path: Path) -> Custodian:
    return Custodian.of(programme, tmp_path / "custodian")


@pytest.mark.parametrize(
    ("link", "to"),
    [
        ("mappings/slipped-in.toml", f"../keys/{CLASS}.key"),
        ("packs/slipped-in", "../keys"),
        ("packs/etc.toml", "/etc/hostname"),
        ("packs/dangling.toml", "nowhere"),
        ("vault/datasets/slipped-in", "../../keys"),
        ("audit/slipped-in", "../keys/_home-signing.key"),
        ("README.md", f"keys/{CLASS}.key"),
    ],
)
def test_a_link_is_refused_by_its_name_and_no_backup_is_made(
    programme: Programme, custodian: Custodian, link: str, to: str
) -> None:
    (programme.home.root / link).symlink_to(to)
    with pytest.raises(UserError, match="link to something else") as refusal:
        custodian.back_up()
    assert refusal.value.code == ExitCode.HOME
    assert refusal.value.where == Path(link).name
    assert [each.name for each in custodian.folder.iterdir()] == ["identity.age"]


@pytest.mark.parametrize("folder", ["mappings", "vault"])
def test_a_folder_of_the_home_that_is_a_link_is_refused(
    programme: Programme, custodian: Custodian, folder: str
) -> None:
    place = programme.home.root / folder
    place.rename(programme.home.root.parent / "elsewhere")
    place.symlink_to("../elsewhere")
    with pytest.raises(UserError, match="link to something else"):
        custodian.back_up()


def test_a_file_that_becomes_a_link_while_it_is_backed_up_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a key")
    (tmp_path / "link").symlink_to("key")
    packing = Packing([("mappings/link", tmp_path / "link")], lambda lines: ("backup.note", b""))
    with pytest.raises(OSError, match="symbolic"):
        b"".join(iter(packing.read, b""))
