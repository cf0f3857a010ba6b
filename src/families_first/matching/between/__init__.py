"""Two tables of records: which row of one is the person of which row of the other, and how sure that is."""

from families_first.matching.between.engine import Engine
from families_first.matching.between.linking import LIKELY_ENOUGH, LINKS, Between, link_tables
from families_first.matching.between.local import DuckDBEngine
from families_first.matching.evidence import EDGES

__all__ = ["EDGES", "LIKELY_ENOUGH", "LINKS", "Between", "DuckDBEngine", "Engine", "link_tables"]
