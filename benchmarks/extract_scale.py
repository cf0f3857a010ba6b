"""How long a study takes from parcels to arrays, and how much memory: a million people, six owners.

    python benchmarks/extract_scale.py --people 1000000 --facts 10000000

Everybody is made up, by numbers alone: parcels are sealed by their owners' homes with random row keys, the
spine by the linker's, and research opens, extracts, adds outcomes, loads and asks. Times are wall and CPU
seconds of this process; memory is its peak while research was at work.
"""

import argparse
import json
import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import made_up_study
from families_first.governance.parcels import Addressee, ColumnGroup, Contents, seal_parcel
from families_first.governance.policy import Resource
from families_first.governance.study import accept_release, release_outcomes, request_release
from families_first.research.asking import Question, ask
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.loading import load_study
from families_first.research.extract.opening import open_study_parcels
from families_first.research.protocol.sealing import seal_protocol
from families_first.research.study_data import draw_links
from made_up_extract import ID
from made_up_protocol import PROTOCOL
from made_up_study import COLUMNS, LINKING, OUTCOMES_FROM, OWNERS, PROTOCOLS, PUBLISHER, Study, study_in

FIRST, LAST = np.datetime64("2020-01-01"), np.datetime64("2025-06-30")
DAY = np.timedelta64(1, "D")
SECTIONS = {
    "education": {"episode": ("looked_after", 0.1), "measure": ("absence", 0.35)},
    "justice": {"event": ("offence_proven", 0.15), "episode": ("custody", 0.05)},
    "work": {"episode": ("out_of_work_benefit", 0.15)},
    "probation": {"episode": ("community_order", 0.05)},
    "health": {"episode": ("substance_misuse_treatment", 0.1)},
    "youth-justice": {"event": ("offence_proven", 0.05)},
}
"""By owner and section: the kind, and the share of all facts."""
STRANGERS = 0.3  # of an owner's rows, those of nobody in the programme


