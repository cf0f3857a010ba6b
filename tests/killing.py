"""Processes for tests of faults: killed at each of their file operations in turn, or begun at one moment."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

FIND_TESTS = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"

# Forks a child for each folder it is told of, and says how it ended. The child makes one change and kills
# itself at its n-th file operation, as Python's audit events count them.
KILLED_AT_A_STEP = """
import os, signal, sys
from pathlib import Path

STEPS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.truncate", "fcntl.flock",
         "shutil.rmtree", "sqlite3.connect")

for line in sys.stdin:
    step, root = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        left = int(step)
        def hook(event, _):
            global left
            if event in STEPS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        change(Path(root), sys.argv[1])
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python process that has ``sys`` and finds the modules beside this one; both sides can talk."""
    return subprocess.Popen(
        [sys.executable, "-c", FIND_TESTS + script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def tell(worker: subprocess.Popen[str], line: str) -> None:
    """Write a line to a process."""
    assert worker.stdin is not None
    worker.stdin.write(f"{line}\n")
    worker.stdin.flush()


def next_line(worker: subprocess.Popen[str]) -> str:
    """Return the next line that a process writes; it is empty when there is none."""
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def killed_at_each_step(
    change: str,
    name: str,
    pattern: Path,
    folder: Path,
    *,
    more_than: int,
    fewer_than: int,
    stride: int = 1,
    prepare: Callable[[Path], object] = lambda root: None,
) -> Iterator[tuple[int, Path, bool]]:
    """Kill a change at each ``stride``-th of its file operations, on a new copy each time, until it ends.

    ``change`` is the text of a function ``change(root, name)`` with what it imports. Yields the number of the
    file operation, the copy of ``pattern`` in ``folder``, and whether the change came to its end there. Every
    child must be killed or end well, and one must end within the numbers of operations given.
    """
    with start(change + KILLED_AT_A_STEP, name) as worker:
        for step in range(1, fewer_than, stride):
            root = Path(shutil.copytree(pattern, folder / f"copy-{step}", symlinks=True))
            prepare(root)
            tell(worker, f"{step}\t{root}")
            code = int(next_line(worker))
            assert code in (0, -signal.SIGKILL), f"{name!r} failed before file operation {step}"
            yield step, root, code == 0
            shutil.rmtree(root)
            if code == 0:
                assert step > more_than, f"{name!r} is made of more file operations than that"
                return
    raise AssertionError(f"{name!r} never came to its end")


def at_once(script: str, *arguments: tuple[object, ...]) -> tuple[list[int], list[str]]:
    """Run a script in as many processes as there are ``arguments``; return their exit codes and words.

    The script writes ``ready``, reads a line and goes on. None is let go before all are ready.
    """
    with ExitStack() as held:
        workers = [held.enter_context(start(script, *each)) for each in arguments]
        assert [next_line(worker) for worker in workers] == ["ready"] * len(workers)
        for worker in workers:
            tell(worker, "go")
        said = [worker.communicate()[0].strip() for worker in workers]
    return [worker.returncode for worker in workers], said
