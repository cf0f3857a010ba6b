"""Building an extract: the people, candidate links and facts that one sealed protocol names, coarsened.

First what was known before outcomes began (:func:`build_extract`); when they were released, the outcomes
(:func:`open_outcomes`). Both hold counts by quarter relative to each person's time zero, and no day.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Act, Desk
from families_first.governance.policy import Resource
from families_first.governance.vault import DatasetInfo, Vault, locked_connection
from families_first.research.extract.cohort import Cohort, form_cohort
from families_first.research.extract.content import content_sha256
from families_first.research.extract.facts import COUNTED, Reach, count_facts
from families_first.research.extract.features import COUNCIL, Feature, features_of, owners_of
from families_first.research.extract.info import ExtractInfo, OwnerInfo
from families_first.research.extract.linked_study import LinkedStudy, linked_study
from families_first.research.extract.names import EXTRACT, OUTCOMES, ROWS
from families_first.research.extract.person_table import person_table
from families_first.research.extract.studies import OPEN, SINCE, check_in_force
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.parts import FactTable
from families_first.research.protocol.sealing import SealedProtocol, sealed_protocol

BUILDING = "build-extract"
RESOURCE = "LinkedRecords"
PERSON_TABLE, LINK_TABLE = "person", "link"

Said = Callable[[str], object]
Facts = dict[str, pa.Table]

_NOTHING: Facts = {
    table.value: pa.table(
        {
            "link": pa.array([], pa.int32()),
            "feature": pa.array([], pa.int16()),
            "quarter": pa.array([], pa.int16()),
            **{name: pa.array([], pa.float64()) for name in COUNTED[table]},
        }
    )
    for table in FactTable
}


def build_extract(desk: Desk, protocol_id: str, *, said: Said = lambda what: None) -> ExtractInfo:
    """Build the extract of a sealed protocol from what was opened of its study; an earlier one is replaced.

    It holds what was known before outcomes began. Whoever was assessed before the day from which outcomes are
    locked is left out, and so is everything that the protocol does not name.

    Raises
    ------
    UserError
        NOT_FOUND, when no protocol is sealed or nothing of the study was opened; REFUSED, by the policy, when
        the protocol was changed, an arm is empty, or people cannot be kept from being made out; AGREEMENT,
        when an agreement has lapsed; BAD_FILE, when columns are missing.
    """
    with _building(desk, protocol_id) as (act, sealed, study):
        protocol = sealed.text.protocol
        features = features_of(protocol)
        study.check_has(features, OPEN)
        cohort = _cohort(study, protocol, said)
        said("Making people hard to make out")
        people, anonymised = person_table(cohort, protocol)
        link = _candidates(study, cohort, owners_of(features), said)
        facts = _facts(study, protocol, cohort, link, part=OPEN, said=said)
        kept = {PERSON_TABLE: people, LINK_TABLE: link.drop_columns(["zero", "start"]), **facts}
        info = ExtractInfo(
            kind=EXTRACT,
            protocol_id=protocol.id,
            protocol_version=protocol.version,
            protocol_sha256=sealed.seal.sha256,
            sha256=content_sha256(kept),
            people=cohort.size,
            families=_families(people),
            owners=_owner_infos(features, link, facts),
            flow=cohort.flow,
            before=anonymised.before,
            after=anonymised.after,
            coarsened=dict(anonymised.coarsened),
            hidden=anonymised.hidden,
            twice=cohort.twice,
            remarks=tuple(_remarks(cohort, protocol, study.locked_from(owners_of(features)))),
        )
        _commit(study, features, kept, info, cohort)
        act.note(people=info.people, sha256=info.sha256, protocol_sha256=info.protocol_sha256)
    return info


def open_outcomes(desk: Desk, protocol_id: str, *, said: Said = lambda what: None) -> ExtractInfo:
    """Add the outcomes to an extract, from the parcels that were released for its protocol.

    Raises
    ------
    UserError
        As :func:`build_extract`; REFUSED too, when there is no extract of this protocol yet, outcomes that it
        names were not released and opened, or were released for another protocol, or the extract was made of
        other records.
    """
    with _building(desk, protocol_id) as (act, sealed, study):
        protocol = sealed.text.protocol
        features = features_of(protocol)
        extract = study.vault.find(EXTRACT, protocol_id)
        if extract is None or extract.about["info"]["protocol_sha256"] != sealed.seal.sha256:
            raise _build_first(protocol_id)
        study.check_has(features, SINCE)
        study.check_released(features, {each.sha256 for each in (*sealed.before, sealed.seal)})
        if extract.about["used"] != _ids(study.used(features, [OPEN])):
            raise _build_first(protocol_id)
        cohort = _cohort(study, protocol, said)
        link = _candidates(study, cohort, owners_of(features), said)
        facts = _facts(study, protocol, cohort, link, part=SINCE, said=said)
        info = ExtractInfo(
            kind=OUTCOMES,
            protocol_id=protocol.id,
            protocol_version=protocol.version,
            protocol_sha256=sealed.seal.sha256,
            sha256=content_sha256(facts),
            people=cohort.size,
            families=_families(cohort.people),
            owners=_owner_infos(features, link, facts),
            outcomes_released_for=_earlier_version(sealed, study.released_for(features)),
        )
        _commit(study, features, facts, info, cohort)
        act.note(people=info.people, sha256=info.sha256, protocol_sha256=info.protocol_sha256)
    return info


def _earlier_version(sealed: SealedProtocol, released_for: frozenset[str]) -> int:
    """Return the earliest version before the sealed one for which outcomes were released; 0 when none."""
    versions = (number for number, each in enumerate(sealed.before, 1) if each.sha256 in released_for)
    return next(versions, 0)


def outcomes_missing(desk: Desk, protocol_id: str) -> tuple[str, ...]:
    """Return which outcomes that a protocol names have not been opened, in words; empty when all have.

    Raises
    ------
    UserError
        As :func:`build_extract`.
    """
    with _building(desk, protocol_id) as (_, sealed, study):
        return study.missing(features_of(sealed.text.protocol), SINCE)


@contextlib.contextmanager
def _building(desk: Desk, protocol_id: str) -> Iterator[tuple[Act, SealedProtocol, LinkedStudy]]:
    """Begin the act for a protocol that is as it was sealed, on records whose agreements are in force."""
    resource = Resource(RESOURCE, protocol_id)
    try:
        sealed = sealed_protocol(desk, protocol_id)
    except UserError as refusal:
        raise desk.refuse(BUILDING, resource, refusal) from None
    with desk.act(BUILDING, resource, agreement_in_force=True) as act:
        study = linked_study(Vault(act), sealed.text.protocol.project)
        features = features_of(sealed.text.protocol)
        check_in_force(desk.home, study.agreements(features), on=desk.today)
        yield act, sealed, study


def _cohort(study: LinkedStudy, protocol: StudyProtocol, said: Said) -> Cohort:
    said("Forming the cohort")
    programme = study.vault.read(study.programme, ROWS)
    owners = owners_of(features_of(protocol))
    return form_cohort(programme, study.links_of(COUNCIL), protocol, locked_from=study.locked_from(owners))


def _candidates(study: LinkedStudy, cohort: Cohort, owners: Sequence[str], said: Said) -> pa.Table:
    """Return the candidate links of the study's people, numbered, with the day of time zero of each."""
    said("Finding candidate links")
    people = cohort.people.select(["unit", "person", "zero", "start"])
    found = []
    for owner in owners:
        with locked_connection({"links": study.links_of(owner), "people": people}) as con:
            found.append(
                con.sql(
                    f"SELECT '{owner}' AS owner, unit, record, probability, zero, start FROM links "
                    "JOIN people USING (person) ORDER BY unit, record"
                ).to_arrow_table()
            )
    if not found:
        raise ValueError("a protocol names at least one owner")
    whole = pa.concat_tables(found)
    owner = whole["owner"].combine_chunks().dictionary_encode()
    numbered = whole.set_column(0, "owner", owner)
    return numbered.add_column(0, "link", pa.array(np.arange(whole.num_rows, dtype=np.int32)))


