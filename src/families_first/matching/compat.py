"""Splink 5 on DuckDB 2: the two work-arounds, and quiet.

Splink 5.0.0 was written against DuckDB 1. Two of its statements need help on DuckDB 2.0:

- one-to-one clustering (``cluster_using_single_best_links``) is planned as a nested loop over all pairs
  unless the join-order optimiser is off for that call (10,000 records: 8.7 GB and 14 s with it, 0.25 GB and
  0.14 s without);
- ``PairwiseStringDistanceFunctionAtThresholds`` writes ``x -> f(x)`` lambdas, which DuckDB 2 refuses by
  default.

Splink also logs advice about untrained levels to the root of its logger; ``model`` checks those itself and
raises.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb


@contextmanager
def without_join_order_optimiser(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Keep DuckDB 2 from planning Splink's one-to-one clustering as a nested loop over all pairs."""
    con.execute("SET disabled_optimizers = 'join_order'")
    try:
        yield
    finally:
        con.execute("RESET disabled_optimizers")


@contextmanager
def with_arrow_lambdas(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let DuckDB 2 read the ``x -> f(x)`` lambdas in Splink's array comparisons."""
    con.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    try:
        yield
    finally:
        con.execute("RESET lambda_syntax")


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """Silence a library's log and all warnings for the length of a call, and put its log level back."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def quiet_splink() -> AbstractContextManager[None]:
    """Silence Splink; see :func:`quiet`."""
    return quiet("splink")
