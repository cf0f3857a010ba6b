"""How right the families are: pairs of people in one family, against the made-up county's truth.

Families with a dependent child are compared as pairs of people (co-family pairs). A pair that the truth has
in one family counts as right whatever its roles; resident grandparents and grown-up children, whom a rule
may or may not count, are never counted as missed. Recall is over pairs of whom both people are in some
agency's records (``recall``); beside it over those whose family has a child in the records, without which
nothing shows that there is a family (``recall_with_recorded_child``), and over everybody, recorded or not
(``recall_of_all``). Three rules from addresses alone stand beside ours.

    python benchmarks/families_quality.py --people 20000 --seed 1 --assignment truth matched
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from families_first.council.deliveries.current import current_tables
from families_first.council.deliveries.landing import land_delivery
from families_first.council.deliveries.mapping_file import load_mappings, mapping_for
from families_first.council.families.formation import form_families
from families_first.council.families.result import Families
from families_first.council.resources import RECORDS
from families_first.errors import UserError
from families_first.governance.agreements import load_agreements
from families_first.governance.desk import Desk
from families_first.governance.vault import Vault
from families_first.records.tables import Table
from families_first.simulation import REFERENCE_DAY, simulate_county, write_extracts, write_truth
from families_first.simulation.homes import council_desk

NEUTRAL = "other_adult"
PRECISION_BAR, RECALL_BAR = 0.97, 0.90
Pairs = set[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class World:
    """A county as the council holds it: canonical tables, people by truth and as matched, and the truth."""

    tables: Mapping[Table, pa.Table]
    truth: Mapping[str, pa.Table]
    desk: Desk
    on: date
    refused: tuple[str, ...]


def make_world(people: int, seed: int, folder: Path) -> World:
    """Simulate a county and land everything its agencies send."""
    county = simulate_county(people=people, seed=seed)
    extracts = write_extracts(county, folder / "extracts")
    write_truth(county, folder / "truth", extracts)
    desk = council_desk(folder / "home")
    home = desk.home
    shipped = Path(str(files("families_first.simulation") / "exampleshire"))
    for kind, target in (("mappings", home.mappings), ("agreements", home.agreements)):
        for path in (shipped / kind).glob("*.toml"):
            (target / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    refused: list[str] = []
    mappings, agreements = load_mappings(home.mappings), load_agreements(home.agreements)
    for path in sorted((folder / "extracts").iterdir()):
        mapping = mapping_for(path.name, mappings)
        agreement = agreements[mapping.content.mapping.agreement]
        try:
            land_delivery(path, mapping, agreement, desk, on=REFERENCE_DAY)
        except UserError as refusal:
            refused.append(f"{path.name}: {refusal}")
    truth = {path.stem: pq.read_table(path) for path in (folder / "truth").glob("*.parquet")}
    with desk.act("list-families", RECORDS) as act:
        tables = current_tables(Vault(act))
    return World(tables, truth, desk, REFERENCE_DAY, tuple(refused))


def true_people(world: World) -> tuple[pa.Table, pa.Table]:
    """Return the people and the assignment of records as a perfect match would give them."""
    record, person = world.truth["record"], world.truth["person"]
    names = pa.array([f"T{number}" for number in person["person_no"].to_pylist()])
    people = pa.table(
        {
            "person_id": names,
            "surname": person["surname"],
            "date_of_birth": person["date_of_birth"],
            "date_of_death": person["died_on"],
        }
    )
    known = set(record["person_no"].to_pylist())
    people = people.filter(pa.array([number in known for number in person["person_no"].to_pylist()]))
    assignment = pa.table(
        {
            "source": record["source"],
            "record_id": record["record_id"],
            "person_id": pa.array([f"T{number}" for number in record["person_no"].to_pylist()]),
            "confidence": pa.array(np.ones(record.num_rows)),
        }
    )
    return people, assignment


def matched_people(world: World) -> tuple[pa.Table, pa.Table]:
    """Match the records and return the people and the assignment."""
    from families_first.council.people import match_people

    match_people(world.desk, world.tables, on=world.on)
    with world.desk.act("list-families", RECORDS) as act:
        vault = Vault(act)
        people = vault.latest("people")
        return vault.read(people, "person"), vault.read(people, "assignment")


def main_person(world: World, assignment: pa.Table) -> dict[str, int]:
    """Return for each person id the true person to whom most of its records belong."""
    connection = duckdb.connect(":memory:")
    connection.register("assignment", assignment)
    connection.register("record", world.truth["record"])
    rows = connection.execute("""
        SELECT person_id, person_no FROM (
            SELECT person_id, person_no, count(*) AS records FROM assignment JOIN record USING (source,
            record_id) GROUP BY ALL)
        QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY records DESC, person_no) = 1""").fetchall()
    connection.close()
    return dict(rows)


def pairs_of(groups: Iterable[Iterable[int]]) -> Pairs:
    """Return all pairs of different people who share a group, the lower number first."""
    found: Pairs = set()
    for group in groups:
        members = sorted(set(group))
        found.update((one, other) for place, one in enumerate(members) for other in members[place + 1 :])
    return found


def true_pairs(world: World) -> tuple[Pairs, Pairs]:
    """Return all true co-family pairs, and those without resident adults whom a rule may leave out."""
    family = world.truth["family"]
    everyone: dict[int, list[int]] = {}
    core: dict[int, list[int]] = {}
    for number, person, role in zip(
        family["family_no"].to_pylist(),
        family["person_no"].to_pylist(),
        family["role"].to_pylist(),
        strict=True,
    ):
        everyone.setdefault(number, []).append(person)
        if role != NEUTRAL:
            core.setdefault(number, []).append(person)
    return pairs_of(everyone.values()), pairs_of(core.values())


def judged(found: Pairs, world: World, seconds: float) -> dict[str, Any]:
    """Return precision and recall of co-family pairs."""
    everyone, core = true_pairs(world)
    known = set(world.truth["record"]["person_no"].to_pylist())
    recorded = {pair for pair in core if pair[0] in known and pair[1] in known}
    right = len(found & everyone)
    with_child = _of_families_with(known, world)
    return {
        "pairs": len(found),
        "precision": round(right / max(len(found), 1), 4),
        "recall": round(len(found & recorded) / max(len(recorded), 1), 4),
        "recall_with_recorded_child": round(
            len(found & recorded & with_child) / max(len(recorded & with_child), 1), 4
        ),
        "recall_of_all": round(len(found & core) / max(len(core), 1), 4),
        "seconds": round(seconds, 2),
    }


def _of_families_with(known: set[int], world: World) -> Pairs:
    """Return the true pairs of families of which a child is among the known people."""
    groups: dict[int, list[int]] = {}
    shown: set[int] = set()
    family = world.truth["family"]
    for number, person, role in zip(
        *(family[name].to_pylist() for name in ("family_no", "person_no", "role")), strict=True
    ):
        groups.setdefault(number, []).append(person)
        if role == "child" and person in known:
            shown.add(number)
    return pairs_of(groups[number] for number in shown)


def family_pairs(families: Families, who: Mapping[str, int], world: World) -> Pairs:
    """Return the co-family pairs of current memberships, as true people.

    Families whose only child is 18 are left out on both sides: the truth has those under 18 alone.
    """
    groups: dict[str, list[int]] = {}
    for row in families.membership.select(["family_id", "person_id", "valid_to"]).to_pylist():
        if row["valid_to"] is None and row["person_id"] in who:
            groups.setdefault(row["family_id"], []).append(who[row["person_id"]])
    return _with_child(world, groups.values())


def address_rules(world: World, assignment: pa.Table, who: Mapping[str, int]) -> dict[str, Pairs]:
    """Return the pairs that three rules from addresses alone give, kept to groups with a child under 18.

    ``any shared address``: connected components over sharing an address once. ``modal address``: everybody
    at the address most of their records give. ``shared address and second evidence``: components over pairs
    with a common address and a common surname, two records each there, or two common addresses.
    """
    connection = duckdb.connect(":memory:")
    connection.register("assignment", assignment)
    connection.register("person_record", world.tables[Table.PERSON_RECORD])
    connection.execute("""
        CREATE TABLE lodging AS
        SELECT person_id, upper(replace(postcode, ' ', '')) || '/' || coalesce(house_number,
                regexp_extract(address_line_1, '[0-9]+[A-Za-z]?')) AS place,
            count(*) AS records, mode(upper(surname)) AS surname
        FROM assignment JOIN person_record USING (source, record_id)
        WHERE place IS NOT NULL GROUP BY ALL""")
    shared = connection.execute("""
        SELECT x.person_id, y.person_id,
            bool_or(x.surname = y.surname) OR bool_or(least(x.records, y.records) >= 2) OR count(*) >= 2
        FROM lodging x JOIN lodging y USING (place)
        WHERE x.person_id < y.person_id GROUP BY ALL""").fetchall()
    modal = connection.execute("""
        SELECT person_id, place FROM lodging
        QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY records DESC, place) = 1""").fetchall()
    connection.close()
    at_modal: dict[str, list[int]] = {}
    for person, place in modal:
        at_modal.setdefault(place, []).append(who[person])
    return {
        "any shared address, components": _with_child(
            world, _grouped((who[a], who[b]) for a, b, _ in shared)
        ),
        "modal address": _with_child(world, at_modal.values()),
        "shared address and second evidence, components": _with_child(
            world, _grouped((who[a], who[b]) for a, b, second in shared if second)
        ),
    }


def _grouped(links: Iterable[tuple[int, int]]) -> list[list[int]]:
    ends = np.array(list(links), dtype=np.int64).reshape(-1, 2)
    if not len(ends):
        return []
    size = int(ends.max()) + 1
    matrix = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size))
    _, label = connected_components(matrix, directed=False)
    groups: dict[int, list[int]] = {}
    for person in np.unique(ends):
        groups.setdefault(int(label[person]), []).append(int(person))
    return list(groups.values())


def _with_child(world: World, groups: Iterable[list[int]]) -> Pairs:
    person = world.truth["person"]
    born = person["date_of_birth"].to_numpy(zero_copy_only=False)
    young = born > np.datetime64(world.on.replace(year=world.on.year - 18))
    return pairs_of(group for group in groups if any(young[person] for person in group))


def misses(found: Pairs, world: World) -> dict[str, Any]:
    """Count what is wrong by the roles of the two people in the truth."""
    family = world.truth["family"]
    roles: dict[int, Counter[str]] = {}
    for person, role in zip(family["person_no"].to_pylist(), family["role"].to_pylist(), strict=True):
        roles.setdefault(person, Counter())[role] += 1
    _, core = true_pairs(world)
    everyone, _ = true_pairs(world)

    def said(pair: tuple[int, int]) -> str:
        return " + ".join(sorted("/".join(sorted(roles.get(person, {"none": 1}))) for person in pair))

    known = set(world.truth["record"]["person_no"].to_pylist())
    missed = Counter(said(pair) for pair in core - found if pair[0] in known and pair[1] in known)
    wrong = Counter(said(pair) for pair in found - everyone)
    return {"missed": dict(missed.most_common(12)), "wrong": dict(wrong.most_common(12))}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--assignment", nargs="+", choices=("truth", "matched"), default=("truth", "matched"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = make_world(arguments.people, arguments.seed, Path(folder))
        report: dict[str, Any] = {
            "people": arguments.people,
            "seed": arguments.seed,
            "refused": world.refused,
        }
        for name in arguments.assignment:
            person, assignment = true_people(world) if name == "truth" else matched_people(world)
            who = main_person(world, assignment)
            start = time.process_time()
            families = form_families(person, assignment, world.tables, on=world.on)
            seconds = time.process_time() - start
            found = family_pairs(families, who, world)
            ours = judged(found, world, seconds)
            report[name] = {
                "ours": ours,
                "families": families.family.num_rows,
                "within_bars": ours["precision"] >= PRECISION_BAR and ours["recall"] >= RECALL_BAR,
                "rules_from_addresses_alone": {
                    rule: judged(pairs, world, 0.0)
                    for rule, pairs in address_rules(world, assignment, who).items()
                },
                "causes": misses(found, world),
            }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
