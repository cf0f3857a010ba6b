"""What people, families and findings were made from decides how long they are kept."""

from datetime import UTC, date, datetime

import pytest

from bad_files import GOOD, HEADER, MAPPING, ON, made_up_agreement
from families_first.council.deliveries import land_delivery, parse_mapping
from families_first.council.journey import build_families
from families_first.council.people import match_people
from families_first.council.resources import RECORDS
from families_first.errors import UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.retention import PROGRAMME_CLASS, CountedFrom, DestroyAfter, RetentionClass
from families_first.governance.vault import Vault
from made_up_desk import open_desk

SIGNALS = RetentionClass(
    id="signals-2026",
    description="Kept two years from receipt (made up)",
    destroy_after=DestroyAfter(years=2, counted_from=CountedFrom.RECEIPT),
)
COLUMNS = tuple(HEADER.split(","))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 9, 30, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path, clock) -> Desk:
    home = Home.create(
        tmp_path / "home",
        zone="council",
        title="Exampleshire Council",
        retention_classes=(PROGRAMME_CLASS, SIGNALS),
    )
    return open_desk(home, clock=clock)


def land(desk: Desk, text: str, class_id: str, *, mapping: str = MAPPING, name: str = "attendance") -> None:
    agreement = made_up_agreement(name, COLUMNS, until=date(2040, 3, 31), retention_class=class_id)
    path = desk.home.inbox / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    land_delivery(path, parse_mapping(mapping), agreement, desk, on=ON)


def kept(desk: Desk, kind: str) -> list[str]:
    action = {"people": "review-matches", "families": "list-families"}[kind]
    with desk.act(action, RECORDS) as act:
        return [each.name for each in Vault(act).list(kind)]


def test_people_and_families_are_no_longer_read_once_a_delivery_they_were_made_from_is_due(desk, clock):
    land(desk, GOOD, SIGNALS.id)
    match_people(desk, on=ON)
    build_families(desk, on=ON)
    assert kept(desk, "people")
    assert kept(desk, "families")
    clock.now = datetime.now(UTC).replace(year=datetime.now(UTC).year + 3)
    assert kept(desk, "people") == []
    assert kept(desk, "families") == []


def test_matching_again_without_the_delivery_that_is_due_keeps_the_other_people_and_their_ids(desk, clock):
    other = (
        MAPPING.replace('"attendance"', '"register"')
        .replace("attendance*", "register*")
        .replace('source = "schools"', 'source = "other-schools"')
    )
    land(desk, GOOD, SIGNALS.id)
    land(
        desk,
        GOOD.replace("P00", "R00").replace("Exampleton", "Otherton"),
        PROGRAMME_CLASS.id,
        mapping=other,
        name="register",
    )
    match_people(desk, on=ON)
    before = people_of(desk)
    clock.now = datetime.now(UTC).replace(year=datetime.now(UTC).year + 3)
    run = match_people(desk, on=ON)
    assert run.people
    after = people_of(desk)
    assert after
    assert all(before[key] == person for key, person in after.items())
    with desk.act("match-people", RECORDS) as act:
        vault = Vault(act)
        latest = vault.latest("people")
        for table in latest.tables:
            assert "P001" not in str(vault.read(latest, table).to_pylist()), table


def people_of(desk: Desk) -> dict[str, str]:
    with desk.act("match-people", RECORDS) as act:
        vault = Vault(act)
        rows = vault.read(vault.latest("people"), "assignment").to_pylist()
    return {row["record_key"]: row["person_id"] for row in rows}


def test_with_nothing_left_to_match_the_old_people_stay_unread(desk, clock):
    land(desk, GOOD, SIGNALS.id)
    match_people(desk, on=ON)
    clock.now = datetime.now(UTC).replace(year=datetime.now(UTC).year + 3)
    with pytest.raises(UserError, match="no record of a person"):
        match_people(desk, on=ON)
    assert kept(desk, "people") == []