def _facts(
    study: LinkedStudy, protocol: StudyProtocol, cohort: Cohort, link: pa.Table, *, part: str, said: Said
) -> Facts:
    """Return what happened in one part of the records, by canonical table."""
    features = features_of(protocol)
    found: dict[str, list[pa.Table]] = {}
    for owner in owners_of(features):
        candidates = link.filter(pc.equal(link["owner"], owner)).select(["link", "record", "zero", "start"])
        reach = _reach(study, protocol, cohort, owner, part)
        for table in FactTable:
            wanted = [each for each in features if each.owner == owner and each.table == table]
            rows = study.rows_of(owner, table, part) if wanted else None
            if rows is None or reach is None:
                continue
            said(f"Counting {table}s of {owner}")
            with locked_connection({"facts": rows, "candidates": candidates}) as con:
                found.setdefault(table.value, []).append(count_facts(con, table, wanted, reach))
    return {table: pa.concat_tables(parts).combine_chunks() for table, parts in found.items()}


def _reach(
    study: LinkedStudy, protocol: StudyProtocol, cohort: Cohort, owner: str, part: str
) -> Reach | None:
    """Return the days that count of one part: the open part ends before outcomes begin."""
    follow, day = protocol.follow_up, study.outcomes_from(owner)
    if part == OPEN:
        last = follow.records_until if day is None else min(follow.records_until, day - timedelta(days=1))
        return Reach(follow.records_from, last, cohort.panel)
    return None if day is None else Reach(max(day, follow.records_from), follow.records_until, cohort.panel)


