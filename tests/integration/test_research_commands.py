"""The researchers' commands as a person runs them: protocol check, show and seal; study extract and ask."""

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.policy import Resource
from families_first.research.evaluation.power import design_effect_of, detectable_difference
from families_first.research.extract.design_facts import design_facts
from families_first.research.extract.loading import load_study
from made_up_extract import ID, linked_study_in
from made_up_protocol import changed


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    found = linked_study_in(tmp_path_factory.mktemp("study") / "s", families=40)
    found.study.desk("research")  # so that the staff register names the researcher
    for path in [*found.open_paths, *found.locked_paths]:
        shutil.copy(path, found.study.research.inbox)
    return found


@pytest.fixture(scope="module")
def told(linked):
    """Run everything once, in order; returns what each command told."""
    return {
        "early": run(linked, "study", "extract", ID),
        "seal": run(linked, "protocol", "seal", str(linked.protocol_file())),
        "again": run(linked, "protocol", "seal", str(linked.protocol_file())),
        "extract": run(linked, "study", "extract", ID),
        "count": run(linked, "study", "ask", ID, "--by", "arm", "--by", "role"),
        "mean": run(linked, "study", "ask", ID, "--by", "arm", "--mean", "needs"),
        "outcome": run(linked, "study", "ask", ID, "--by", "arm", "--mean", "convictions@months-1-24"),
    }


def run(linked, *command):
    home = ["--home", str(linked.study.research.root), "--as", "made-up-researcher", "--json"]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = exit_code_of([*command, *home])
    return code, json.loads(out.getvalue())


def plain(*command):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = exit_code_of(list(command))
    return code, out.getvalue() + err.getvalue()


def test_sealing_prints_the_hash_and_is_done_once(told):
    code, first = told["seal"]
    assert code == 0
    assert (told["again"][1]["entry"], told["again"][1]["sha256"]) == (first["entry"], first["sha256"])
    assert first["sealed_as"] == ID


def test_an_extract_before_the_seal_tells_the_parcels_and_what_is_missing(told):
    code, document = told["early"]
    assert code == ExitCode.NOT_FOUND
    assert document["error"]["what"] == "No protocol is sealed under this id"
    assert {each["became"] for each in document["opened"]["parcels"]} == {"opened", "waiting"}


def test_the_extract_is_told_by_counts_alone(told):
    code, document = told["extract"]
    assert code == 0
    assert document["extract"]["people"] > 100
    assert document["outcomes"] is None
    assert "locked" in document["why_no_outcomes"]
    assert document["extract"]["after"]["k"] >= 3


def test_what_could_be_found_is_told_before_outcomes_open(linked, told):
    desk = linked.study.desk("research")
    with desk.act("analyse", Resource("StudyExtract", ID)) as act:
        study = load_study(act, ID)
        facts = design_facts(act, ID)
    child = study.fields["role"].is_("child")
    first = facts.outcomes[0]
    assert first.id == "looked-after@months-19-24"
    assert (first.treated, first.comparison) == (
        (child & study.treated).sum(),
        (child & ~study.treated).sum(),
    )
    assert first.treated_families == len(np.unique(study.family[child & study.treated]))
    wanted = detectable_difference(
        float(first.treated),
        float(first.comparison),
        base=0.025,
        design_effect=design_effect_of(study.family[child], 0.1),
        level=0.05,
        power=0.8,
    )
    assert first.detectable == wanted
    assert told["extract"][1]["design"]["outcomes"][0]["detectable"]["difference"] == wanted.difference
    assert [each.detectable is None for each in facts.outcomes] == [False, False, True, True]
    for owner in study.owners:
        treated, comparison = facts.links[owner.owner]
        people = treated * study.treated.sum() + comparison * (~study.treated).sum()
        assert people == pytest.approx(owner.probability.sum())


def test_questions_are_answered_in_groups(told):
    code, document = told["count"]
    assert code == 0
    assert {tuple(each["labels"]) for each in document["cells"]} == {
        (arm, role) for arm in ("treated", "comparison") for role in ("child", "adult")
    }
    assert document["total"] == sum(each["people"] or 0 for each in document["cells"])
    assert (document["asked_today"], document["limit"]) == (1, 100)
    assert all(0 < each["mean"] < 6 for each in told["mean"][1]["cells"])


def test_outcomes_that_are_not_open_are_not_asked_of(told):
    code, document = told["outcome"]
    assert code == ExitCode.REFUSED
    assert document["error"]["what"] == "Outcomes have not been opened"


def test_a_protocol_is_checked_and_shown_without_a_home(linked):
    code, shown = plain("protocol", "show", str(linked.protocol_file()))
    assert code == 0
    assert "Primary: Children looked after, of children" in shown
    code, checked = plain("protocol", "check", str(linked.protocol_file()))
    assert code == 0
    assert "Who paid for it?" in checked
    bad = linked.protocol_file(changed("quarters = [-8, -1]", "quarters = [-8, 1]"), "bad.toml")
    code, faults = plain("protocol", "check", str(bad))
    assert code == ExitCode.BAD_FILE
    assert "which is not before time zero" in faults
    assert str(linked.study.root) not in faults


def test_a_changed_file_given_by_name_is_refused(linked, told):
    other = linked.protocol_file(changed("k = 3", "k = 2"), "other.toml")
    code, document = run(linked, "study", "extract", str(other))
    assert code == ExitCode.REFUSED
    assert "not the file that was sealed" in document["error"]["what"]


def test_a_refused_parcel_is_in_the_exit_code_although_the_rest_is_done(linked, told):
    again = linked.study.split("work").sections[0].open.path
    code, document = run(linked, "study", "extract", ID, "--parcels", str(again))
    assert code == ExitCode.PARCEL
    assert document["opened"]["parcels"][0]["became"] == "refused"
    assert document["extract"]["people"] > 100
