"""How well families were formed: pairs of people in one family, found against true."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from families_first.council.against_truth.correspondence import People
from families_first.council.against_truth.truth import Truth
from families_first.governance.vault import locked_connection

# Pairs with a grandparent or a grown-up child of the household are left out on both sides: whether they
# belong to the family is the programme's choice, not a fact. So are found families whose children are all 18,
# whom the rules count while they are out of work and the truth's table of under-18s does not hold.
_PAIRS = """
WITH seen AS (SELECT DISTINCT person_no FROM number_of),
    either AS (SELECT DISTINCT person_no FROM family WHERE role = 'other_adult'),
    grown AS (
        SELECT m.family_id
        FROM membership m JOIN number_of n USING (person_id) JOIN person p USING (person_no)
        WHERE m.valid_to IS NULL AND m.role = 'child'
        GROUP BY m.family_id HAVING bool_and(date_sub('year', p.date_of_birth, $on) = 18)
    ),
    told AS (
        SELECT DISTINCT m.family_id, n.person_no
        FROM membership m JOIN number_of n USING (person_id)
        WHERE m.valid_to IS NULL AND m.role NOT IN ('adult_child', 'grandparent')
            AND n.person_no NOT IN (FROM either) AND m.family_id NOT IN (FROM grown)
    ),
    found AS (
        SELECT DISTINCT least(a.person_no, b.person_no) AS one, greatest(a.person_no, b.person_no) AS other
        FROM told a JOIN told b ON a.family_id = b.family_id AND a.person_no < b.person_no
    ),
    really AS (
        SELECT DISTINCT family_no, person_no,
            bool_or(role = 'child') OVER (PARTITION BY family_no) AS child_recorded
        FROM family SEMI JOIN seen USING (person_no)
        WHERE person_no NOT IN (FROM either)
    ),
    true_pair AS (
        SELECT least(a.person_no, b.person_no) AS one, greatest(a.person_no, b.person_no) AS other,
            bool_or(a.child_recorded) AS child_recorded
        FROM really a JOIN really b ON a.family_no = b.family_no AND a.person_no < b.person_no
        GROUP BY ALL
    )
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM true_pair WHERE child_recorded),
    (SELECT count(*) FROM true_pair), (SELECT count(*) FROM found JOIN true_pair USING (one, other))
"""


@dataclass(frozen=True, slots=True)
class FamilyQuality:
    """Counts of pairs of people who share a family with a dependent child.

    ``true`` counts true pairs of which both are in some record and of whose family some child is: nobody can
    know of a dependent child who is in no record. ``true_of_any`` counts those pairs of parents too.
    """

    found: int
    true: int
    true_of_any: int
    both: int

    @property
    def precision(self) -> float:
        """Share of found pairs that are true."""
        return self.both / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found."""
        return self.both / self.true if self.true else 0.0

    @property
    def recall_of_any(self) -> float:
        """Share of true pairs that were found, families counted whose children are in no record."""
        return self.both / self.true_of_any if self.true_of_any else 0.0


def family_quality(membership: pa.Table, truth: Truth, people: People, *, on: date) -> FamilyQuality:
    """Compare formed families (their memberships) with the true ones on a day."""
    number_of = pa.table(
        {
            "person_id": pa.array(list(people.number_of), pa.string()),
            "person_no": pa.array(list(people.number_of.values()), pa.int64()),
        }
    )
    tables = {
        "membership": membership,
        "family": truth.family,
        "person": truth.person,
        "number_of": number_of,
    }
    with locked_connection(tables) as con:
        ((found, true, true_of_any, both),) = con.execute(_PAIRS, {"on": on}).fetchall()
    return FamilyQuality(found, true, true_of_any, both)
