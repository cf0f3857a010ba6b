"""A made-up study whose identifiers are in the linker's vault, and a county whose links are known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.opening import TABLE
from families_first.governance.study import Split
from families_first.linkage.columns import COUNCIL, FAMILY_KEY, IDENTIFIERS, ROW_KEY
from families_first.linkage.linking import LinkRun, link_study
from families_first.linkage.plan import LinkPlan
from families_first.linkage.received import manifest_of
from families_first.simulation.county import simulate_county
from families_first.simulation.recording import Roster, record_people
from made_up_desk import vault_of
from made_up_study import PROJECT, Study, study_in, write_sources

TWO = ("council", "education")


@dataclass(frozen=True)
class Sent:
    """A study whose owners have split, and whose identifiers the linker has opened."""

    study: Study
    splits: dict[str, Split]

    def link(self, project: str = PROJECT, **options: object) -> LinkRun:
        """Link as the plan says; by default as follows from the agreements."""
        plan = options.pop("plan", LinkPlan(project=project))
        return link_study(self.study.desk("linkage"), project, plan=plan, **options)


def sent_in(root: Path, *, owners: tuple[str, ...] = TWO, families: int = 30, others: int = 20) -> Sent:
    """Make a study in a folder, split every owner's records and open the identifiers in the linkage home."""
    return sent_at(study_in(root, owners=owners), families=families, others=others)


def sent_at(study: Study, *, families: int = 30, others: int = 20) -> Sent:
    """Split every owner's records of a study that has its homes, and open the identifiers at the linker's."""
    write_sources(study, families=families, others=others)
    splits = study.split_all()
    for each in splits.values():
        open_parcel(study.desk("linkage"), each.identifiers.path)
    return Sent(study, splits)


def truth_of_rows(study: Study) -> pa.Table:
    """Return who each row in the linker's vault is of: found again by all that the owner's file says of them.

    Two people whom an owner's file does not tell apart are left out. The UPN or NINO names the person.
    """
    vault = vault_of(study.linkage)
    parts = []
    for dataset in vault.list("parcel"):
        manifest = manifest_of(dataset)
        owner = manifest.agreement.id.removeprefix("study-").removesuffix("-2026")
        rows = vault.read(dataset, TABLE)
        number = pc.coalesce(*(rows[name] for name in ("upn", "nino") if name in rows.column_names))
        parts.append(
            pa.table({"owner": pa.repeat(owner, rows.num_rows), ROW_KEY: rows[ROW_KEY], "person": number})
        )
    return pa.concat_tables(parts)


def spine_in(study: Study, project: str = PROJECT) -> pa.Table:
    """Return the spine in the linker's vault."""
    vault = vault_of(study.linkage)
    dataset = vault.find("spine", project)
    assert dataset is not None
    return vault.read(dataset, "spine")


@dataclass(frozen=True)
class CountyRecords:
    """Split tables of a made-up county by owner, as the linker would have them, and who each row is of."""

    tables: dict[str, pa.Table]
    person: dict[str, np.ndarray]


def county_records(people: int, *, seed: int = 5) -> CountyRecords:
    """Record a county's people as four owners would, each with its own errors.

    The council has the people of half the families with children, one in thirty of them twice.
    """
    county = simulate_county(people=people, seed=seed)
    rng = np.random.default_rng([seed, 9])
    home, age = county.residents.household, county.age
    with_children = np.unique(home[age < 18])
    chosen = rng.choice(with_children, len(with_children) // 2, replace=False)
    council = np.flatnonzero(np.isin(home, chosen))
    twice = rng.choice(council, len(council) // 30, replace=False)
    who = {
        COUNCIL: ("early-help", np.concatenate([council, twice])),
        "education": ("schools", np.flatnonzero((age >= 4) & (age < 18))),
        "justice": ("police", np.flatnonzero((age >= 10) & (rng.random(people) < 0.3))),
        "work": ("dwp", np.flatnonzero((age >= 18) & (rng.random(people) < 0.5))),
    }
    roster = Roster(
        tuple(source for source, _ in who.values()),
        np.concatenate([np.full(len(each), number) for number, (_, each) in enumerate(who.values())]),
        np.concatenate([each for _, each in who.values()]),
    )
    recorded = record_people(county, roster)
    tables, person = {}, {}
    for owner, (source, _) in who.items():
        own = recorded.filter(pc.equal(recorded["source"], source))
        held = [name for name in IDENTIFIERS if own[name].null_count < own.num_rows]
        columns = {ROW_KEY: pa.array([f"{owner}-{number:07d}" for number in range(own.num_rows)])}
        person[owner] = own["person_no"].to_numpy()
        if owner == COUNCIL:
            columns[FAMILY_KEY] = pa.array([f"family-{each:06d}" for each in home[person[owner]]])
        tables[owner] = pa.table({**columns, **{name: own[name] for name in held}})
    return CountyRecords(tables, person)
