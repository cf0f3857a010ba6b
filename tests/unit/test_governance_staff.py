"""The staff register: who may ask, and nobody as somebody else."""

import os
import pwd
from datetime import date

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance import staff as staff_register
from families_first.governance.home import Home
from families_first.governance.policy import Context, Resource, decide
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
OTHER = LEAD.model_copy(update={"account": "somebody-else"})
LEFT = LEAD.model_copy(update={"until": date(2026, 9, 29)})
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
        (
            "[[people]]\nid = 'a'\nname = 'A'\nroles = ['keyworker']\npower = 'all'",
            "not a word that this file knows",
        ),
        (
            2 * "[[people]]\nid = 'a'\nname = 'A'\nroles = ['keyworker']\n",
            "two people have the same id",
        ),
        ("[[people]]\nid = 'a'\nname = 'A'\nroles = ['keywroker']", "a has a role that does not exist"),
        (
            "[[people]]\nid = 'a'\nname = 'A'\nroles = ['keyworker']\norganisation = 'shop'",
            "a kind of organisation that does not exist",
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
    ("people", "named", "told", "to_do"),
    [
        ((LEAD, REVIEWER), "", "not clear as whom you act", "jo-hill, sam-oak"),
        ((LEAD,), "nobody", "names nobody", "jo-hill"),
        (
            (LEAD.model_copy(update={"account": "somebody-else"}),),
            "jo-hill",
            "Only the account",
            "own account",
        ),
        ((LEAD.model_copy(update={"account": "somebody-else"}),), "", "not clear as whom", "own account"),
        (
            (LEAD.model_copy(update={"until": date(2026, 9, 29)}),),
            "jo-hill",
            "no longer works",
            "own account",
        ),
    ],
)
def test_nobody_acts_as_somebody_else(home, people, named, told, to_do):
    write_staff(home, *people)
    with pytest.raises(UserError, match=told) as refusal:
        person_acting(read_staff(home), named, on=TODAY)
    assert refusal.value.code is ExitCode.REFUSED
    assert to_do in refusal.value.fix


def test_people_of_other_accounts_and_people_who_left_are_not_offered(home):
    left = REVIEWER.model_copy(update={"until": date(2026, 9, 29)})
    other = LEAD.model_copy(update={"id": "kim-ash", "account": "somebody-else"})
    write_staff(home, LEAD, left, other)
    with pytest.raises(UserError) as refusal:
        person_acting(read_staff(home), "", on=TODAY)
    assert refusal.value.fix == "Name yourself with --as: jo-hill."


def test_who_signed_in_counts_and_not_the_account_that_owns_the_home(monkeypatch, tmp_path):
    signed_in = tmp_path / "loginuid"
    monkeypatch.setattr(staff_register, "_LOGIN_UID", signed_in)
    signed_in.write_text("54321")
    assert account_name() == "54321"
    signed_in.write_text("4294967295")  # nobody signed in: a container, or a job of the system's own
    unset = account_name()
    signed_in.unlink()
    assert account_name() == unset == pwd.getpwuid(os.geteuid()).pw_name


def test_a_person_may_act_on_the_last_day(home):
    write_staff(home, LEAD.model_copy(update={"until": TODAY}))
    assert person_acting(read_staff(home), "jo-hill", on=TODAY).id == "jo-hill"


@pytest.mark.parametrize(
    ("home_kind", "employer", "acts_for"),
    [
        ("council", "", "council"),
        ("council", "research-body", "council"),
        ("council", "school", "school"),
        ("research-body", "", "research-body"),
        ("research-body", "trusted-linker", "research-body"),
        ("research-body", "police", "police"),
        ("no-such-kind", "research-body", "no-such-kind"),
        ("council", "no-such-kind", "no-such-kind"),
    ],
)
def test_a_person_is_a_public_agencys_where_the_employer_or_the_home_is_one(
    tmp_path, home_kind, employer, acts_for
):
    home = Home.create(tmp_path / "home", zone="research", title="Study", organisation_kind=home_kind)
    person = LEAD.model_copy(update={"organisation": employer})
    assert person.principal(home).organisation == acts_for


@pytest.mark.parametrize("zone", ["linkage", "research"])
@pytest.mark.parametrize("employer", ["", "research-body", "trusted-linker", "school"])
def test_nobody_works_with_linked_data_in_a_home_that_a_council_runs(tmp_path, zone, employer):
    home = Home.create(tmp_path / "home", zone=zone, title="Study", organisation_kind="council")
    action, kind = {"linkage": ("link-people", "Identifiers"), "research": ("analyse", "StudyExtract")}[zone]
    role = {"linkage": "linker", "research": "researcher"}[zone]
    person = StaffMember(id="ash", name="Ash", roles=(role,), organisation=employer, second_factor=True)
    asked = (action, Resource(kind, "x"), Context("research"))
    refusal = decide(person.principal(home), *asked)
    assert "linked-data-is-never-an-agencys" in refusal.policies
    assert not refusal.allowed
    independent = Home.create(tmp_path / "other", zone=zone, title="Study")
    assert decide(person.principal(independent), *asked).allowed == (employer != "school")
