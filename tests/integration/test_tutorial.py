"""The tutorial does what it says: every command of it is run, and every output it shows is compared."""

import shutil
import sys
from pathlib import Path

import pytest

from tutorial_steps import Outcome, failed_unseen, matches, run_tutorial

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorials" / "your-own-files.md"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Run the whole tutorial once; return each command with what it printed and its exit code."""
    folder = tmp_path_factory.mktemp("tutorial")
    shutil.copytree(TUTORIAL.parent / "files", folder / "docs" / "tutorials" / "files")
    (folder / ".venv").symlink_to(sys.prefix)
    return run_tutorial(TUTORIAL, folder, seconds=280)


def test_every_command_of_the_tutorial_succeeds_unless_it_shows_its_exit_code(outcomes):
    assert failed_unseen(outcomes) == []


def test_every_output_that_the_tutorial_shows_is_what_the_command_prints(outcomes):
    for each in outcomes:
        if each.command.shown:
            assert matches(each.command.shown, each.printed), f"$ {each.command.text}\n{each.printed}"


def test_the_tutorial_shows_the_output_of_most_commands(outcomes):
    # A tutorial that shows nothing would pass the test above.
    assert sum(bool(each.command.shown) for each in outcomes) >= 10


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (("a", "b"), "a\nb\n", True),
        (("a", "b"), "a\nb\nc\n", False),
        (("a", "...", "c"), "a\nb\nb\nc\n", True),
        (("a", "...", "c"), "a\nc\n", True),
        (("a", "...", "c"), "b\nc\n", False),
        (("kept in k-….csv",), "kept in k-12ab.csv", True),
        (("1 row",), "2 rows", False),
    ],
)
def test_shown_output_is_compared_line_by_line(shown, printed, same):
    assert matches(shown, printed) is same
