"""Whoever has the log and every id there is learns of nobody: people stand in it as keyed commitments."""

import hashlib
import hmac
import json

import pytest

from families_first.governance.audit.log import LOG_FILE, AuditLog
from families_first.governance.home import Home
from families_first.governance.keys.commitments import Commitments
from made_up_log import EXAMPLE, happening

PEOPLE = [f"QQ{number:06d}A" for number in range(2_000)]
CONCERNED = PEOPLE[::40]


def guesses(person: str, known: list[bytes]) -> set[str]:
    """Return every plain hash, and every hash keyed with what the log and the home's public files hold."""
    spelt = {person.encode(), person.lower().encode(), json.dumps(person).encode()}
    found = {hashlib.new(kind, each).hexdigest() for kind in ("md5", "sha1", "sha256") for each in spelt}
    for key in known:
        found |= {hmac.new(key, each, "sha256").hexdigest() for each in spelt}
        found |= {hashlib.sha256(key + each).hexdigest() for each in spelt}
        found |= {hashlib.sha256(each + key).hexdigest() for each in spelt}
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.create(tmp_path_factory.mktemp("attack") / "home", **EXAMPLE)
    commitments = Commitments(home).of(CONCERNED)
    assert len(set(commitments)) == len(CONCERNED)
    log = AuditLog.open(home)
    log.append_all(happening(number, subjects=(each,)) for number, each in enumerate(commitments))
    return home


def test_a_dictionary_of_every_person_finds_none_of_those_in_the_log(home: Home) -> None:
    in_the_log = {each for entry in AuditLog.open(home).entries() for each in entry.event.subjects}
    assert len(in_the_log) == len(CONCERNED)
    known = [b"", home.name.encode(), home.title.encode(), b"audit", (home.root / "zone.toml").read_bytes()]
    found = [person for person in PEOPLE if in_the_log & guesses(person, known)]
    assert found == []


def test_the_same_dictionary_finds_people_whom_a_plain_hash_stood_for() -> None:
    plain = {hashlib.sha256(person.encode()).hexdigest() for person in CONCERNED}
    assert [person for person in PEOPLE if plain & guesses(person, [])] == CONCERNED


def test_no_id_stands_in_the_log_in_plain(home: Home) -> None:
    content = (home.audit / LOG_FILE).read_bytes()
    assert not [person for person in PEOPLE if person.encode() in content]
