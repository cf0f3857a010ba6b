"""Two tasks at once: array code, Arrow and DuckDB let other threads run while they work."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

_THREADS = 2


def at_once[Answer](tasks: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Return the answers of tasks, in their order."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda task: task(), tasks))
