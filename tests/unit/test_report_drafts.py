"""What leaves with a draft: deviations on every result, the level's own name, and no small figure."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from families_first.cli.main import exit_code_of
from families_first.research.analysis.findings import find
from families_first.research.report.hiding import as_draft
from families_first.research.report.page import render_report
from families_first.research.report.tables import objects_of
from made_up_analysis import own_protocol, own_text, rows

SECOND = (
    ("version = 1", "version = 2"),
    (
        "[sensitivity]",
        '[[deviations]]\non = 2026-03-02\nwhat = "A window was added."\nwhy = "The board asked."\n\n'
        "[sensitivity]",
    ),
)
CHANGE = "2 March 2026: A window was added. Why: The board asked."
SEEN = "Version 2 of the protocol was sealed after outcomes had been released for version 1"
PLANNED = "fixed before anybody saw an outcome"


def found(*changes, released_for=0):
    study, protocol = rows(seed=2, families=300).study(), own_protocol(*changes)
    source = replace(study.provenance, protocol_version=protocol.version, outcomes_released_for=released_for)
    return find(replace(study, provenance=source), protocol)


def words_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_first_version_says_that_nothing_was_changed():
    findings = found()
    words = words_of(render_report(findings))
    assert "version 1: no deviations" in words
    assert PLANNED in words
    assert all(each.note.endswith("Protocol version 1: no deviations.") for each in objects_of(findings))


def test_each_deviation_is_on_the_page_and_with_every_result():
    findings = found(*SECOND)
    page = render_report(findings)
    assert CHANGE in words_of(page[: page.index('id="found"')])
    for each in objects_of(findings):
        assert CHANGE in each.note
        assert "sealed after" not in each.note


def test_a_version_sealed_after_outcomes_were_released_does_not_read_like_a_plan():
    findings = found(*SECOND, released_for=1)
    page = render_report(findings)
    words = words_of(page)
    assert SEEN in words_of(page[: page.index('id="found"')])
    assert PLANNED not in words
    assert "Groups were named before anybody saw an outcome" not in words
    assert all(SEEN in each.note and CHANGE in each.note for each in objects_of(findings))


def test_every_interval_is_called_by_the_protocols_level():
    findings = found(("[sensitivity]", "[multiplicity]\nlevel = 0.1\n\n[sensitivity]"))
    page = words_of(render_report(findings)).replace("\u00a0", " ").replace("&nbsp;", " ")
    assert "90 % interval" in page
    assert not re.search(r"95 % interval", page)
    notes = [each.note for each in objects_of(findings)]
    assert any("90 % intervals" in each for each in notes)
    assert not any("95 %" in each for each in notes)


@pytest.fixture
def rare():
    """Seven children of those who took part have the outcome, and 25 of the others."""
    made = rows(families=300)
    child = made.role == "child"
    outcome = np.zeros(len(made.family))
    outcome[np.flatnonzero(made.treated & child)[:7]] = 1
    outcome[np.flatnonzero(~made.treated & child)[:25]] = 1
    made.columns["care@later"] = outcome
    return made


def test_a_row_with_few_cases_leaves_the_vault_without_its_figures(rare):
    objects = objects_of(find(rare.study(), own_protocol()))
    whole = next(each for each in objects if each.id == "effects")
    told = next(each for each in as_draft(objects) if each["id"] == "effects")
    assert whole.beneath[0].cases == 7  # the whole object has it
    assert isinstance(whole.rows[0][6], float)
    assert told["beneath"][0] is None
    assert not [
        each for each in told["rows"][0] if isinstance(each, int | float) and each not in (True, False)
    ]
    assert told["rows"][0][0] == "care"
    assert told["rows_sha256"] != whole.rows_sha256


def test_no_small_figure_is_in_what_the_command_prints_or_writes(rare, tmp_path, capsys):
    (tmp_path / "own.toml").write_text(own_text(), encoding="utf-8")
    path = rare.write(tmp_path / "people.csv")
    arguments = [
        "evaluate",
        str(tmp_path / "own.toml"),
        str(path),
        "--json",
        "--out",
        str(tmp_path / "draft"),
    ]
    assert exit_code_of(arguments) == 0
    printed = json.loads(capsys.readouterr().out)["objects"]
    written = json.loads((tmp_path / "draft" / "report-objects.json").read_text("utf-8"))
    assert printed == written
    for each in printed:
        for row, beneath in zip(each["rows"], each["beneath"], strict=True):
            if beneath is None:
                assert all(value is None or isinstance(value, str | bool) for value in row)
            else:
                assert beneath["people"] >= 10
                assert beneath["families"] >= 5
                assert beneath["cases"] is None or beneath["cases"] >= 10
    effects = next(each for each in printed if each["id"] == "effects")
    assert effects["beneath"][0] is None


def test_enough_people_leave_every_figure_as_it_is():
    objects = objects_of(find(rows(seed=2).study(), own_protocol()))
    whole = next(each for each in objects if each.id == "effects")
    told = next(each for each in as_draft(objects) if each["id"] == "effects")
    assert told == whole.as_json()
