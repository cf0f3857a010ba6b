"""How well families were formed: pairs of people in one family, found against true."""

from dataclasses import dataclass

import pyarrow as pa

from families_first.council.against_truth.correspondence import People
from families_first.governance.vault import locked_connection

# Pairs with a grandparent or a grown-up child of the household are left out on both sides: whether they
# belong to the family is the programme's choice, not a fact. A true pair counts if both are in some record.
_PAIRS = """
WITH seen AS (SELECT DISTINCT person_no FROM number_of),
    either AS (SELECT DISTINCT person_no FROM family WHERE role = 'other_adult'),
    told AS (
        SELECT DISTINCT m.family_id, n.person_no
        FROM membership m JOIN number_of n USING (person_id)
        WHERE m.valid_to IS NULL AND m.role NOT IN ('adult_child', 'grandparent')
            AND n.person_no NOT IN (FROM either)
    ),
    found AS (
        SELECT DISTINCT least(a.person_no, b.person_no) AS one, greatest(a.person_no, b.person_no) AS other
        FROM told a JOIN told b ON a.family_id = b.family_id AND a.person_no < b.person_no
    ),
    really AS (
        SELECT DISTINCT family_no, person_no FROM family SEMI JOIN seen USING (person_no)
        WHERE person_no NOT IN (FROM either)
    ),
    true_pair AS (
        SELECT DISTINCT a.person_no AS one, b.person_no AS other
        FROM really a JOIN really b ON a.family_no = b.family_no AND a.person_no < b.person_no
    )
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM true_pair),
       (SELECT count(*) FROM found JOIN true_pair USING (one, other))
"""


@dataclass(frozen=True, slots=True)
class FamilyQuality:
    """Counts of pairs of people who share a family with a dependent child, found, true and both."""

    found: int
    true: int
    both: int

    @property
    def precision(self) -> float:
        """Share of found pairs that are true."""
        return self.both / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found."""
        return self.both / self.true if self.true else 0.0


def family_quality(membership: pa.Table, true_family: pa.Table, people: People) -> FamilyQuality:
    """Compare formed families with the true ones.

    Parameters
    ----------
    membership
        The formed families' memberships.
    true_family
        The truth's ``family_no, person_no, role``.
    """
    number_of = pa.table(
        {
            "person_id": pa.array(list(people.number_of), pa.string()),
            "person_no": pa.array(list(people.number_of.values()), pa.int64()),
        }
    )
    tables = {"membership": membership, "family": true_family, "number_of": number_of}
    with locked_connection(tables) as con:
        ((found, true, both),) = con.execute(_PAIRS).fetchall()
    return FamilyQuality(found, true, both)
