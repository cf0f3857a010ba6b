"""From sealed parcels of identifiers to the sealed spine, as the linker does it, with a made-up nation's
files.

For ``linking_scale --parcels``. The homes are those of the tests' made-up study, and the parcels hold what
the council and one owner wrote down of everybody. All that the linker does is there: opening both parcels,
finding the people of the programme among the council's rows, linking, judging the links, making pseudonyms,
keeping the spine and sealing it for research.
"""

import secrets
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import made_up_study
from families_first.governance.parcels import Addressee, Contents, open_parcel, seal_parcel
from families_first.linkage.linking import link_study
from families_first.linkage.plan import plan_of
from families_first.linkage.sealing import seal_spine
from made_up_study import LINKING, OWNERS, PROJECT, study_at, study_in

_KINDS = {"probation": "probation", "health": "health-service", "youth-justice": "youth-justice"}


def seal_identifiers(folder: Path, owner: str, root: Path) -> None:
    """Make the homes in ``root``, and there ``council.parcel`` and one of the owner's."""
    tables = {name: pq.read_table(folder / name / "people.parquet") for name in ("council", owner)}
    made_up_study.OWNERS = {name: _described(name, table) for name, table in tables.items()}
    study = study_in(root, owners=tuple(tables))
    for name, table in tables.items():
        rows = with_keys(table)
        parcel = seal_parcel(
            study.desk(name),
            rows.to_batches(),
            schema=rows.schema,
            agreement=f"study-{name}-2026",
            to=[Addressee(study.linkage.name, Contents.IDENTIFIERS, "identifiers")],
            splits=(secrets.token_hex(16),),
        )
        parcel.path.rename(root / f"{name}.parcel")


def link_parcels(root: Path, owner: str) -> dict[str, object]:
    """Do the linker's work; returns what it found."""
    study = study_at(root)
    desk = study.desk("linkage")
    for name in ("council", owner):
        open_parcel(desk, root / f"{name}.parcel")
    run = link_study(desk, PROJECT, plan=plan_of(study.linkage, PROJECT))
    sealed = seal_spine(desk, PROJECT, LINKING)
    return {
        "rows": [run.council_rows, run.owners[0].records],
        "people": run.people,
        "links": run.owners[0].links,
        "spine_rows": run.spine_rows,
        "spine_mb": sealed.spine.bytes >> 20,
    }


def with_keys(table: pa.Table) -> pa.Table:
    """Return an owner's rows with random row keys, and random family keys, in the place of references."""
    keys = {"row_key": _random(table.num_rows)}
    if "family_reference" in table.column_names:
        coded = table["family_reference"].combine_chunks().dictionary_encode()
        keys["family_key"] = _random(len(coded.dictionary)).take(coded.indices)
    kept = [name for name in table.column_names if name not in ("reference", "family_reference")]
    return pa.table({**keys, **{name: table[name] for name in kept}})


def _random(count: int) -> pa.Array:
    return pa.array(secrets.token_hex(16) for _ in range(count))


def _described(owner: str, table: pa.Table) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """Return the owner as the made-up study describes one, with every identifier that its table has."""
    known = {"row_key", "family_key", *made_up_study._NAMES}
    held = tuple(name for name in with_keys(table.slice(0, 0)).column_names if name not in known)
    title, kind, _, sections = OWNERS.get(
        owner, (f"Exampleshire {owner}", _KINDS.get(owner, ""), (), ("episode",))
    )
    return title, kind, held, sections
