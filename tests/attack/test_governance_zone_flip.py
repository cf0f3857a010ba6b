"""Somebody who may edit the home's files says that it is another zone's, to be asked by that policy."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.parcels import open_parcel
from made_up_desk import vault_of
from made_up_parcels import Circle, circle_in


@pytest.fixture
def circle(tmp_path: Path) -> Circle:
    """Return three homes, of which the research body's has received its part of a parcel."""
    circle = circle_in(tmp_path)
    open_parcel(circle.research, circle.send().path)
    return circle


def say_it_is_a_council(root: Path) -> None:
    path = root / "zone.toml"
    path.write_text(path.read_text().replace('zone = "research"', 'zone = "council"'))


def remove_the_identity(root: Path) -> None:
    (root / "identity.toml").unlink()


def alter_the_identity(root: Path) -> None:
    path = root / "identity.toml"
    told = path.read_text().replace("research.", "council.").replace('"research"', '"council"')
    path.write_text(told.replace('"research-body"', '"council"'))


def sign_another_identity(root: Path) -> None:
    remove_the_identity(root)
    (root / "keys" / "_home-signing.key").unlink()
    ensure_identity(Home.open(root))


def test_a_research_home_that_says_it_is_a_councils_is_not_opened(circle: Circle) -> None:
    root = circle.research.home.root
    say_it_is_a_council(root)
    with pytest.raises(UserError, match="do not say the same of what this home is"):
        Home.open(root)


@pytest.mark.parametrize("hide", [remove_the_identity, alter_the_identity, sign_another_identity])
def test_no_key_of_it_opens_when_everything_that_tells_what_it_was_is_gone_or_altered(
    circle: Circle, hide: Callable[[Path], None]
) -> None:
    """Here nothing else stands in the way: no policy is asked, no log and no register is read."""
    root = circle.research.home.root
    [kept] = vault_of(circle.research.home).list("parcel")
    zone_file = (root / "zone.toml").read_text()
    say_it_is_a_council(root)
    for folder in ("audit", "parcels", "retention"):
        shutil.rmtree(root / folder)
        (root / folder).mkdir(mode=0o700)
    hide(root)
    flipped = Home.open(root)
    assert flipped.zone == "council"
    for read in (lambda vault: vault.list("parcel"), lambda vault: vault.read(kept, "rows")):
        with pytest.raises(UserError, match="another dataset or class or kind of home") as refusal:
            read(vault_of(flipped))
        assert refusal.value.code == ExitCode.VAULT
    # The attack is a fair one: said to be what it is, the home opens.
    (root / "zone.toml").write_text(zone_file)
    (root / "identity.toml").unlink(missing_ok=True)
    assert vault_of(Home.open(root)).read(kept, "rows").num_rows