def main() -> None:
    """Make the parcels, then measure what research does with them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--facts", type=int, default=10_000_000)
    given = parser.parse_args()
    made_up_study.OWNERS = {
        **OWNERS,
        "probation": ("Exampleshire Probation", "probation", ("pnc",), ("episode",)),
        "health": ("Exampleshire Health", "health-service", ("upn",), ("episode",)),
        "youth-justice": ("Exampleshire Youth Justice", "youth-justice", ("upn",), ("event",)),
    }
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        study = study_in(Path(folder) / "s", owners=tuple(made_up_study.OWNERS))
        found: dict[str, object] = {"people": given.people, "facts": given.facts, "cores": os.cpu_count()}
        with measured(found, "seal (owners and linker)"):
            paths, locked = sealed(study, given.people, given.facts, rng)
        # The peak that counts is research's; a child starts at its parent's peak, so this is one process.
        before = peak()
        desk = study.desk("research")
        (Path(folder) / "protocol.toml").write_text(protocol(), encoding="utf-8")
        seal_protocol(desk, Path(folder) / "protocol.toml")
        with measured(found, "open the spine and the open payload"):
            assert not open_study_parcels(desk, paths).refused
        with measured(found, "build the extract"):
            info = build_extract(desk, ID)
        asked = request_release(desk, ID, PROTOCOLS, locked)
        done = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
        accept_release(desk, done.parcel.path)
        with measured(found, "open the locked payload"):
            assert open_study_parcels(desk, locked).row_keys_gone
        with measured(found, "add the outcomes"):
            outcomes = open_outcomes(desk, ID)
        with desk.act("analyse", Resource("StudyExtract", ID)) as act:
            with measured(found, "load for analysis"):
                data = load_study(act, ID)
            with measured(found, "draw links once, every variable and panel"):
                drawn = draw_links(data, rng)
                for name in drawn.variables:
                    drawn.variables[name]
                for name in drawn.panels:
                    drawn.panels[name]
        with measured(found, "ask for counts by three fields"):
            ask(desk, ID, Question(by=("arm", "role", "sex")))
        found |= {
            "candidate links": sum(each.candidates for each in info.owners),
            "rows of facts in the extract": sum(sum(each.facts.values()) for each in info.owners),
            "rows of outcomes": sum(sum(each.facts.values()) for each in outcomes.owners),
            "variables": len(data.variable_ids()),
            "panels": {name: list(drawn.panels[name].shape) for name in data.panel_ids()},
            "k": [info.before.k, info.after.k] if info.before and info.after else None,
            "hidden": info.hidden,
            "peak memory before research, GiB": round(before, 2),
            "peak memory, GiB": round(peak(), 2),
        }
    print(json.dumps(found, indent=2))


def protocol() -> str:
    """Return a protocol of several outcomes and windows of all owners."""
    windows = "".join(
        f'\n[windows.w{n}]\nquarters = [{2 * n - 1}, {2 * n}]\nlabel = "half year {n}"\n' for n in (1, 2, 3)
    )
    more = "".join(
        f'\n[[outcomes]]\nid = "{owner}-{table}"\nlabel = "{kind}"\nbetter = "lower"\nowner = "{owner}"\n'
        f'table = "{table}"\nkind = "{kind}"\nmeasure = "{measure}"\ndid = true\n'
        'windows = ["months-1-24", "w1", "w2", "w3"]\n'
        for owner, table, kind, measure in (
            ("justice", "episode", "custody", "any"),
            ("work", "episode", "out_of_work_benefit", "days"),
            ("probation", "episode", "community_order", "any"),
            ("health", "episode", "substance_misuse_treatment", "any"),
            ("youth-justice", "event", "offence_proven", "count"),
        )
    )
    return PROTOCOL.replace("\n[[outcomes]]", f"{windows}{more}\n[[outcomes]]", 1)


def sealed(study: Study, people: int, facts: int, rng: np.random.Generator) -> tuple[list[Path], list[Path]]:
    """Seal the programme, each owner's facts and the spine; returns the open parcels and the locked ones."""
    paths: list[Path] = []
    locked: list[Path] = []
    splits = {owner: secrets.token_hex(16) for owner in made_up_study.OWNERS}
    spine: list[pa.Table] = []
    family = pa.array([f"{number:032x}" for number in range(people // 3 + 1)])
    person = pa.array([f"{number:032x}" for number in range(people)])

    def keys(count: int) -> pa.Array:
        return pa.array([secrets.token_hex(16) for _ in range(count)])

    def seal(owner: str, section: str, table: pa.Table, *, lock: bool) -> None:
        group = ColumnGroup(
            "outcomes", tuple(table.schema.names), (study.research.name,), study.publication.name
        )
        parcel = seal_parcel(
            study.desk(owner),
            table.to_batches(),
            schema=table.schema,
            agreement=f"study-{owner}-2026",
            to=[Addressee(study.research.name, Contents.PAYLOAD, section)],
            groups=(group,) if lock else (),
            splits=(splits[owner],),
        )
        (locked if lock else paths).append(parcel.path)

    council = keys(people)
    spine.append(spine_rows("council", council, person, family, whose=np.arange(people), p=np.ones(people)))
    seal("council", "programme", programme(council, people, rng), lock=False)
    for owner, sections in SECTIONS.items():
        known = int(people * 0.6)
        whose = rng.permutation(people)[:known]
        own = keys(known)
        strangers = keys(int(known * STRANGERS))
        every = pa.concat_arrays([own, strangers])
        rivals = rng.permutation(known)[: known // 10]
        spine.append(spine_rows(owner, own, person, family, whose=whose, p=np.full(known, 0.9)))
        others = rng.integers(0, people, len(rivals))
        apart = others != whose[rivals]
        unique = np.unique(others[apart], return_index=True)[1]
        places = np.flatnonzero(apart)[unique]
        spine.append(
            spine_rows(
                owner, own.take(pa.array(rivals[places])), person, family, whose=others[places],
                p=np.full(len(places), 0.08),
            )
        )  # fmt: skip
        for section, (kind, share) in sections.items():
            rows = int(facts * share)
            at = rng.integers(0, len(every), rows)
            for lock, table in happened(section, kind, every.take(pa.array(at)), rng):
                seal(owner, section, table, lock=lock)
    whole = pa.concat_tables(spine)
    parcel = seal_parcel(
        study.desk("linkage"),
        whole.to_batches(),
        schema=whole.schema,
        agreement=LINKING,
        to=[Addressee(study.research.name, Contents.SPINE, "spine")],
        splits=list(splits.values()),
    )
    return [parcel.path, *paths], locked


def spine_rows(
    owner: str, keys: pa.Array, person: pa.Array, family: pa.Array, *, whose: np.ndarray, p: np.ndarray
) -> pa.Table:
    """Return rows of a spine."""
    return pa.table(
        {
            "owner": pa.repeat(owner, len(keys)),
            "row_key": keys,
            "person": person.take(pa.array(whose)),
            "family": family.take(pa.array(whose // 3)),
            "probability": p,
            "weight": pa.nulls(len(keys), pa.float64()),
        }
    )


def programme(keys: pa.Array, people: int, rng: np.random.Generator) -> pa.Table:
    """Return the programme's data of so many people."""
    child = rng.random(people) < 0.6
    treated = np.repeat(rng.random(people // 3 + 1) < 0.5, 3)[:people]
    rounds = np.array(["2022-01-01", "2022-04-01", "2022-10-01", "2023-04-01"], "datetime64[D]")
    assessed = rounds[np.repeat(rng.integers(0, 4, people // 3 + 1), 3)[:people]]
    age = np.where(child, rng.integers(0, 17, people), rng.integers(18, 55, people))
    born = (assessed - age * 365 * DAY).astype("datetime64[M]").astype("datetime64[D]")
    needs = rng.integers(0, 2, (people, 6))
    flags = [name for name in COLUMNS["programme"] if name.startswith("need_")]
    ethnic = np.array(["WHITE_BRITISH", "ASIAN_PAKISTANI", "BLACK_AFRICAN", "MIXED_OTHER"])
    return pa.table(
        {
            "row_key": keys,
            "status": np.where(treated, "participating", "assessed-only"),
            "assessed_on": assessed,
            "started_on": pa.array(assessed, mask=~treated),
            "ended_on": pa.array(assessed + 365 * DAY, mask=~treated),
            "role": np.where(child, "child", "adult"),
            "birth_month": born,
            "sex": np.where(rng.random(people) < 0.5, "F", "M"),
            "ethnicity": ethnic[rng.choice(4, people, p=[0.8, 0.08, 0.07, 0.05])],
            "district": np.where(rng.random(people) < 0.5, "North", "South"),
            "deprivation_fifth": rng.integers(1, 6, people),
            "needs": needs.sum(axis=1),
            **{name: needs[:, place] for place, name in enumerate(flags)},
        }
    )


def happened(
    section: str, kind: str, keys: pa.Array, rng: np.random.Generator
) -> Iterator[tuple[bool, pa.Table]]:
    """Yield the open and the locked part of a section."""
    rows = len(keys)
    begins = FIRST + rng.integers(0, (LAST - FIRST).astype(int), rows) * DAY
    day = np.datetime64(OUTCOMES_FROM)
    same = {"row_key": keys, "kind": pa.repeat(kind, rows)}
    detail = pa.nulls(rows, pa.string())
    if section == "event":
        table = pa.table({**same, "occurred_on": begins, "detail": detail})
        parts = {False: begins < day, True: begins >= day}
    elif section == "measure":
        begins = begins.astype("datetime64[M]").astype("datetime64[D]")
        ends = begins + 80 * DAY
        table = pa.table(
            {**same, "period_start": begins, "period_end": ends,
             "numerator": rng.integers(0, 30, rows).astype(float), "denominator": np.full(rows, 120.0)}
        )  # fmt: skip
        parts = {False: ends < day, True: ends >= day}
    else:
        ends = begins + rng.integers(1, 600, rows) * DAY
        is_open = ends >= day
        table = pa.table({**same, "started_on": begins, "ended_on": ends, "detail": detail})
        hidden = table.set_column(3, "ended_on", pa.array(ends, mask=is_open))
        yield False, hidden.filter(pa.array(begins < day))
        yield True, table.filter(pa.array(is_open))
        return
    for lock, inside in parts.items():
        yield lock, table.filter(pa.array(inside))


@contextmanager
def measured(found: dict[str, object], name: str) -> Iterator[None]:
    """Keep wall and CPU seconds of a block."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    found[name] = {
        "wall s": round(time.perf_counter() - wall, 1),
        "cpu s": round(time.process_time() - cpu, 1),
        "peak GiB": round(peak(), 2),
    }
    print(f"{name}: {found[name]}", file=sys.stderr, flush=True)


def peak() -> float:
    """Return the peak memory of this process in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


if __name__ == "__main__":
    assert PUBLISHER
    main()
