"""Whom a study covers: the people of the programme and nobody else, less those who object."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from families_first.assurance.bench import Bench
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.small_study import INBOX, SmallStudy
from families_first.assurance.study_records import COUNCIL, OWNERS, PROGRAMME, identifiers_of, marks_in
from families_first.governance.parcels import open_parcel
from families_first.governance.purposes import Purpose
from families_first.governance.study import record_objections, split_for_study

_BOTH = ("assessed-only", "participating")


@check(
    "study-covers-both-groups-alone",
    tries="find somebody in a study who is not of the programme, or miss somebody who is",
    unit="people and rows",
    limit_seconds=120,
)
def study_covers_both_groups_alone(bench: Bench) -> Findings:
    """Every linked row of a small study carries a mark that says whose it is; they are held against the
    council's file and the owners' registers."""
    tally, study = Tally(), bench.study(to_its_end=True)
    sources, linked = study.sources, study.linked_rows()
    programme = linked[COUNCIL, PROGRAMME]
    found = Counter(marks_in(COUNCIL, PROGRAMME, programme))
    expected = {
        row["reference"]: row["status"]
        for row in sources.programme.to_pylist()
        if row["reference"] in sources.sent(COUNCIL) and row["status"] in _BOTH
    }
    for reference in expected:
        tally.holds(found[reference] == 1, "somebody of the programme is not in the study, or is there twice")
    others = sorted(set(found) - set(expected))
    tally.count(len(found), ["somebody who is not of the programme is in the study"] * len(others))
    for status in _BOTH:
        wanted = sum(each == status for each in expected.values())
        there = sum(each == status for each in programme["status"].to_pylist())
        tally.holds(wanted == there > 0, f"of {wanted} people {status} the study has {there}")
    _look_at_arms(tally, study)
    strangers = sum(_look_at_owner(tally, study, owner, linked) for owner in OWNERS if owner != COUNCIL)
    rows = sum(table.num_rows for table in linked.values())
    tally.notes.append(
        f"In the small study of made-up people {strangers} of the records that were kept are of somebody "
        "else, so like a person of the programme that the linker cannot rule it out; each is there with a "
        "probability."
    )
    return tally.findings(
        f"Each of {len(expected)} people of the programme, assessed only or taking part, was looked for in a "
        f"small study, and each of {rows:,} linked rows was traced to whose it is: a person whom the "
        "linker holds to be one of the programme's, and nobody else of the owners' registers."
    )


def _look_at_arms(tally: Tally, study: SmallStudy) -> None:
    treated = study.extract()["person"]["treated"].to_pylist()
    for arm in (True, False):
        tally.holds(treated.count(arm) > 0, f"the extract has nobody who {'took part' if arm else 'did not'}")


def _look_at_owner(
    tally: Tally, study: SmallStudy, owner: str, linked: dict[tuple[str, str], pa.Table]
) -> int:
    """Trace every row kept of an owner; return how many of its records are of somebody else."""
    sources, kept = study.sources, set()
    possible = _candidates(study, owner)
    records = set(study.links().filter(pa.compute.field("owner") == owner)["record"].to_pylist())
    whose: dict[int, str] = {}
    for (of, section), rows in linked.items():
        if of != owner:
            continue
        for record, reference in zip(rows["record"].to_pylist(), marks_in(owner, section, rows), strict=True):
            kept.add(reference)
            tally.holds(record in records, f"a row of {owner} is of nobody in the spine")
            tally.holds(reference in possible, f"a row of {owner} is of somebody who is not linked")
            same = whose.setdefault(record, reference) == reference
            tally.holds(same, f"rows of two people of {owner} stand under one record")
    if not kept:
        tally.doubts.append(f"Nothing of {owner} was linked, so nothing could be traced.")
    people = {sources.person[COUNCIL, each] for each in sources.sent(COUNCIL)}
    return sum(sources.person[owner, each] not in people for each in kept)


def _candidates(study: SmallStudy, owner: str) -> set[str]:
    """Return the references that a row key in the spine may be of, by the identifiers that the linker got."""
    spine = study.spine()
    keys = set(spine.filter(pa.compute.field("owner") == owner)["row_key"].to_pylist())
    told = study.sources.told_by(owner)
    rows = study.identifiers()[owner].to_pylist()
    return {each for row in rows if row["row_key"] in keys for each in told.get(identifiers_of(row), ())}


@check(
    "objection-is-honoured-at-the-source",
    tries="find somebody who objected in any parcel, spine, linked table or extract of a study",
    unit="people and rows",
    limit_seconds=120,
)
def objection_is_honoured_at_the_source(bench: Bench) -> Findings:
    """People of a small study who objected at the council or at a data owner are looked for wherever the
    records went; then somebody objects late, and the next split is opened."""
    tally, study = Tally(), bench.study(to_its_end=True)
    sources, linked = study.sources, study.linked_rows()
    identifiers, spine = study.identifiers(), study.spine()
    count = 0
    for owner, objectors in sources.objectors.items():
        count += len(objectors)
        told = sources.told_by(owner)
        sent = identifiers[owner].to_pylist()
        wanted = len(sources.sent(owner))
        tally.holds(len(sent) == wanted, f"{owner} sent {len(sent)} people where {wanted} did not object")
        keys = set(_keys_of(sent, told, objectors))
        tally.count(len(sent), [f"the linker has somebody who objected at {owner}"] * len(keys))
        named = [key for key in spine["row_key"].to_pylist() if key in keys]
        tally.count(spine.num_rows, [f"the spine has somebody who objected at {owner}"] * len(named))
        traced = 0
        for (of, section), rows in linked.items():
            if of == owner:
                marks = marks_in(owner, section, rows)
                traced += len(marks)
                theirs = sum(each in objectors for each in marks)
                tally.count(len(marks), [f"a linked row is of somebody who objected at {owner}"] * theirs)
        if not traced or not any(sources.marks[owner].get(each) for each in objectors):
            tally.doubts.append(f"Nothing is told of who objected at {owner}, so there was nothing to find.")
    tally.notes.append(_elsewhere(study, linked))
    _object_late(tally, study)
    return tally.findings(
        f"{count} people of a small study objected at the council or at a data owner. They were looked for "
        "among the identifiers that the linker got, in the spine and in every linked row, open and locked, "
        "by marks that say whose each is. One more objected after the first split, and was looked for in "
        "the next."
    )


def _keys_of(
    rows: list[dict[str, object]], told: Mapping[tuple[str, ...], frozenset[str]], objectors: frozenset[str]
) -> Iterator[str]:
    """Yield the row keys of rows that can be of nobody but somebody who objected."""
    for row in rows:
        whose = told.get(identifiers_of(row), frozenset())
        if whose and whose <= objectors:
            yield str(row["row_key"])


def _elsewhere(study: SmallStudy, linked: dict[tuple[str, str], pa.Table]) -> str:
    """Say how far an objection at the council reaches: what other owners hold of the person."""
    sources = study.sources
    people = {sources.person[COUNCIL, each] for each in sources.objectors[COUNCIL]}
    rows = sum(
        sources.person[owner, reference] in people
        for (owner, section), table in linked.items()
        if owner != COUNCIL
        for reference in marks_in(owner, section, table)
    )
    return (
        "An objection is honoured by the owner that it was made to. Whoever objects to the council is in no "
        f"list of the programme's, so nothing of theirs is looked for elsewhere; {rows} rows of such people "
        "were kept in the small study, as possible rows of somebody like them."
    )


def _object_late(tally: Tally, study: SmallStudy) -> None:
    owner, sources = "education", study.sources
    home = study.owners[owner]
    late = max(sources.sent(owner), key=lambda each: sources.marks[owner].get(each, 0))
    path = study.folder / "late.parquet"
    pq.write_table(pa.table({"reference": [late]}), path)
    record_objections(study.desk(home, "data-protection-officer", Purpose.PROTECT_DATA), path)
    files: list[Path] = sorted((home.inbox / INBOX).glob("*.parquet"))
    split = split_for_study(study.desk(home, "data-lead"), files, f"study-{owner}-2026")
    serial = open_parcel(study.linker, split.identifiers.path).serial
    with study.linking() as vault:
        dataset = vault.find("parcel", serial)
        rows = vault.read(dataset, "rows").to_pylist() if dataset else []
    gone = sources.objectors[owner] | {late}
    tally.holds(
        len(rows) == len(sources.references(owner)) - len(gone),
        "the next split has another number of people than those who did not object",
    )
    keys = list(_keys_of(rows, sources.told_by(owner), gone))
    tally.count(len(rows), ["the next split has somebody who objected"] * len(keys))
