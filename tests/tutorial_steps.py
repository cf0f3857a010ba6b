"""A tutorial as steps: its commands with the output that it shows, run in one shell and compared."""

import os
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(console|toml)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "@@@ exit"


@dataclass(frozen=True)
class Command:
    """A command of the tutorial, and the output it shows; empty where it shows none."""

    text: str
    shown: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    command: Command
    printed: str
    code: int


def run_tutorial(tutorial: Path, folder: Path, *, seconds: int) -> list[Outcome]:
    """Run every step of a tutorial in a folder, in one shell."""
    steps = _steps_of(tutorial.read_text(encoding="utf-8"))
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{_script_of(steps)}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    printed = re.split(rf"\n{_MARK} (\d+)\n", done.stdout)
    commands = [step for step in steps if isinstance(step, Command)]
    assert len(printed) == 2 * len(commands) + 1, done.stdout[-2000:]
    return [
        Outcome(command, printed[2 * number], int(printed[2 * number + 1]))
        for number, command in enumerate(commands)
    ]


def failed_unseen(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """Return the commands that failed where the tutorial does not show their exit code."""
    following = [*(each.command.text for each in outcomes[1:]), ""]
    return [
        (each.command.text, each.code)
        for each, after in zip(outcomes, following, strict=True)
        if each.code != 0 and after != "echo $?"
    ]


def matches(shown: Sequence[str], printed: str) -> bool:
    """Say whether output is what is shown: a line `...` stands for any lines, `…` for any text in one."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()).replace("…", ".*") + "\n"
        for line in shown
    )
    text = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").split("\n"))
    return re.fullmatch(pattern, text) is not None


def _steps_of(text: str) -> list[Command | tuple[str, str]]:
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


def _script_of(steps: list[Command | tuple[str, str]]) -> str:
    """Return one shell script of all steps, so that `cd` and activation hold from one to the next."""
    lines = []
    for step in steps:
        if isinstance(step, Command):
            lines.append(f'{step.text}\n__exit=$?; printf "\\n{_MARK} %s\\n" $__exit; (exit $__exit)')
        else:
            name, text = step
            lines.append(f"cat > {shlex.quote(name)} <<'END_OF_FILE'\n{text}END_OF_FILE")
    return "\n".join(lines)
