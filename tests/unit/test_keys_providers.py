"""Whoever holds the masters, they open what they wrapped and nothing else, and end when they are to end."""

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import made_up_key_service
from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys import (
    KeyContext,
    KeyProvider,
    WrappedKey,
    new_key,
    passphrase_keys,
    provider_of,
)
from families_first.governance.keys.ceremony import Ceremony, Holder
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.unlocking import close, opening_of
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.zone_file import KeysSection, ZoneFile

CLASS = PROGRAMME_CLASS.id
STUDY = "study-2026"
CONTEXT = KeyContext("dataset-1", CLASS)
PROVIDERS = ("files", "passphrase", "custodians", "command")
PASSPHRASE = "made-up horse battery staple"


@dataclass
class Held:
    """A home, and a way to come to its keys as a new command does, unlocked."""

    home: Home
    anew: Callable[[], KeyProvider]


def home_with(folder: Path, provider: str) -> Home:
    command = ()
    if provider == "command":
        command = (sys.executable, made_up_key_service.__file__, str(folder / "service.json"))
    return Home.create(
        folder / "home",
        zone="council",
        title="Exampleshire Council",
        retention_classes=(PROGRAMME_CLASS, PROGRAMME_CLASS.model_copy(update={"id": STUDY})),
        keys=KeysSection.model_validate({"provider": provider, "command": command}),
    )


