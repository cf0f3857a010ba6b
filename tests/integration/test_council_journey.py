"""The council's whole job on a small made-up county: files in, nominated families out, beside the truth."""

import json
import re
import shutil
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from families_first.cli.main import exit_code_of
from families_first.council.against_truth.truth import load_truth
from families_first.council.deliveries.current import current_tables
from families_first.council.demonstration import make_demo
from families_first.council.identification.pack import shipped_packs_folder
from families_first.council.journey import build_families, identify_families, pack_named, run_journey
from families_first.council.pages.demo import render_demo
from families_first.council.people import match_people
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Outcome
from families_first.governance.home import Home
from families_first.records.tables import Table
from families_first.simulation import REFERENCE_DAY
from made_up_desk import desk_for, open_desk, vault_of

PEOPLE = 6_000


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo"), people=PEOPLE, seed=1)


@pytest.fixture
def home(demo, tmp_path):
    """A copy of the demo's council, to run again."""
    return Home.open(shutil.copytree(demo.desk.home.root, tmp_path / "council"))


def persons(home):
    assignment = vault_of(home).read(vault_of(home).latest("people"), "assignment")
    return dict(zip(assignment["record_key"].to_pylist(), assignment["person_id"].to_pylist(), strict=True))


def test_every_good_file_lands_and_every_broken_one_is_refused_or_quarantined(demo):
    outcome = {landing.file: landing for landing in demo.journey.landings}
    assert {name for name, landing in outcome.items() if not landing.landed} == {
        "cin_census_cut_off.xml",
        "court_results_two_digit_years.csv",
        "domestic_abuse_encoding.csv",
        "early_help_without_reference.csv",
        "treatment_with_notes.csv",
    }
    assert outcome["police_incidents_ragged.csv"].report.quarantined_rows > 0
    for landing in outcome.values():
        if landing.landed:
            assert landing.report.landed + landing.report.quarantined_rows == landing.report.rows


def test_every_record_that_names_somebody_gets_exactly_one_person(demo):
    records = current_tables(vault_of(demo.desk.home))[Table.PERSON_RECORD]
    assignment = vault_of(demo.desk.home).read(demo.journey.people.dataset, "assignment")
    assert len(pc.unique(assignment["record_key"])) == assignment.num_rows
    assert 0.99 * records.num_rows <= assignment.num_rows <= records.num_rows


def test_nominated_families_have_a_dependent_child_and_enough_problems_each_with_its_record(demo):
    found = demo.journey.identification
    children = demo.journey.families.membership
    with_child = set(children.filter(children["dependent"])["family_id"].to_pylist())
    assert found.nomination.num_rows > 0
    for row in found.nomination.to_pylist():
        assert row["family_id"] in with_child
        assert row["distinct_problems"] >= demo.pack.head.minimum_problems
    deliveries = {each.name for each in vault_of(demo.desk.home).list("delivery")}
    for finding in found.finding.to_pylist():
        assert finding["records"]
        assert {record["delivery_id"] for record in finding["records"]} <= deliveries


def test_most_of_what_is_nominated_is_right_and_every_difference_has_a_cause(demo):
    nominations = demo.nominations
    assert nominations.true > 5
    assert nominations.precision > 0.8
    assert nominations.recall > 0.7
    assert nominations.true == nominations.recalled + len(nominations.missed)
    assert nominations.found == nominations.right + len(nominations.wrong)
    for each in (*nominations.missed, *nominations.wrong):
        assert each.causes
        assert each.main_cause != "not explained"


def test_running_again_changes_nothing(home):
    before = persons(home)
    again = run_journey(open_desk(home), on=REFERENCE_DAY, pack=pack_named(home, "exampleshire-2026"))
    assert persons(home) == before
    assert again.people.compared == 0
    assert all(landing.report.already_landed for landing in again.landings if landing.landed)


