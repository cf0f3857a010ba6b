"""The council's main job, from the files in the inbox to nominated families, and each of its steps alone.

Each step reads what the step before it committed to the vault and commits its own outcome whole or not at
all, so a run that was cut short is run again from the start and repeats nothing that is done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa

from families_first.council.deliveries.current import current_tables, made_from
from families_first.council.deliveries.landing import land_delivery
from families_first.council.deliveries.mapping_file import SourceMapping, load_mappings, mapping_for
from families_first.council.deliveries.report import DeliveryReport, QuarantineLimitExceeded
from families_first.council.families.formation import form_families
from families_first.council.families.result import Families
from families_first.council.identification.comparing import diff_packs
from families_first.council.identification.delivered_feeds import delivered_feeds
from families_first.council.identification.pack import Pack, load_pack, pack_ids, shipped_packs_folder
from families_first.council.identification.result import Identification
from families_first.council.identification.running import identify, identify_each
from families_first.council.people import PeopleRun, match_people
from families_first.council.resources import RECORDS
from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, load_agreements
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.vault import DatasetInfo, DatasetKind, Vault
from families_first.records.tables import Table

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Landing:
    """What became of one file of the inbox: its ``report``, or the ``refusal``, or both."""

    file: str
    report: DeliveryReport | None
    refusal: UserError | None

    @property
    def landed(self) -> bool:
        """Whether the file is in the vault, now or from before."""
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Journey:
    """The outcome of a whole run; ``tables`` are the canonical tables that it stood on."""

    on: date
    landings: tuple[Landing, ...]
    tables: Mapping[Table, pa.Table] = field(repr=False)
    people: PeopleRun
    families: Families
    identification: Identification


def land_inbox(desk: Desk, *, on: date, said: Said = lambda step: None) -> tuple[Landing, ...]:
    """Land every file of the inbox; a file that is refused is told of and does not hold up the others."""
    mappings = load_mappings(desk.home.mappings)
    agreements = load_agreements(desk.home.agreements)
    landings = []
    for path in sorted(desk.home.inbox.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            said(f"Landing {path.name}")
            landings.append(_land(path, desk, mappings, agreements, on=on))
    return tuple(landings)


def _land(
    path: Path,
    desk: Desk,
    mappings: dict[str, SourceMapping],
    agreements: Mapping[str, Agreement],
    *,
    on: date,
) -> Landing:
    try:
        mapping = mapping_for(path.name, mappings)
        agreement = agreements.get(mapping.content.mapping.agreement)
        if agreement is None:
            raise UserError(
                f"There is no agreement '{mapping.content.mapping.agreement}'",
                where=path.name,
                fix=f"Put the agreement that the mapping '{mapping.content.id}' quotes into the home.",
                code=ExitCode.AGREEMENT,
            )
        return Landing(path.name, land_delivery(path, mapping, agreement, desk, on=on), None)
    except QuarantineLimitExceeded as refusal:
        return Landing(path.name, refusal.report, refusal)
    except UserError as refusal:
        return Landing(path.name, None, refusal)


def build_families(desk: Desk, *, on: date, tables: Mapping[Table, pa.Table] | None = None) -> Families:
    """Form the families of the people as last matched, keep them in the vault, and return them."""
    with desk.act("form-families", RECORDS) as act:
        families = _build(Vault(act), on, tables)
        act.note(families=families.family.num_rows)
        return families


def _build(vault: Vault, on: date, tables: Mapping[Table, pa.Table] | None) -> Families:
    people = _latest(vault, "people", "Match the records first: `families-first run`.")
    last = vault.latest("families")
    families = form_families(
        vault.read(people, "person"),
        vault.read(people, "assignment"),
        current_tables(vault) if tables is None else tables,
        on=on,
        previous=families_in(vault, last) if last else None,
    )
    vault.commit(
        "families",
        f"after-{people.name}-on-{on.isoformat()}",
        families.tables(),
        retention_class=vault.home.retention_classes[0].id,
        about={
            "on": on.isoformat(),
            "people": people.name,
            "families": families.family.num_rows,
            "made_from": made_from(vault),
        },
        replaces=vault.list("families"),
    )
    return families


def identify_families(
    desk: Desk, pack: Pack, *, on: date, tables: Mapping[Table, pa.Table] | None = None
) -> Identification:
    """Run a criteria pack over the families as last formed, keep its findings, and return them."""
    with desk.act("identify-families", RECORDS, details={"pack": pack.id}) as act:
        found = _identify(Vault(act), pack, on, tables)
        act.note(findings=found.finding.num_rows, nominated=found.nomination.num_rows)
        return found


def _identify(vault: Vault, pack: Pack, on: date, tables: Mapping[Table, pa.Table] | None) -> Identification:
    people = _latest(vault, "people", "Match the records first: `families-first run`.")
    families = _latest(vault, "families", "Form the families first: `families-first families build`.")
    found = identify(
        families_in(vault, families),
        current_tables(vault) if tables is None else tables,
        vault.read(people, "assignment"),
        pack,
        on=on,
        feeds=delivered_feeds(vault, on),
    )
    vault.commit(
        "findings",
        pack.id,
        found.tables(),
        retention_class=vault.home.retention_classes[0].id,
        about={
            "pack": pack.id,
            "version": found.pack_version,
            "minimum_problems": found.minimum_problems,
            "on": on.isoformat(),
            "families": families.name,
            "nominated": found.nomination.num_rows,
            "made_from": made_from(vault),
        },
        replaces=[each for each in vault.list("findings") if each.name == pack.id],
    )
    return found


def compare_packs(desk: Desk, packs: tuple[Pack, Pack], *, on: date) -> pa.Table:
    """Return which families enter, leave and stay when the criteria change from the first pack to the second.

    Keeps nothing. The table is that of :func:`diff_packs`.
    """
    with desk.act("list-families", RECORDS, details={"packs": " ".join(pack.id for pack in packs)}) as act:
        vault = Vault(act)
        people = _latest(vault, "people", "Match the records first: `families-first run`.")
        families = _latest(vault, "families", "Form the families first: `families-first families build`.")
        results = identify_each(
            families_in(vault, families),
            current_tables(vault),
            vault.read(people, "assignment"),
            packs,
            on=on,
            feeds=delivered_feeds(vault, on),
        )
        return diff_packs(*results, packs=packs)


def run_journey(desk: Desk, *, on: date, pack: Pack, said: Said = lambda step: None) -> Journey:
    """Land the inbox, match, form families and identify: the whole job of a data lead's month."""
    with desk.home.locked():  # a second run waits, and gives up with a message
        return _run(desk, on, pack, said)


