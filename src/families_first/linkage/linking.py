"""Linking a study: identifiers in, a spine of pseudonyms and a sheet on its quality out, nothing else kept.

The council's rows are put together into the people of the programme, and every other owner's records are
compared with them. A link that is not certain is kept with its probability instead of being decided.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement
from families_first.governance.audit.event import Detail
from families_first.governance.desk import Act, Desk
from families_first.governance.home import Home
from families_first.governance.policy import Resource
from families_first.governance.vault import DatasetInfo, Vault
from families_first.governance.vault.holdings import index_of
from families_first.linkage.candidates import Candidates, find_candidates
from families_first.linkage.columns import COUNCIL, ROW_KEY, is_encoded, match_table
from families_first.linkage.decided import decided_of, labels_of
from families_first.linkage.engines import engine_named
from families_first.linkage.people import Programme, people_of_programme
from families_first.linkage.plan import LinkPlan, Pair, pairs_of
from families_first.linkage.quality import groups_of, quality_sheet
from families_first.linkage.quality.measures import Measure, Truth
from families_first.linkage.quality.telling import Telling, tell_owner, tell_study
from families_first.linkage.received import Received, agreements_of, lapsed, received_by, rows_of
from families_first.linkage.spine import QUALITY_TABLE, SPINE_TABLE, spine_of
from families_first.linkage.truth import check_made_up, truth_of
from families_first.matching.between import Between
from families_first.matching.model import Model, shipped_model

LINKING = "link-people"

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class OwnerRun:
    """What linking one owner did: counts and shares, no record.

    ``with_candidates`` records have a candidate, and ``links`` one that counts as made; ``linked`` is the
    share of the programme's people with a link, ``precision`` and ``recall`` are by the probabilities.
    ``true_precision`` and ``true_recall`` are by the truth, None where it is not known.
    """

    owner: str
    serial: str
    records: int
    with_candidates: int
    candidates: int
    links: int
    compared: int
    engine: str
    model: str
    linked: Measure
    precision: Measure
    recall: Measure
    true_precision: Measure | None
    true_recall: Measure | None
    seconds: float


@dataclass(frozen=True, slots=True)
class LinkRun:
    """What a run did: counts and shares, no record. ``dataset`` is where spine and quality sheet are kept."""

    project: str
    dataset: DatasetInfo
    council_rows: int
    people: int
    families: int
    in_two_families: int
    owners: tuple[OwnerRun, ...]
    spine_rows: int
    quality: pa.Table
    seconds: float


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of pairs from outside the model.

    ``decided`` has by owner id the pairs that people decided (see :mod:`decided`); ``truth`` who each row is
    of, for made-up records alone (see :mod:`truth`).
    """

    decided: Mapping[str, pa.Table] = field(default_factory=dict)
    truth: pa.Table | None = None


