"""A home is made once, opened as it is, and written by one at a time."""

import stat
import threading
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.retention import CountedFrom, DestroyAfter, RetentionClass
from families_first.governance.zone_file import Zone

TITLE = 'Exampleshire "County" Council \\ Families – West'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home", zone="council", title=TITLE)


def test_a_home_is_opened_as_it_was_made(home: Home) -> None:
    again = Home.open(home.root)
    assert again == home
    assert (again.zone, again.title) == (Zone.COUNCIL, TITLE)


def test_a_home_has_its_folders_and_the_private_ones_are_private(home: Home) -> None:
    for folder in (home.inbox, home.agreements, home.mappings, home.packs):
        assert folder.is_dir()
    for private in (home.outbox, home.vault, home.keys):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_home_can_be_made_in_a_folder_that_has_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("kept")
    Home.create(tmp_path, zone="research", title="Study")
    assert (tmp_path / "notes.txt").read_text() == "kept"


def test_a_home_whose_making_was_cut_short_can_be_made_again(home: Home) -> None:
    (home.root / "zone.toml").unlink()
    assert Home.create(home.root, zone="council", title=TITLE) == home


def test_a_home_is_not_made_twice(home: Home) -> None:
    with pytest.raises(UserError, match="home already") as refusal:
        Home.create(home.root, zone="council", title="Another")
    assert refusal.value.code == ExitCode.HOME
    assert Home.open(home.root).title == TITLE


def test_a_home_is_not_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="this is a file"):
        Home.create(tmp_path / "file", zone="council", title="Council")


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such zone") as refusal:
        Home.create(tmp_path / "home", zone="police", title="Police")
    assert "council, linkage, research, publication" in refusal.value.fix
    assert not (tmp_path / "home").exists()


def test_a_data_owners_home_says_which_kind_of_organisation_it_is(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not say which") as refusal:
        Home.create(tmp_path / "home", zone="owner", title="Exampleton Courts")
    assert refusal.value.code == ExitCode.HOME
    assert "court" in refusal.value.fix
    assert not (tmp_path / "home").exists()
    home = Home.create(tmp_path / "home", zone="owner", title="Exampleton Courts", organisation_kind="court")
    assert home.kind == "owner/court"
    path = home.root / "zone.toml"
    path.write_text(path.read_text().replace('organisation_kind = "court"\n', ""))
    with pytest.raises(UserError, match="organisation_kind says nothing") as refusal:
        Home.open(home.root)
    assert refusal.value.code == ExitCode.HOME


def test_a_folder_that_is_not_a_home_is_told_by_its_name_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a home") as refusal:
        Home.open(tmp_path)
    assert refusal.value.code == ExitCode.HOME
    assert str(tmp_path) not in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('zone = "council"', 'zone = "research"'),
        ("title = ", 'title = "Another" # '),
        ("title = ", 'organisation_kind = "research-body"\ntitle = '),
    ],
    ids=["zone", "title", "kind of organisation"],
)
def test_a_zone_file_that_says_another_home_than_partners_know_is_refused_with_what_to_do(
    home: Home, old: str, new: str
) -> None:
    ensure_identity(home)
    path = home.root / "zone.toml"
    before = path.read_text()
    assert before.count(old) == 1
    path.write_text(before.replace(old, new))
    with pytest.raises(UserError, match="do not say the same of what this home is") as refusal:
        Home.open(home.root)
    assert refusal.value.code == ExitCode.HOME
    assert "back as they were" in refusal.value.fix
    path.write_text(before)
    assert Home.open(home.root) == home


def test_the_name_of_the_organisation_may_change_and_its_kind_may_be_written_out(home: Home) -> None:
    ensure_identity(home)
    path = home.root / "zone.toml"
    more = 'organisation = "Exampleshire Unitary"\norganisation_kind = "council"\ntitle = '
    path.write_text(path.read_text().replace("title = ", more))
    again = Home.open(home.root)
    assert (again.organisation, again.name, again.kind) == ("Exampleshire Unitary", home.name, home.kind)
    assert ensure_identity(again).organisation == "Exampleshire Unitary"


def test_an_identity_that_cannot_be_read_is_refused(home: Home) -> None:
    ensure_identity(home)
    (home.root / "identity.toml").write_bytes(b"\xff")
    with pytest.raises(UserError, match="do not say the same") as refusal:
        Home.open(home.root)
    assert refusal.value.code == ExitCode.HOME


@pytest.mark.parametrize("folder", ["vault", "keys"])
def test_a_home_without_its_vault_or_keys_is_refused(home: Home, folder: str) -> None:
    (home.root / folder).rmdir()
    with pytest.raises(UserError, match=f"is gone: {folder}"):
        Home.open(home.root)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("zone = ", "cannot be read as TOML"),
        ('zone = "council"\n', "title is missing; retention_classes is missing"),
        (
            'zone = "police"\ntitle = ""\ncolour = 1\nretention_classes = []\n',
            "zone must be one of 'council'",
        ),
        (
            'zone = "council"\ntitle = "T"\n[[retention_classes]]\nid = "a"\ndescription = "d"\n'
            'destroy_after = { years = 6, counted_from = "someday" }\n',
            "retention_classes 1: destroy_after: counted_from must be one of",
        ),
        (
            'zone = "council"\ntitle = "T"\n' + 2 * '[[retention_classes]]\nid = "a"\ndescription = "d"\n'
            'destroy_after = { years = 6, counted_from = "receipt" }\n',
            "two retention classes have the same id",
        ),
    ],
)
def test_faults_of_a_zone_file_are_told_at_once(home: Home, content: str, told: str) -> None:
    (home.root / "zone.toml").write_text(content)
    with pytest.raises(UserError) as refusal:
        Home.open(home.root)
    assert told in refusal.value.what
    assert refusal.value.where == "zone.toml"


def test_a_retention_class_says_its_rule_in_plain_words(tmp_path: Path, home: Home) -> None:
    assert (
        home.retention_class("programme-2026").destroy_after.says
        == "6 years after the signed end of the programme"
    )
    short = RetentionClass(
        id="short",
        description="Files in the inbox",
        destroy_after=DestroyAfter(years=1, counted_from=CountedFrom.RECEIPT),
    )
    other = Home.create(tmp_path / "other", zone="linkage", title="Linker", retention_classes=(short,))
    assert Home.open(other.root).retention_classes == (short,)
    assert short.destroy_after.says == "1 year after the record was received"


def test_a_home_may_be_entered_again_by_the_thread_that_holds_it(home: Home) -> None:
    with home.locked(), Home.open(home.root).locked(wait_seconds=0), home.locked(wait_seconds=0):
        pass
    with home.locked(wait_seconds=0):
        pass


def test_a_home_held_by_another_thread_is_told_to_be_busy(home: Home) -> None:
    told: list[UserError] = []

    def try_it() -> None:
        try:
            with Home.open(home.root).locked(wait_seconds=0.05):
                pass
        except UserError as refusal:
            told.append(refusal)

    with home.locked():
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert [each.code for each in told] == [ExitCode.RESOURCE]


def test_an_error_while_holding_a_home_lets_go_of_it(home: Home) -> None:
    def broken() -> None:
        with home.locked():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    done = threading.Event()

    def take() -> None:
        with home.locked(wait_seconds=0):
            done.set()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    assert done.is_set()