def _run(desk: Desk, on: date, pack: Pack, said: Said) -> Journey:
    landings = land_inbox(desk, on=on, said=said)
    with desk.act("list-families", RECORDS) as act:
        tables = current_tables(Vault(act))
    refusals = [each.refusal for each in landings if each.refusal]
    if refusals and tables[Table.PERSON_RECORD].num_rows == 0:
        raise refusals[0]  # why there is nobody to match
    said("Matching people")
    people = match_people(desk, tables, on=on)
    said("Forming families")
    families = build_families(desk, on=on, tables=tables)
    said(f"Identifying families by {pack.head.title}")
    found = identify_families(desk, pack, on=on, tables=tables)
    return Journey(
        on=on, landings=landings, tables=tables, people=people, families=families, identification=found
    )


def pack_named(home: Home, pack_id: str) -> Pack:
    """Return a criteria pack: the home's own before the shipped one of the same id.

    Without an id it is the one pack of the home's own; criteria are chosen by people, so nothing is guessed
    where there are several or none.

    Raises
    ------
    UserError
        CRITERIA, when there is no such pack, it is faulty, or none is named and there is not just one.
    """
    own = pack_ids(home.packs)
    if not pack_id and len(own) == 1:
        return load_pack(home.packs / own[0])
    for folder in (home.packs, shipped_packs_folder()):
        if (folder / pack_id / "pack.toml").is_file():
            return load_pack(folder / pack_id)
    known = sorted({*own, *pack_ids(shipped_packs_folder())})
    raise UserError(
        f"There is no criteria pack '{pack_id}'" if pack_id else "No criteria were named",
        where=home.packs.name,
        fix=f"Choose one with --pack: {', '.join(known)}.",
        code=ExitCode.CRITERIA,
    )


def families_in(vault: Vault, dataset: DatasetInfo) -> Families:
    """Return the families that a dataset keeps."""
    return Families(
        **{name: vault.read(dataset, name) for name in ("family", "membership", "tie", "set_aside")}
    )


def _latest(vault: Vault, kind: DatasetKind, fix: str) -> DatasetInfo:
    latest = vault.latest(kind)
    if latest is None:
        raise UserError(f"There are no {kind} in this home yet", fix=fix, code=ExitCode.NOT_FOUND)
    return latest
