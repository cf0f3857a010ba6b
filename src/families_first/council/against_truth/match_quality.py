"""How well records were matched into people, overall and for each group of people."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from families_first.council.against_truth.truth import Truth
from families_first.governance.vault import locked_connection
from families_first.matching.quality import (
    GroupScore,
    TruthScores,
    age_bands,
    numbered,
    score_against_truth,
    score_by_group,
)

_TOLD = """
SELECT a.person_id, p.person_no, a.source, p.sex, p.ethnicity, p.date_of_birth
FROM assignment a JOIN record r USING (source, record_id) JOIN person p USING (person_no)
ORDER BY a.source, a.record_id
"""
FEWEST_RECORDS = 200
"""Groups with fewer records are left out of comparisons of groups: their recall is mostly chance."""


@dataclass(frozen=True, slots=True)
class MatchQuality:
    """The ``overall`` scores, and by kind of group (sex, age, ethnicity, source) those of each group."""

    overall: TruthScores
    groups: dict[str, list[GroupScore]]

    def widest_gap(self) -> float:
        """Return the largest gap in recall, over the kinds of group, between its best and its worst group."""
        gaps = [0.0]
        for scores in self.groups.values():
            recalls = [each.recall.share for each in scores if each.recall.count >= FEWEST_RECORDS]
            gaps.append(max(recalls) - min(recalls) if recalls else 0.0)
        return max(gaps)


def match_quality(assignment: pa.Table, truth: Truth, *, on: date) -> MatchQuality:
    """Compare an assignment (``source, record_id, person_id``) with the truth, on a day that fixes ages."""
    tables = {"assignment": assignment, "record": truth.record, "person": truth.person}
    with locked_connection(tables) as con:
        told = con.sql(_TOLD).to_arrow_table()
    found, true = numbered(told["person_id"]), numbered(told["person_no"])
    columns = {
        "sex": told["sex"],
        "age": age_bands(told["date_of_birth"], on),
        "ethnicity": told["ethnicity"],
        "source": told["source"],
    }
    return MatchQuality(
        overall=score_against_truth(found, true),
        groups={kind: score_by_group(found, true, column) for kind, column in columns.items()},
    )