@pytest.fixture(params=PROVIDERS)
def held(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Held:
    # The full cost of scrypt is kept for the test of its own.
    monkeypatch.setattr(passphrase_keys, "_COST", 2**10)
    home = home_with(tmp_path, request.param)
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    secret.chmod(0o600)
    ceremonies = itertools.count(1)

    def anew() -> KeyProvider:
        close(home)
        if request.param == "passphrase":
            opening_of(home, [secret])
        if request.param == "custodians":
            opening_of(home, sorted(tmp_path.glob("share-*-[12].txt")))
        number = next(ceremonies)
        places = [tmp_path / f"share-{number}-{each}.txt" for each in (1, 2, 3)]
        holders = tuple(Holder(f"custodian-{place.stem}", "council", place) for place in places)
        return provider_of(home, Ceremony(home, holders))

    return Held(home, anew)


def refusal_of(action: Callable[[], object]) -> UserError:
    with pytest.raises(UserError) as refusal:
        action()
    return refusal.value


def test_a_class_has_no_master_until_one_is_made_and_then_keeps_it(held: Held) -> None:
    assert held.anew().masters(CLASS) == ()
    held.anew().make_master(CLASS)
    made = held.anew().masters(CLASS)
    assert len(made) == 1
    held.anew().make_master(CLASS)
    assert held.anew().masters(CLASS) == made
    assert held.anew().masters(STUDY) == ()


def test_a_wrapped_key_opens_in_its_own_context_alone(held: Held) -> None:
    held.anew().make_master(CLASS)
    held.anew().make_master(STUDY)
    keys, key = held.anew(), new_key()
    wrapped = keys.wrap(key, CONTEXT)
    assert wrapped.master == keys.masters(CLASS)[0]
    assert held.anew().unwrap(WrappedKey.from_json(wrapped.as_json()), CONTEXT) == key
    assert key not in wrapped.sealed
    for other in (
        KeyContext("dataset-2", CLASS),
        KeyContext("dataset-1", STUDY),
        KeyContext("dataset-1", CLASS, use="subject keys"),
    ):
        assert refusal_of(lambda other=other: keys.unwrap(wrapped, other)).code == ExitCode.VAULT


@pytest.mark.parametrize("sealed", [b"", bytes(12), bytes(60)], ids=["empty", "short", "zeros"])
def test_what_was_never_wrapped_is_refused(held: Held, sealed: bytes) -> None:
    held.anew().make_master(CLASS)
    keys = held.anew()
    told = refusal_of(lambda: keys.unwrap(WrappedKey(keys.masters(CLASS)[0], sealed), CONTEXT))
    assert told.code == ExitCode.VAULT


@pytest.mark.parametrize("changed", [{"zone": "research"}, {"organisation_kind": "research-body"}])
def test_a_wrapped_key_does_not_open_in_a_home_that_is_said_to_be_another(
    held: Held, changed: dict[str, str]
) -> None:
    held.anew().make_master(CLASS)
    wrapped = held.anew().wrap(new_key(), CONTEXT)
    settings = ZoneFile.model_validate({**held.home.settings.model_dump(), **changed})
    other = replace(held.home, zone=settings.zone, settings=settings)
    told = refusal_of(lambda: provider_of(other).unwrap(wrapped, CONTEXT))
    assert told.code == ExitCode.VAULT
    assert "zone or organisation_kind in zone.toml" in told.fix
    assert provider_of(held.home).unwrap(wrapped, CONTEXT)


def test_both_masters_open_while_a_rotation_is_under_way_and_the_newer_wraps(held: Held) -> None:
    held.anew().make_master(CLASS)
    [old] = held.anew().masters(CLASS)
    key = new_key()
    before = held.anew().wrap(key, CONTEXT)
    newer = held.anew().add_master(CLASS)
    keys = held.anew()
    assert keys.masters(CLASS) == (old, newer)
    assert keys.add_master(CLASS) == newer
    after = keys.wrap(key, CONTEXT)
    assert after.master == newer
    assert keys.unwrap(before, CONTEXT) == keys.unwrap(after, CONTEXT) == key


def test_a_retired_master_opens_nothing_more_and_the_newer_stays(held: Held) -> None:
    held.anew().make_master(CLASS)
    [old] = held.anew().masters(CLASS)
    before = held.anew().wrap(new_key(), CONTEXT)
    newer = held.anew().add_master(CLASS)
    after = held.anew().wrap(new_key(), CONTEXT)
    assert held.anew().retire_masters(CLASS) == (old,)
    assert held.anew().retire_masters(CLASS) == ()
    keys = held.anew()
    assert keys.masters(CLASS) == (newer,)
    assert keys.unwrap(after, CONTEXT)
    assert "not the one under which this was kept" in refusal_of(lambda: keys.unwrap(before, CONTEXT)).what
    states = {each.fingerprint: each.state for each in MastersRegister(held.home.keys).masters(CLASS)}
    assert states == {old: "retired", newer: "in use"}


def test_a_destroyed_class_opens_nothing_and_never_gets_a_master_again(held: Held) -> None:
    held.anew().make_master(CLASS)
    held.anew().make_master(STUDY)
    wrapped = held.anew().wrap(new_key(), CONTEXT)
    other = held.anew().wrap(new_key(), KeyContext("dataset-1", STUDY))
    newer = held.anew().add_master(CLASS)
    assert set(held.anew().destroy_masters(CLASS)) == {wrapped.master, newer}
    assert held.anew().destroy_masters(CLASS) == ()
    held.anew().make_master(CLASS)
    keys = held.anew()
    assert keys.masters(CLASS) == ()
    assert refusal_of(lambda: keys.unwrap(wrapped, CONTEXT)).code == ExitCode.VAULT
    assert refusal_of(lambda: keys.wrap(new_key(), CONTEXT)).code in (ExitCode.VAULT, ExitCode.RESOURCE)
    assert refusal_of(lambda: keys.add_master(CLASS)).code == ExitCode.VAULT
    assert keys.unwrap(other, KeyContext("dataset-1", STUDY))


@pytest.mark.parametrize("provider", ["passphrase", "custodians"])
def test_locked_keys_say_so_and_what_is_not_secret_can_still_be_asked(
    tmp_path: Path, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passphrase_keys, "_COST", 2**10)
    home = home_with(tmp_path, provider)
    opening_of(home).passphrase = PASSPHRASE
    holders = tuple(Holder(f"custodian-{n}", "council", tmp_path / f"{n}.txt") for n in range(3))
    provider_of(home, Ceremony(home, holders)).make_master(CLASS)
    close(home)
    keys = provider_of(home)
    assert len(keys.masters(CLASS)) == 1
    told = refusal_of(lambda: keys.wrap(new_key(), CONTEXT))
    assert "locked" in told.what
    assert PASSPHRASE not in str(told)


def test_a_wrong_passphrase_is_refused_at_the_full_cost_of_guessing(tmp_path: Path) -> None:
    home = home_with(tmp_path, "passphrase")
    opening_of(home).passphrase = PASSPHRASE
    provider_of(home).make_master(CLASS)
    close(home)
    opening_of(home).passphrase = PASSPHRASE + "r"
    keys = provider_of(home)
    assert "not the passphrase" in refusal_of(lambda: keys.wrap(new_key(), CONTEXT)).what
    assert passphrase_keys._COST >= 2**17


def test_all_masters_of_a_home_are_under_one_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passphrase_keys, "_COST", 2**10)
    home = home_with(tmp_path, "passphrase")
    opening_of(home).passphrase = PASSPHRASE
    provider_of(home).make_master(CLASS)
    close(home)
    opening_of(home).passphrase = "another made-up passphrase"
    assert "not the passphrase" in refusal_of(lambda: provider_of(home).make_master(STUDY)).what
    assert provider_of(home).masters(STUDY) == ()