def test_people_and_families_keep_their_ids_when_more_records_come(home):
    before = persons(home)
    families_before = vault_of(home).read(vault_of(home).latest("families"), "membership")
    tables = current_tables(vault_of(home))
    twin = tables[Table.PERSON_RECORD].slice(0, 1).to_pylist()[0] | {"record_id": "later/1"}
    more = pa.concat_tables(
        [tables[Table.PERSON_RECORD], pa.Table.from_pylist([twin], tables[Table.PERSON_RECORD].schema)]
    )
    run = match_people(
        open_desk(home), tables | {Table.PERSON_RECORD: more}, on=REFERENCE_DAY + timedelta(days=1)
    )
    assert run.compared == 1
    after = persons(home)
    assert {key: after[key] for key in before} == before
    families = build_families(open_desk(home), on=REFERENCE_DAY, tables=tables)
    assert set(families.membership["family_id"].to_pylist()) == set(families_before["family_id"].to_pylist())


def test_only_new_records_are_compared_and_the_outcome_is_that_of_comparing_all(demo, tmp_path):
    """A month later one more delivery comes; matching it alone gives the people that matching all gives."""
    tables = current_tables(vault_of(demo.desk.home))
    records = tables[Table.PERSON_RECORD]
    is_late = pc.equal(records["source"], "treatment")
    step, whole = (desk_for(tmp_path / name) for name in ("step", "whole"))
    match_people(step, tables | {Table.PERSON_RECORD: records.filter(pc.invert(is_late))}, on=REFERENCE_DAY)
    added = match_people(step, tables, on=REFERENCE_DAY)
    match_people(whole, tables, on=REFERENCE_DAY)
    assert added.compared == pc.sum(is_late).as_py()
    one, other = persons(step.home), persons(whole.home)
    same = {frozenset(group) for group in _groups(one)} & {frozenset(group) for group in _groups(other)}
    assert len(same) >= 0.995 * len(_groups(other))


def test_matching_before_anything_landed_says_what_to_do(tmp_path):
    home = Home.create(tmp_path / "empty", zone="council", title="Made-up council")
    with pytest.raises(UserError, match="Land deliveries first") as refusal:
        match_people(open_desk(home), current_tables(vault_of(home)), on=REFERENCE_DAY)
    assert refusal.value.code is ExitCode.NOT_FOUND


def test_identifying_before_families_are_formed_says_what_to_do(tmp_path):
    home = Home.create(tmp_path / "empty", zone="council", title="Made-up council")
    with pytest.raises(UserError, match="Match the records first"):
        identify_families(open_desk(home), pack_named(home, "exampleshire-2026"), on=REFERENCE_DAY)


def test_an_unknown_pack_is_refused_with_the_names_of_those_there_are(home):
    with pytest.raises(UserError, match="supporting-families-2022"):
        pack_named(home, "troubled-families-1999")


def test_the_command_runs_the_whole_job_and_writes_a_private_page(home, capsys):
    code = exit_code_of(
        [
            "run",
            "--home",
            str(home.root),
            "--as",
            "data-lead",
            "--pack",
            "exampleshire-2026",
            "--on",
            "2026-09-30",
            "--json",
        ]
    )
    told = json.loads(capsys.readouterr().out)
    page = home.outbox / "families.html"
    assert code in {int(exit_code) for exit_code in ExitCode} - {
        0
    }  # five files are broken, and the code says so
    assert told["nominated"] > 0
    assert len(told["refused"]) == 5
    assert page.stat().st_mode & 0o077 == 0
    assert f"{told['nominated']:,} nominated families" in page.read_text(encoding="utf-8")


def test_the_demo_page_needs_nothing_from_outside_and_runs_no_script(demo):
    page = render_demo(demo, people=PEOPLE)
    addresses = set(re.findall(r"""(?:src|href)=["']([^"'#]+)""", page))
    assert addresses == {"assurance.html"}, "the page beside it, and nothing from anywhere else"
    assert "<script" not in page
    assert page.count("<h1>") == 1


