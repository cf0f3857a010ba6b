"""The reference pages that are written from the code say what the code says now."""

import re
from pathlib import Path

import pytest

from families_first.cli import reference
from families_first.cli.main import app
from families_first.errors import ExitCode

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


PAGES = reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_the_one_that_the_code_would_write_today(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


def test_no_page_is_left_of_a_criteria_pack_that_has_gone():
    written = {f"criteria/{path.name}" for path in (FOLDER / "criteria").glob("*.md")}
    assert written == {name for name in PAGES if name.startswith("criteria/")}


def test_every_exit_code_is_explained():
    page = (FOLDER / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert {(int(number), name) for number, name, *_ in rows} == {
        (code.value, code.name) for code in ExitCode
    }


def test_every_command_is_documented_with_what_it_does():
    page = (FOLDER / "cli.md").read_text(encoding="utf-8")
    missing = [
        name for name in app if not name.startswith("-") and f"\n## families-first {name}\n" not in page
    ]
    assert missing == []


def test_every_command_can_print_json():
    page = (FOLDER / "cli.md").read_text(encoding="utf-8")
    sections = re.split(r"^#{2,3} ", page, flags=re.MULTILINE)[1:]
    runnable = [section for section in sections if "```console" in section]
    assert len(runnable) > 3
    assert [section.splitlines()[0] for section in runnable if "--json" not in section] == []
