"""Progress on a terminal, for work that takes longer than a person waits without wondering."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE_SECONDS = 2.0


class Steps:
    """Handed to the work so that it can tell how far it is; telling costs nothing when nobody watches."""

    def advance(self, amount: float = 1) -> None:
        """Say that ``amount`` more of the total is done."""

    def describe(self, what: str) -> None:
        """Say which step has begun."""


@contextmanager
def progress(what: str, *, total: float | None = None) -> Iterator[Steps]:
    """Show progress on standard error while the block runs.

    Nothing is shown when standard error is not a terminal, or when the work ends within two seconds.

    Parameters
    ----------
    what
        What is being done, as a person would say it; never a value from a record.
    total
        How much there is to do, in the unit of :meth:`Steps.advance`; ``None`` when that is not known.
    """
    if not sys.stderr.isatty():
        yield Steps()
        return

    from rich.console import Console
    from rich.progress import Progress, TaskID

    class Shown(Steps):
        def __init__(self, bar: Progress, task: TaskID) -> None:
            self._bar = bar
            self._task = task

        def advance(self, amount: float = 1) -> None:
            self._bar.advance(self._task, amount)

        def describe(self, what: str) -> None:
            self._bar.update(self._task, description=what)

    bar = Progress(console=Console(stderr=True), transient=True)
    appear = threading.Timer(_PATIENCE_SECONDS, bar.start)
    appear.daemon = True
    appear.start()
    try:
        yield Shown(bar, bar.add_task(what, total=total))
    finally:
        appear.cancel()
        appear.join()
        bar.stop()