def test_the_truth_is_never_written_into_the_councils_home(demo):
    truth = load_truth(demo.desk.home.root.parent / "county")
    assert truth.person.num_rows >= PEOPLE
    assert not any("truth" in path.name for path in demo.desk.home.root.rglob("*"))


def _groups(assignment):
    groups = {}
    for key, person in assignment.items():
        groups.setdefault(person, set()).add(key)
    return list(groups.values())


def test_names_are_shown_on_the_terminal_only_when_asked_for(demo, capsys):
    family = demo.journey.identification.nomination["family_id"][0].as_py()
    asked = ["families", "show", family, "--home", str(demo.desk.home.root), "--as", "team-manager"]
    exit_code_of(asked)
    without = capsys.readouterr().out
    exit_code_of(
        ["families", "show", family, "--home", str(demo.desk.home.root), "--as", "team-manager", "--names"]
    )
    with_names = capsys.readouterr().out
    person = vault_of(demo.desk.home).read(demo.journey.people.dataset, "person")
    members = demo.journey.families.membership
    ids = members.filter(pc.equal(members["family_id"], family))["person_id"].combine_chunks()
    surnames = person.filter(pc.is_in(person["person_id"], value_set=ids))["surname"].drop_null().to_pylist()
    assert surnames
    for surname in surnames:
        assert surname.title() in with_names
        assert surname.title() not in without


def test_criteria_are_named_by_people_unless_the_home_has_one_pack_of_its_own(home):
    with pytest.raises(UserError, match="No criteria were named"):
        pack_named(home, "")
    shutil.copytree(shipped_packs_folder() / "exampleshire-2026", home.packs / "exampleshire-2026")
    assert pack_named(home, "").id == "exampleshire-2026"


def test_one_incident_counts_once_however_many_of_the_family_are_in_it(demo):
    finding = demo.journey.identification.finding
    incidents = finding.filter(pc.equal(finding["rule"], "domestic-abuse-incident")).to_pylist()
    assert incidents
    for row in incidents:
        assert row["value"] == len({(each["source"], each["reference"]) for each in row["records"]})
        assert all("/" not in each["reference"] for each in row["records"])


def test_a_family_is_shown_to_those_who_work_with_it_and_each_try_is_in_the_log(demo):
    let_in = {(look.roles, look.of) for look in demo.looks if look.allowed}
    assert let_in == {
        ("Data lead", "the keyworker's family"),
        ("Keyworker", "the keyworker's family"),
        ("Team manager", "the keyworker's family"),
    }
    refused = [look for look in demo.looks if not look.allowed]
    assert {look.roles for look in refused} >= {"Keyworker", "Partner practitioner", "System administrator"}
    assert all("The public notice says" in look.why for look in refused)
    tries = [each.event for each in demo.desk.log.entries() if each.event.action == "view-family"]
    assert sum(event.outcome is Outcome.REFUSED for event in tries) >= len(refused)
    assert sum(event.outcome is Outcome.ALLOWED for event in tries) >= len(let_in)


def test_a_keyworker_lists_the_families_of_the_caseload_and_no_others(demo, capsys):
    whose = ["--home", str(demo.desk.home.root), "--as", "keyworker"]
    assert exit_code_of(["families", "show", *whose, "--json"]) == 0
    listed = [row["family_id"] for row in json.loads(capsys.readouterr().out)["families"]]
    assert listed == demo.journey.identification.nomination["family_id"].to_pylist()[:1]


def test_nothing_lands_is_matched_or_identified_without_a_decision_in_the_log(demo):
    entries = [each.event for each in demo.desk.log.entries()]
    allowed = [event.action for event in entries if event.outcome is Outcome.ALLOWED]
    files = len(demo.journey.landings)
    assert allowed.count("land-delivery") == files
    assert {"match-people", "form-families", "identify-families"} <= set(allowed)
    assert {event.actor for event in entries if event.action == "land-delivery"} == {"data-lead"}
