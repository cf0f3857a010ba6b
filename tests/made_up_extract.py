"""A made-up study as far as the research home: split, linked by who is whom, and sealed for research.

The spine is made here from the identifiers that the linker opened, so that tests know every link: each true
one has the probability ``SURE``, and some have a wrong rival.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from families_first.governance.parcels import Addressee, Contents, SealedParcel, open_parcel, seal_parcel
from families_first.governance.study.splitting import Split
from made_up_desk import vault_of
from made_up_protocol import PROTOCOL
from made_up_study import LINKING, Study, Truth, study_at, study_in, write_sources

SURE, RIVAL = 0.9, 0.08
ID = "families-first-2026"
_SAME = ("forename", "surname", "date_of_birth", "sex", "postcode")


@dataclass(frozen=True)
class Linked:
    """A study whose parcels are sealed, with what only tests know.

    ``spine`` is the spine's table, ``person_of`` by owner and row key the number of the true person.
    """

    study: Study
    truth: Truth
    splits: Mapping[str, Split]
    spine: pa.Table
    person_of: Mapping[tuple[str, str], int]
    sealed: SealedParcel
    payload: tuple[Path, ...] = field(default=())

    @property
    def open_paths(self) -> list[Path]:
        """The spine and the open payload."""
        return [self.sealed.path, *(each.open.path for one in self.splits.values() for each in one.sections)]

    @property
    def locked_paths(self) -> list[Path]:
        """The locked payload."""
        return [each.locked.path for one in self.splits.values() for each in one.sections if each.locked]

    def protocol_file(self, text: str = PROTOCOL, name: str = "protocol.toml") -> Path:
        """Write a protocol beside the homes."""
        path = self.study.root / name
        path.write_text(text, encoding="utf-8")
        return path


def linked_study_in(root: Path, *, families: int = 60, seed: int = 1) -> Linked:
    """Make a study in a folder, as far as its sealed spine."""
    study = study_in(root)
    truth = write_sources(study, families=families, others=20, seed=seed)
    splits = study.split_all()
    spine, person_of = spine_of(study, splits, seed=seed)
    return Linked(study, truth, splits, spine, person_of, seal_spine_table(study, spine, splits))


def copied(linked: Linked, to: Path) -> Linked:
    """Return a copy of a study in another folder, for a test that changes it."""
    shutil.copytree(linked.study.root, to)
    study = study_at(to)

    def moved(sealed: SealedParcel) -> SealedParcel:
        path = to / sealed.path.relative_to(linked.study.root)
        return SealedParcel(sealed.serial, path, sealed.manifest, sealed.bytes)

    splits = {}
    for owner, split in linked.splits.items():
        sections = tuple(
            type(each)(
                **{
                    **{name: getattr(each, name) for name in each.__slots__},
                    "open": moved(each.open),
                    "locked": moved(each.locked) if each.locked else None,
                }
            )
            for each in split.sections
        )
        values = {name: getattr(split, name) for name in split.__slots__}
        splits[owner] = type(split)(
            **{**values, "identifiers": moved(split.identifiers), "sections": sections}
        )
    return Linked(study, linked.truth, splits, linked.spine, linked.person_of, moved(linked.sealed))


def spine_of(
    study: Study, splits: Mapping[str, Split], *, seed: int = 1
) -> tuple[pa.Table, dict[tuple[str, str], int]]:
    """Open the identifiers in the linker's home and return a spine with its truth."""
    rng = np.random.default_rng(seed)
    tables = {}
    for owner, split in splits.items():
        opened = open_parcel(study.desk("linkage"), split.identifiers.path)
        vault = vault_of(study.linkage)
        tables[owner] = vault.read(vault.find("parcel", opened.serial), "rows")
    council = tables["council"].to_pylist()
    people = {tuple(row[name] for name in _SAME): number for number, row in enumerate(council)}
    assert len(people) == len(council), "two made-up people look alike; take another seed"
    families = {
        row["family_key"]: f"{number:032x}"
        for number, row in enumerate({row["family_key"]: row for row in council}.values(), 7000)
    }
    family_of = [families[row["family_key"]] for row in council]
    rows = []
    person_of = {}
    for owner, table in tables.items():
        for row in table.to_pylist():
            number = people.get(tuple(row[name] for name in _SAME))
            if number is None:
                continue
            person_of[owner, row["row_key"]] = number
            sure = 1.0 if owner == "council" else SURE
            rows.append((owner, row["row_key"], number, sure))
            if owner != "council" and rng.random() < 0.2:
                rival = int(rng.integers(0, len(council)))
                taken = sum(p for o, _, n, p in rows if (o, n) == (owner, rival))
                if rival != number and taken <= SURE:
                    rows.append((owner, row["row_key"], rival, RIVAL))
    order = rng.permutation(len(rows))
    rows = [rows[place] for place in order]
    return (
        pa.table(
            {
                "owner": [owner for owner, *_ in rows],
                "row_key": [key for _, key, *_ in rows],
                "person": [f"{number + 1000:032x}" for _, _, number, _ in rows],
                "family": [family_of[number] for _, _, number, _ in rows],
                "probability": [probability for *_, probability in rows],
                "weight": pa.array(
                    [None if owner == "council" else float(np.log2(p / (1 - p))) for owner, *_, p in rows],
                    pa.float64(),
                ),
            }
        ),
        person_of,
    )


def seal_spine_table(study: Study, spine: pa.Table, splits: Mapping[str, Split]) -> SealedParcel:
    """Seal a table as the linker's spine."""
    return seal_parcel(
        study.desk("linkage"),
        spine.to_batches(),
        schema=spine.schema,
        agreement=LINKING,
        to=[Addressee(study.research.name, Contents.SPINE, "spine")],
        splits=[split.id for split in splits.values()],
    )
