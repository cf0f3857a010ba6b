"""The study's tutorial does what it says: every command of it is run, and what it shows is compared.

Keys, pseudonyms and the order of rows are drawn anew in each run, so hashes, serials and the last digits of
figures differ: words, columns and verdicts are compared, figures are not. The planted ones are, below.
"""

import re
import sys
from pathlib import Path

import pytest

from tutorial_steps import Outcome, failed_unseen, matches, run_tutorial

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "a-study-in-an-afternoon.md"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Run the whole tutorial once; return each command with what it printed and its exit code."""
    folder = tmp_path_factory.mktemp("study-tutorial")
    (folder / ".venv").symlink_to(sys.prefix)
    return run_tutorial(TUTORIAL, folder, seconds=1_200)


def without_figures(text: str) -> str:
    """Return text with hashes, serials and figures as `#`, and spaces between columns as one."""
    text = re.sub(r"\b[0-9a-f]{8}(-\d{6}-[0-9a-f]{12}|[0-9a-f]{4,56})\b", "#", text)
    return re.sub(r"[^\S\n]+", " ", re.sub(r"[−+-]?\d[\d,.]*", "#", text))


def test_every_command_of_the_tutorial_succeeds_unless_it_shows_its_exit_code(outcomes):
    assert failed_unseen(outcomes) == []


def test_every_output_that_the_tutorial_shows_is_what_the_command_prints_but_for_figures(outcomes):
    for each in outcomes:
        if each.command.shown:
            shown = [without_figures(line) for line in each.command.shown]
            assert matches(shown, without_figures(each.printed)), f"$ {each.command.text}\n{each.printed}"


def test_what_the_tutorial_says_was_planted_was_planted(outcomes):
    (planted,) = (each for each in outcomes if each.command.text.startswith("python -c"))
    assert tuple(planted.printed.strip().split("\n")) == planted.command.shown


def test_the_tutorial_shows_the_output_of_most_commands(outcomes):
    assert sum(bool(each.command.shown) for each in outcomes) >= 18