def link_study(
    desk: Desk,
    project: str,
    *,
    plan: LinkPlan,
    latest: bool = False,
    again: bool = False,
    given: Given | None = None,
    said: Said = lambda step: None,
) -> LinkRun:
    """Link the owners of a project and keep the spine in the vault, as the dataset of that name.

    Parameters
    ----------
    desk
        The linker's, for research.
    project
        The study, as the agreements name it.
    plan
        What is linked, and how; see :func:`plan.plan_of`.
    latest
        Where an owner sent more than one split, take the newest.
    again
        Link although there is a spine of this project, and replace it. Everybody gets a new pseudonym, so
        whatever research has of the old one cannot be used with the new.
    given
        Pairs that people decided, and the truth of made-up records.
    said
        Is told each step, without a value from a record.

    Raises
    ------
    UserError
        REFUSED, when the policy says no, an owner sent two splits, a parcel holds more than identifiers or
        there is a spine already; AGREEMENT, when an agreement of the project is missing or not in force;
        NOT_FOUND, when an owner's split is not here; BAD_FILE, when row keys are missing or stand there
        twice.
    """
    began = time.perf_counter()
    given = given or Given()
    home = desk.home
    agreements, pairs = prepare(desk, project, plan)
    owners = [each.owner for each in pairs]
    if given.truth is not None:
        check_made_up(agreements[each] for each in (COUNCIL, *owners))
    if unknown := sorted(given.decided.keys() - set(owners)):
        raise UserError(
            f"Pairs were decided of owners that are not linked: {', '.join(unknown)}",
            where=project,
            fix=f"Name owners of the plan: {', '.join(owners)}.",
            code=ExitCode.NOT_FOUND,
        )
    if not again:
        _check_first(home, project)
    details: dict[str, Detail] = {"project": project, "owners": len(pairs), "again": again}
    with (
        desk.act(LINKING, Resource("Identifiers", project), agreement_in_force=True, details=details) as act,
        ExitStack() as stack,
    ):
        study = open_study(act, agreements, plan, pairs, latest=latest, said=said)
        telling = Telling(
            groups=groups_of(study.programme, study.council, on=desk.today), link_at=plan.link_at
        )
        tell_study(telling, study.programme, agreements[COUNCIL], study.received[COUNCIL].manifest)
        kept, runs = [], []
        for pair in pairs:
            one = link_owner(study, pair, given=given, stack=stack, said=said)
            runs.append(_told(telling, study, one, agreements[pair.owner], given))
            kept.append((pair.owner, one.keys, one.candidates))
        said("Making pseudonyms")
        spine = spine_of(study.programme, kept, project=project)
        sheet = quality_sheet(telling.lines.gathered)
        dataset = _keep(study, project, spine, sheet, runs, again=again)
        act.note(
            rows=spine.num_rows,
            people=study.programme.people,
            families=study.programme.families,
            parcels=",".join(each.serial for each in study.received.values()),
        )
    return LinkRun(
        project=project,
        dataset=dataset,
        council_rows=study.programme.rows.num_rows,
        people=study.programme.people,
        families=study.programme.families,
        in_two_families=study.programme.in_two_families,
        owners=tuple(runs),
        spine_rows=spine.num_rows,
        quality=sheet,
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True, slots=True)
class Study:
    """A study being linked: its splits, the people of the programme, and the council's match table."""

    vault: Vault
    plan: LinkPlan
    received: Mapping[str, Received]
    programme: Programme
    council: pa.Table
    model: Model


@dataclass(frozen=True, slots=True)
class Linked:
    """One owner's records and their candidates; ``keys`` are the row keys, ``between`` what matching said."""

    pair: Pair
    rows: pa.Table
    candidates: Candidates
    between: Between
    encoded: bool
    seconds: float

    @property
    def keys(self) -> pa.ChunkedArray:
        """The row key of each record."""
        return self.rows[ROW_KEY]


def prepare(desk: Desk, project: str, plan: LinkPlan) -> tuple[dict[str, Agreement], tuple[Pair, ...]]:
    """Return the project's agreements by owner id, and the pairs to link; refuse where one has lapsed.

    Raises
    ------
    UserError
        AGREEMENT or NOT_FOUND, as :func:`received.agreements_of` and :func:`plan.pairs_of`; AGREEMENT, when
        one is not in force, which is logged.
    """
    if plan.project != project:
        raise UserError(
            f"The plan is of the project '{plan.project}', and '{project}' is to be linked",
            where=project,
            fix="Name the plan of this project.",
            code=ExitCode.BAD_FILE,
        )
    agreements = agreements_of(desk.home, project)
    pairs = pairs_of(plan, agreements)
    refusal = lapsed(agreements, (COUNCIL, *(each.owner for each in pairs)), on=desk.today)
    if refusal is not None:
        raise desk.refuse(LINKING, Resource("Identifiers", project), refusal)
    return agreements, pairs