def test_a_short_passphrase_is_refused_before_a_key_is_made(tmp_path: Path) -> None:
    home = home_with(tmp_path, "passphrase")
    opening_of(home).passphrase = "fourteen chars"
    assert refusal_of(lambda: provider_of(home).make_master(CLASS)).code == ExitCode.USAGE
    assert list(home.keys.glob("*.key")) == []


def test_in_a_home_of_custodians_no_file_of_the_home_holds_the_master(tmp_path: Path) -> None:
    home = home_with(tmp_path, "custodians")
    holders = tuple(Holder(f"custodian-{n}", "council", tmp_path / f"{n}.txt") for n in range(3))
    provider_of(home, Ceremony(home, holders)).make_master(CLASS)
    [master] = opening_of(home).masters.values()
    assert [path.name for path in home.keys.iterdir()] == ["register.toml"]
    everything = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    for form in (master, master.hex().encode()):
        assert form not in everything
    assert master.hex() not in repr(opening_of(home))


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit('a secret: 5eC7e7')",
        "print('not JSON 5eC7e7')",
        "print('[]')",
        'print(\'{"masters": "5eC7e7"}\')',
        'print(\'{"key": "5eC7e7", "masters": ["0123456789abcdef"]}\')',
    ],
    ids=["fails", "no JSON", "no object", "no list", "no key"],
)
def test_a_key_service_that_misbehaves_is_refused_without_quoting_it(tmp_path: Path, program: str) -> None:
    home = home_with(tmp_path, "command")
    section = KeysSection(provider="command", command=(sys.executable, "-c", program))
    settings = home.settings.model_copy(update={"keys": section})
    keys = provider_of(Home(home.root, home.zone, home.title, home.retention_classes, settings))
    told = refusal_of(lambda: keys.unwrap(WrappedKey("0123456789abcdef", bytes(60)), CONTEXT))
    assert told.code == ExitCode.RESOURCE
    assert "5eC7e7" not in str(told)


def test_a_key_service_that_cannot_be_started_is_refused(tmp_path: Path) -> None:
    home = home_with(tmp_path, "command")
    section = KeysSection(provider="command", command=("made-up-program-that-is-nowhere",))
    settings = home.settings.model_copy(update={"keys": section})
    keys = provider_of(Home(home.root, home.zone, home.title, home.retention_classes, settings))
    assert "could not be started" in refusal_of(lambda: keys.masters(CLASS)).what
