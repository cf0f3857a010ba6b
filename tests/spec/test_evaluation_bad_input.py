"""What nothing can be said of gets the verdict `cannot say` and a sentence, never a silent number.

Each row of the table breaks a sound study in one way. It is asked twice: of the data of an evaluation, and
of a file of one's own through the command line.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.research.analysis.findings import find
from families_first.research.analysis.running import analyse
from families_first.research.analysis.verdicts import Word
from families_first.research.report.page import render_report
from families_first.research.study_data import OwnerLinks
from made_up_analysis import Rows, even, own_protocol, own_text, rows, with_uncertain_links

Changes = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Bad:
    """One way of being bad: what is done to the rows and to the protocol, and what is said of which
    question.
    """

    name: str
    spoil: Callable[[Rows], None]
    question: str
    sentence: str
    changes: Changes = ()


def no_overlap(made):
    """Who takes part has far greater need, so that hardly anybody is like them, and still a few are."""
    made.columns["need"] += np.where(made.treated, 6.0, 0.0)
    few = np.unique(made.family[made.treated])[:3]
    made.columns["need"][np.isin(made.family, few)] -= 8.0


def perfect_separation(made):
    made.columns["need"] = np.where(made.treated, 1.0, 0.0)


def five_cases(made):
    children = np.flatnonzero(made.role == "child")
    made.columns["care@later"][:] = 0.0
    made.columns["care@later"][children[:: len(children) // 5][:5]] = 1.0


def one_family_of_forty(made):
    """Leave few families on each side, one of which has forty members."""
    few = [np.unique(made.family[made.treated == arm])[:45] for arm in (True, False)]
    made.keep(np.isin(made.family, np.concatenate(few)))
    large = np.flatnonzero(made.treated)[-40:]
    made.family[large] = made.family[large[0]]
    made.columns["need"][large] = made.columns["need"][large[0]]


def few_families(made):
    few = np.unique(made.family[made.treated])[:39]
    made.keep(~made.treated | np.isin(made.family, few))


def stays_unlike(made):
    """Matching everybody with a caliper that lets anybody be matched leaves the groups as they are."""
    made.columns["need"] += np.where(made.treated, 1.0, 0.0)


def no_outcome(made):
    made.columns["care@later"][made.treated] = np.nan


def nobody_differs(made):
    made.columns["absence@later"][:] = 0.2


BAD = [
    Bad("no overlap", no_overlap, "care@later", "nobody like them in the comparison group"),
    Bad("perfect separation", perfect_separation, "care@later", "tell the two groups apart perfectly"),
    Bad("an outcome with five cases", five_cases, "care@later", "Too few people have the outcome."),
    Bad("one family of forty among few", one_family_of_forty, "care@later", "rests on too few families"),
    Bad(
        "fewer families than the protocol asks", few_families, "care@later",
        "Too few families in an arm (those who took part).",
    ),
    Bad(
        "covariates unlike whatever is done", stays_unlike, "care@later", "stay unlike each other in need",
        (('primary = "doubly-robust"', 'primary = "matching"\ncaliper = 50.0'),),
    ),
    Bad("an outcome that nobody knows", no_outcome, "care@later", "not known for anybody in an arm"),
    Bad("a quantity that is the same for all", nobody_differs, "absence@later", "the same for everybody"),
]  # fmt: skip
each_bad = pytest.mark.parametrize("bad", BAD, ids=[each.name for each in BAD])


def spoiled(bad):
    made = rows(seed=4)
    bad.spoil(made)
    return made


@each_bad
def test_the_verdict_is_cannot_say_with_a_sentence(bad):
    analysis = analyse(spoiled(bad).study(), own_protocol(*bad.changes))
    effect = next(each for each in analysis.effects if each.question.id == bad.question)
    assert effect.verdict.word is Word.CANNOT_SAY
    assert any(bad.sentence in reason for reason in effect.verdict.reasons), effect.verdict.reasons
    assert str(effect.verdict).startswith("cannot say: ")


@each_bad
def test_no_figure_of_it_is_on_the_page_and_its_reason_is(bad):
    findings = find(spoiled(bad).study(), own_protocol(*bad.changes))
    page = render_report(findings)
    assert "cannot say" in page
    assert bad.sentence.replace("'", "&#39;") in page


@each_bad
def test_a_file_of_ones_own_gets_the_same_verdict(bad, tmp_path, capsys):
    data = spoiled(bad).write(tmp_path / "people.csv")
    protocol = tmp_path / "own.toml"
    protocol.write_text(own_text(*bad.changes), encoding="utf-8")
    assert exit_code_of(["evaluate", str(protocol), str(data), "--json"]) == ExitCode.OK
    objects = {each["id"]: each for each in json.loads(capsys.readouterr().out)["objects"]}
    columns = objects["effects"]["columns"]
    told = [dict(zip(columns, row, strict=True)) for row in objects["effects"]["rows"]]
    effect = next(each for each in told if f"{each['outcome']}@{each['window']}" == bad.question)
    assert effect["verdict"] == "cannot say"
    assert bad.sentence in effect["reasons"]


def test_an_empty_comparison_group_leaves_nothing_to_be_said():
    made = rows(seed=4)
    made.treated[:] = True
    analysis = analyse(made.study(), own_protocol())
    assert {each.verdict.word for each in analysis.effects} == {Word.CANNOT_SAY}
    assert analysis.effects[0].verdict.reasons[0] == "There is nobody to compare with."
    assert np.isnan(analysis.effects[0].difference.value)


def test_a_file_without_a_comparison_group_is_refused(tmp_path, capsys):
    made = rows(seed=4)
    made.treated[:] = True
    protocol = tmp_path / "own.toml"
    protocol.write_text(own_text(), encoding="utf-8")
    data = made.write(tmp_path / "people.csv")
    assert exit_code_of(["evaluate", str(protocol), str(data)]) == ExitCode.REFUSED
    assert "nobody to compare" in capsys.readouterr().err


def test_a_large_family_among_many_is_told_beside_the_number():
    made = rows(seed=4)
    large = np.flatnonzero(made.treated)[-40:]
    made.family[large] = made.family[large[0]]
    effect = analyse(made.study(), own_protocol()).effects[0]
    assert effect.verdict.word is not Word.CANNOT_SAY
    assert any("One family is so large" in reason for reason in effect.verdict.reasons)


def test_when_every_draw_of_the_links_fails_nothing_is_said():
    made = even(rows(seed=4))
    five_cases(made)
    analysis = analyse(with_uncertain_links(made.study(), sure=0.9), own_protocol())
    effect = analysis.effects[0]
    assert analysis.draws == 5
    assert effect.verdict.word is Word.CANNOT_SAY
    assert effect.verdict.reasons == ("Too few people have the outcome.",)


def test_when_one_draw_of_the_links_fails_nothing_is_said_either():
    """An interval from the draws that happened to work would be one chosen by its outcome."""
    made = rows(seed=4)
    study = made.study()
    children = np.flatnonzero(made.role == "child")
    cases = children[:: len(children) // 14][:14]
    held = np.zeros(study.units)
    held[cases] = 1.0
    owner = OwnerLinks(
        owner="education",
        unit=np.arange(study.units),
        record=np.arange(study.units),
        probability=np.where(held > 0, 0.7, 1.0),
        values={"care@later": held},
        absent={"care@later": 0.0},
        panels={},
    )
    certain = {name: values for name, values in study.certain.items() if name != "care@later"}
    effect = next(
        each
        for each in analyse(replace(study, certain=certain, owners=(owner,)), own_protocol()).effects
        if each.question.id == "care@later"
    )
    assert effect.verdict.word is Word.CANNOT_SAY


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.toml", "people.csv"], ExitCode.BAD_FILE, "no such file"),
        (["own.toml", "missing.csv"], ExitCode.BAD_FILE, "There is no such file"),
        (["own.toml", "people.xlsx"], ExitCode.BAD_FILE, "neither a CSV"),
        (["own.toml", "people.csv", "--out", "own.toml"], ExitCode.USAGE, "needs a folder"),
    ],
    ids=["no protocol", "no data", "a spreadsheet", "a file in the folder's place"],
)
def test_what_cannot_be_read_or_written_is_told(arguments, code, said, tmp_path, capsys):
    (tmp_path / "own.toml").write_text(own_text(), encoding="utf-8")
    rows(seed=4).write(tmp_path / "people.csv")
    (tmp_path / "people.xlsx").write_bytes(b"PK")
    whole = [each if each.startswith("--") else str(tmp_path / each) for each in arguments]
    assert exit_code_of(["evaluate", *whole]) == code
    assert said in capsys.readouterr().err