def open_study(
    act: Act,
    agreements: Mapping[str, Agreement],
    plan: LinkPlan,
    pairs: tuple[Pair, ...],
    *,
    latest: bool,
    said: Said,
) -> Study:
    """Return the splits of a study and the people of its programme. Raises as :func:`link_study`."""
    vault = Vault(act)
    wanted = {COUNCIL: plan.council_parcel} | {each.owner: each.parcel for each in pairs}
    received = received_by(vault, agreements, wanted, latest=latest)
    said("Finding the people of the programme")
    rows = rows_of(vault, received[COUNCIL])
    model = shipped_model()
    return Study(
        vault=vault,
        plan=plan,
        received=received,
        programme=people_of_programme(rows, model),
        council=match_table(rows, COUNCIL, encoded=False),
        model=model,
    )


def link_owner(study: Study, pair: Pair, *, given: Given, stack: ExitStack, said: Said) -> Linked:
    """Compare one owner's records with the people of the programme."""
    began = time.perf_counter()
    rows = rows_of(study.vault, study.received[pair.owner])
    encoded = is_encoded(rows.column_names) if pair.encoded is None else pair.encoded
    records = match_table(rows, pair.owner, encoded=encoded)
    council = match_table(study.programme.rows, COUNCIL, encoded=True) if encoded else study.council
    labelled = labels_of(given.decided.get(pair.owner))
    candidates, between = find_candidates(
        study.programme,
        council,
        records,
        pair,
        model=study.model if pair.model == "shipped" else None,
        engine=engine_named(pair.engine, study.plan.spark_master, stack),
        labelled=labelled,
        said=lambda step: said(f"{pair.owner}: {step}"),
    )
    return Linked(pair, rows, candidates, between, encoded, time.perf_counter() - began)


def _told(telling: Telling, study: Study, one: Linked, agreement: Agreement, given: Given) -> OwnerRun:
    """Tell the sheet of one owner, and return what its linking did."""
    pair, found = one.pair, one.candidates
    truth: Truth | None = None
    if given.truth is not None:
        truth = truth_of(given.truth, study.programme, pair.owner, one.keys)
    decided = given.decided.get(pair.owner)
    told = tell_owner(
        telling,
        pair,
        one.rows,
        found,
        agreement=agreement,
        made_at=study.received[pair.owner].made_at,
        encoded=one.encoded,
        truth=truth,
        decided=None if decided is None else decided_of(decided, study.programme, one.keys, found),
    )
    return OwnerRun(
        owner=pair.owner,
        serial=study.received[pair.owner].serial,
        records=one.rows.num_rows,
        with_candidates=told.with_candidates,
        candidates=len(found),
        links=told.links,
        compared=found.compared,
        engine=pair.engine,
        model=found.model,
        linked=told.linked,
        precision=told.precision,
        recall=told.recall,
        true_precision=told.true_precision,
        true_recall=told.true_recall,
        seconds=one.seconds,
    )


def _keep(
    study: Study, project: str, spine: pa.Table, sheet: pa.Table, runs: list[OwnerRun], *, again: bool
) -> DatasetInfo:
    vault = study.vault
    used = [each.dataset for each in study.received.values()]
    about = {
        "project": project,
        "parcels": {owner: each.serial for owner, each in study.received.items()},
        "splits": [each.split for each in study.received.values() if each.split],
        "rows": {each.owner: each.candidates for each in runs},
        "made_from": [[each.retention_class, each.committed_at.date().isoformat()] for each in used],
    }
    if again:
        vault.remove_named("spine", project)
    return vault.commit(
        "spine",
        project,
        {SPINE_TABLE: spine, QUALITY_TABLE: sheet},
        retention_class=study.received[COUNCIL].dataset.retention_class,
        about=about,
    )


def _check_first(home: Home, project: str) -> None:
    """Refuse where there is a spine of the project: a second one would give everybody another pseudonym."""
    if any(each.kind == "spine" and each.name == project for each in index_of(home).entries):
        raise UserError(
            f"The people of '{project}' were linked before: there is a spine of it in the vault",
            where=project,
            fix="Seal it with `families-first study seal-spine`. To link anew, as when an owner sent late, "
            "give --again: everybody then gets a new pseudonym, and what research has of the old spine must "
            "go.",
            code=ExitCode.REFUSED,
        )
