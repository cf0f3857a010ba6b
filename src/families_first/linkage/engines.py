"""The engines on which pairs are found: DuckDB in memory, locked down, or a Spark that is named."""

from contextlib import ExitStack

from families_first.linkage.plan import EngineName
from families_first.matching.between import Engine


def engine_named(name: EngineName, spark_master: str, stack: ExitStack) -> Engine | None:
    """Return an engine, which the stack closes; None for DuckDB, which matching opens for itself.

    Raises
    ------
    UserError
        When Spark is asked for and is not installed, or does not start.
    """
    if name == "duckdb":
        return None
    from families_first.matching.between.spark import SparkEngine  # noqa: PLC0415 - Spark is an extra

    engine: Engine = SparkEngine(master=spark_master)
    stack.callback(engine.close)
    return engine
