"""The staff register: who may ask, and nobody as somebody else."""

from datetime import date

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.staff import (
    STAFF_FILE,
    StaffMember,
    account_name,
    person_acting,
    read_staff,
    write_staff,
)

TODAY = date(2026, 9, 30)
LEAD = StaffMember(id="jo-hill", name="Jo Hill (made up)", roles=("data-lead",))
REVIEWER = StaffMember(id="sam-oak", name="Sam Oak (made up)", roles=("clerical-reviewer",))


@pytest.fixture
def home(tmp_path) -> Home:
    return Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")


def test_the_register_is_read_back_as_it_was_written(home):
    everything = StaffMember(
        id="kim-ash",
        name='Kim "K" Ash (made up)',
        roles=("keyworker", "team-manager"),
        organisation="school",
        account="kash",
        second_factor=True,
        caseload=("F1", "F2"),
        until=date(2027, 1, 31),
        signing="council.kim+1230e6c3+AevYFPhAiGAqhJ99q7HVgO9eWR/HdKTJ3kFogDLSE2oi",
    )
    write_staff(home, LEAD, everything)
    assert read_staff(home).people == {"jo-hill": LEAD, "kim-ash": everything}


def test_without_a_register_nobody_may_do_anything(home):
    with pytest.raises(UserError, match="nobody may do anything") as refusal:
        read_staff(home)
    assert refusal.value.code is ExitCode.HOME


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("people = [", "not a file in TOML"),
        ("[[people]]\nid = 'a'\nname = 'A'\nroles = []", "must not be empty"),
        ("[[people]]\nid = 'a'\nname = 'A'\nroles = ['x']\npower = 'all'", "not a word that this file knows"),
        (
            2 * "[[people]]\nid = 'a'\nname = 'A'\nroles = ['x']\n",
            "two people have the same id",
        ),
    ],
)
def test_a_faulty_register_is_refused_with_its_faults(home, text, told):
    (home.root / STAFF_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=told):
        read_staff(home)


def test_the_one_person_of_a_register_acts_without_being_named(home):
    write_staff(home, LEAD)
    assert person_acting(read_staff(home), "", on=TODAY) == LEAD


def test_among_several_the_account_says_who_acts(home):
    mine = REVIEWER.model_copy(update={"account": account_name()})
    write_staff(home, LEAD, mine)
    assert person_acting(read_staff(home), "", on=TODAY) == mine


@pytest.mark.parametrize(
    ("people", "named", "told"),
    [
        ((LEAD, REVIEWER), "", "not clear as whom you act"),
        ((LEAD,), "nobody", "names nobody"),
        ((LEAD.model_copy(update={"account": "somebody-else"}),), "jo-hill", "Only the account of"),
        ((LEAD.model_copy(update={"account": "somebody-else"}),), "", "not clear as whom you act"),
        ((LEAD.model_copy(update={"until": date(2026, 9, 29)}),), "jo-hill", "no longer works"),
    ],
)
def test_nobody_acts_as_somebody_else(home, people, named, told):
    write_staff(home, *people)
    with pytest.raises(UserError, match=told) as refusal:
        person_acting(read_staff(home), named, on=TODAY)
    assert refusal.value.code is ExitCode.REFUSED
    assert "jo-hill" in refusal.value.fix


def test_a_person_may_act_on_the_last_day(home):
    write_staff(home, LEAD.model_copy(update={"until": TODAY}))
    assert person_acting(read_staff(home), "jo-hill", on=TODAY).id == "jo-hill"
