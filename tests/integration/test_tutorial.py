"""The tutorial does what it says: every command of it is run, and every output it shows is compared."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorials" / "your-own-files.md"

_BLOCK = re.compile(r"^```(console|toml)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "@@@ exit"


@dataclass(frozen=True)
class Command:
    """A command of the tutorial, and the output it shows; ``None`` where it shows none."""

    text: str
    shown: tuple[str, ...]


def steps_of(text: str) -> list[Command | tuple[str, str]]:
    """Return commands, and files to write as (name, text), in the order of the tutorial."""
    steps: list[Command | tuple[str, str]] = []
    for kind, title, body in _BLOCK.findall(text):
        if kind == "toml":
            if title:
                steps.append((title, body))
            continue
        for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip("\n").split("\n")
            steps.append(Command(command, tuple(shown)))
    return steps


def script_of(steps: list[Command | tuple[str, str]]) -> str:
    """Return one shell script of all steps, so that `cd` and activation hold from one to the next."""
    lines = []
    for step in steps:
        if isinstance(step, Command):
            lines.append(f'{step.text}\n__exit=$?; printf "\\n{_MARK} %s\\n" $__exit; (exit $__exit)')
        else:
            name, text = step
            lines.append(f"cat > {shlex.quote(name)} <<'END_OF_FILE'\n{text}END_OF_FILE")
    return "\n".join(lines)


def matches(shown: tuple[str, ...], printed: str) -> bool:
    """Say whether output is what is shown: a line `...` stands for any lines, `…` for any text in one."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()).replace("…", ".*") + "\n"
        for line in shown
    )
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").split("\n"))
    return re.fullmatch(pattern, text) is not None


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Command, str, int]]:
    """Run the whole tutorial once; return each command with what it printed and its exit code."""
    folder = tmp_path_factory.mktemp("tutorial")
    shutil.copytree(TUTORIAL.parent / "files", folder / "docs" / "tutorials" / "files")
    (folder / ".venv").symlink_to(sys.prefix)
    steps = steps_of(TUTORIAL.read_text(encoding="utf-8"))
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script_of(steps)}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    printed = re.split(rf"\n{_MARK} (\d+)\n", done.stdout)
    commands = [step for step in steps if isinstance(step, Command)]
    assert len(printed) == 2 * len(commands) + 1, done.stdout[-2000:]
    return [
        (command, printed[2 * number], int(printed[2 * number + 1]))
        for number, command in enumerate(commands)
    ]


def test_every_command_of_the_tutorial_succeeds_unless_it_shows_its_exit_code(outcomes):
    texts = [command.text for command, *_ in outcomes]
    failed = [
        (text, code)
        for (text, (_, _, code), following) in zip(texts, outcomes, [*texts[1:], ""], strict=True)
        if code != 0 and following != "echo $?"
    ]
    assert failed == []


def test_every_output_that_the_tutorial_shows_is_what_the_command_prints(outcomes):
    for command, printed, _ in outcomes:
        if command.shown:
            assert matches(command.shown, printed), f"$ {command.text}\n{printed}"


def test_the_tutorial_shows_the_output_of_most_commands(outcomes):
    # A tutorial that shows nothing would pass the test above.
    assert sum(bool(command.shown) for command, *_ in outcomes) >= 10


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