def _commit(
    study: LinkedStudy,
    features: Sequence[Feature],
    tables: Mapping[str, pa.Table],
    info: ExtractInfo,
    cohort: Cohort,
) -> None:
    """Keep an extract, or its outcomes, in the place of earlier ones; no outcomes outlive their extract."""
    vault, name = study.vault, info.protocol_id
    before = vault.find(EXTRACT, name) if info.kind == EXTRACT else None
    vault.remove_named(OUTCOMES, name)  # the act does not read what it removes
    with vault.draft(
        EXTRACT if info.kind == EXTRACT else OUTCOMES,
        name,
        retention_class=study.programme.retention_class,
        replaces=[before] if before else (),
    ) as draft:
        for table, rows in {**_NOTHING, **tables}.items():
            draft.write(table, rows)
        draft.about.update(
            info=info.as_json(),
            used=_ids(study.used(features, [OPEN])),
            agreements=sorted(study.agreements(features)),
            panel=list(cohort.panel) if cohort.panel else None,
            several=sorted(owner for owner in owners_of(features) if study.has_several(owner)),
            made_from=_made_from(study.used(features, [OPEN, SINCE])),
        )


def _made_from(used: Sequence[DatasetInfo]) -> list[list[str]]:
    pairs = {(each.retention_class, each.committed_at.date().isoformat()) for each in used}
    return [list(pair) for pair in sorted(pairs)]


def _ids(used: Sequence[DatasetInfo]) -> list[str]:
    return sorted(each.dataset_id for each in used)


def _families(people: pa.Table) -> int:
    return int(pc.count_distinct(people["family"]).as_py())


def _owner_infos(features: Sequence[Feature], link: pa.Table, facts: Facts) -> tuple[OwnerInfo, ...]:
    number_of = {each.number: each.owner for each in features}
    counts: dict[str, dict[str, int]] = {}
    for table, rows in facts.items():
        numbers = np.bincount(rows["feature"].to_numpy(), minlength=len(features))
        for number, owner in number_of.items():
            of_owner = counts.setdefault(owner, {})
            of_owner[table] = of_owner.get(table, 0) + int(numbers[number])
    found = []
    for owner in owners_of(features):
        mine = link.filter(pc.equal(link["owner"], owner))
        found.append(
            OwnerInfo(
                owner=owner,
                candidates=mine.num_rows,
                records=int(pc.count_distinct(mine["record"]).as_py()),
                people=int(pc.count_distinct(mine["unit"]).as_py()),
                expected=float(pc.sum(mine["probability"]).as_py() or 0.0),
                facts={table: rows for table, rows in counts.get(owner, {}).items() if rows},
            )
        )
    return tuple(found)


def _remarks(cohort: Cohort, protocol: StudyProtocol, locked_from: date | None) -> Iterator[str]:
    people, follow = cohort.people, protocol.follow_up
    if cohort.twice:
        yield f"{cohort.twice:,} people had several rows of the programme's; the one of taking part counts."
    if locked_from is not None:
        late = int(pc.sum(pc.greater(people["zero"], pa.scalar(locked_from))).as_py() or 0)
        if late:
            yield (
                f"{late:,} people were assessed after {locked_from}: what happened between comes with the "
                "outcomes, so until then their history is incomplete."
            )
    short = int((people["quarters_before"].to_numpy() < follow.history).sum())
    if short:
        yield f"Of {short:,} people records do not reach {follow.history} quarters back."
    early = int((people["quarters_after"].to_numpy() < follow.quarters).sum())
    if early:
        yield (
            f"{early:,} people cannot be followed for {follow.quarters} quarters; later outcomes of theirs "
            "are not known."
        )
    if any(each.did for each in protocol.outcomes) and cohort.panel is None:
        yield "There is no calendar quarter that the records of all cover, so there are no panels."


def _build_first(protocol_id: str) -> UserError:
    return UserError(
        "There is no extract of this protocol, as it is sealed now, from what has been opened",
        where=protocol_id,
        fix="Build it first, without its outcomes: `families-first study extract`. It is built anew when a "
        "parcel came later or a new version was sealed.",
        code=ExitCode.REFUSED,
    )
