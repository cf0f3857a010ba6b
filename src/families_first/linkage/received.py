"""The identifiers that a project's owners sent, as they lie in the vault: one split of each owner, and whole.

What is refused here would otherwise give a spine that nobody could trust: a split sent twice, an owner that
has not sent yet, an agreement that has lapsed, two rows under one row key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, Contents, load_agreements
from families_first.governance.home import Home
from families_first.governance.parcels.manifest import Manifest, parse_manifest
from families_first.governance.parcels.opening import TABLE
from families_first.governance.vault import DatasetInfo, Vault, locked_connection
from families_first.linkage.columns import COUNCIL, FAMILY_KEY, ROW_KEY, check_identifiers_alone


@dataclass(frozen=True, slots=True)
class Received:
    """One owner's split: its identifiers parcel in the vault, and the agreement under which it came."""

    owner: str
    dataset: DatasetInfo
    manifest: Manifest
    agreement: Agreement

    @property
    def serial(self) -> str:
        """The parcel's serial."""
        return self.manifest.serial

    @property
    def split(self) -> str:
        """The id of the split, by which research knows the payload that belongs to it; empty for none."""
        return (self.manifest.splits or ("",))[0]

    @property
    def made_at(self) -> datetime:
        """When the owner sealed it, UTC."""
        return self.manifest.made_at


def agreements_of(home: Home, project: str) -> dict[str, Agreement]:
    """Return the agreements of a project by owner id.

    Raises
    ------
    UserError
        AGREEMENT, when a file is faulty, two agreements are for one owner, or none is for the council;
        NOT_FOUND, when no agreement is of this project.
    """
    found: dict[str, Agreement] = {}
    others = set()
    for each in load_agreements(home.agreements).values():
        if each.study is None:
            continue
        if each.study.project != project:
            others.add(each.study.project)
            continue
        if each.study.owner in found:
            raise UserError(
                f"Two agreements are for the records of {each.study.owner} in this project: "
                f"{found[each.study.owner].id} and {each.id}",
                where=project,
                fix="Take the one that does not hold out of agreements/.",
                code=ExitCode.AGREEMENT,
            )
        found[each.study.owner] = each
    if not found:
        raise UserError(
            f"No agreement of this home is of the project '{project}'",
            where="agreements",
            fix=f"Projects here are: {', '.join(sorted(others)) or 'none'}. Name one of them, or put the "
            "agreements of this project into agreements/.",
            code=ExitCode.NOT_FOUND,
        )
    if COUNCIL not in found:
        raise UserError(
            "No agreement of this project is for the council's records, and all are linked to its people",
            where=project,
            fix="Put the council's agreement into agreements/.",
            code=ExitCode.AGREEMENT,
        )
    return found


def lapsed(agreements: Mapping[str, Agreement], owners: Iterable[str], *, on: date) -> UserError | None:
    """Return the refusal where the agreement of any of these owners is not in force on a day."""
    over = sorted(agreements[owner].id for owner in owners if not agreements[owner].in_force(on))
    if not over:
        return None
    return UserError(
        f"These agreements are not in force on {on:%d %B %Y}: {', '.join(over)}",
        where="agreements",
        fix="Nothing was linked. Have the agreements extended, or destroy what came under them: "
        "`families-first study destroy-identifiers`.",
        code=ExitCode.AGREEMENT,
    )


def received_by(
    vault: Vault, agreements: Mapping[str, Agreement], wanted: Mapping[str, str], *, latest: bool
) -> dict[str, Received]:
    """Return the split of each owner wanted, by owner id.

    Parameters
    ----------
    wanted
        The owners, each with the serial that the plan names; empty where it names none.
    latest
        Where an owner sent more than one split, take the one that it sealed last.

    Raises
    ------
    UserError
        NOT_FOUND, when an owner's split is not here; REFUSED, when there are several and nobody chose, or one
        holds more than identifiers; AGREEMENT, when one came under an agreement that is not here any more.
    """
    splits = _splits(vault, agreements)
    missing = sorted(owner for owner in wanted if not splits.get(owner))
    if missing:
        raise UserError(
            f"No split of these owners is in the vault: {', '.join(missing)}",
            where=vault.home.root.name,
            fix="Open their parcels (`families-first parcel open`), or wait for them. To link without an "
            "owner, name the others under [owners] in the plan; without the council nobody can be linked.",
            code=ExitCode.NOT_FOUND,
        )
    found = {}
    for owner, serial in wanted.items():
        found[owner] = _the_one(owner, splits[owner], serial, latest=latest)
        names = [column.name for column in found[owner].manifest.columns_for(vault.home.name)]
        check_identifiers_alone(names, where=found[owner].serial)
    return found


def rows_of(vault: Vault, received: Received) -> pa.Table:
    """Return the rows of a split.

    Raises
    ------
    UserError
        BAD_FILE, when a row key is missing or stands there twice, or the council has sent no rows or names
        no families.
    """
    rows = vault.read(received.dataset, TABLE)
    keys = rows[ROW_KEY]
    twice = rows.num_rows - keys.null_count - _distinct(keys)
    if keys.null_count or twice:
        raise UserError(
            f"In the split of {received.owner} {keys.null_count:,} rows have no row key, and {twice:,} have "
            "one that stands there already",
            where=received.serial,
            fix="Nothing was linked: nobody could say whose payload is whose. Ask the owner for a new split.",
            code=ExitCode.BAD_FILE,
        )
    if received.owner == COUNCIL and rows.num_rows == 0:
        raise UserError(
            "The council's split has no rows, so there is nobody to link anybody to",
            where=received.serial,
            fix="Ask the council for a new split.",
            code=ExitCode.BAD_FILE,
        )
    if received.owner == COUNCIL and FAMILY_KEY not in rows.column_names:
        raise UserError(
            f"The council's rows do not say who is of one family: there is no column {FAMILY_KEY}",
            where=received.serial,
            fix="Have the agreement list it, and ask the council for a new split.",
            code=ExitCode.BAD_FILE,
        )
    return rows


def _distinct(keys: pa.ChunkedArray) -> int:
    with locked_connection({"rows": pa.table({ROW_KEY: keys})}) as con:
        return int(con.execute(f"SELECT count(DISTINCT {ROW_KEY}) FROM rows").fetchall()[0][0])


def manifest_of(dataset: DatasetInfo) -> Manifest:
    """Return the manifest of a parcel in the vault, whose signature was checked when it was opened.

    Raises
    ------
    ParcelRefusedError
        When it cannot be relied on.
    """
    text = str(dataset.about["manifest"]).rpartition("\n\n")[0] + "\n"
    return parse_manifest(text, where=dataset.name)


def _splits(vault: Vault, agreements: Mapping[str, Agreement]) -> dict[str, list[Received]]:
    by_id = {each.id: (owner, each) for owner, each in agreements.items()}
    known = load_agreements(vault.home.agreements)
    found: dict[str, list[Received]] = {}
    stray = []
    for dataset in vault.list("parcel"):
        manifest = manifest_of(dataset)
        share = manifest.recipient(vault.home.name)
        if share is None or share.contents is not Contents.IDENTIFIERS:
            continue
        if manifest.agreement.id not in known:
            stray.append(f"{manifest.serial} under {manifest.agreement.id}")
        elif manifest.agreement.id in by_id:
            owner, agreement = by_id[manifest.agreement.id]
            found.setdefault(owner, []).append(Received(owner, dataset, manifest, agreement))
    if stray:
        raise UserError(
            f"Nobody can say of which project these parcels are, because their agreements are not here any "
            f"more: {', '.join(stray)}",
            where="agreements",
            fix="Put the agreements back; to be rid of the parcels, then destroy the identifiers of their "
            "project.",
            code=ExitCode.AGREEMENT,
        )
    return found


def _the_one(owner: str, splits: list[Received], serial: str, *, latest: bool) -> Received:
    if serial:
        for each in splits:
            if each.serial == serial:
                return each
        raise UserError(
            f"The plan names a parcel of {owner} that is not here",
            where=serial,
            fix=f"Here are: {', '.join(each.serial for each in splits)}.",
            code=ExitCode.NOT_FOUND,
        )
    if len(splits) == 1:
        return splits[0]
    newest = max(splits, key=lambda each: each.made_at)
    if latest:
        return newest
    told = ", ".join(
        f"{each.serial} of {each.made_at:%d %B %Y %H:%M}" for each in sorted(splits, key=lambda s: s.made_at)
    )
    raise UserError(
        f"{owner} sent {len(splits)} splits, and the row keys of each are of that split alone: {told}",
        where=owner,
        fix="Ask the owner which one holds, and that research opens the payload of the same. Then name it as "
        + ("`council_parcel`" if owner == COUNCIL else f"`parcel` under [owners.{owner}]")
        + " in the plan, or take the newest with --latest.",
        code=ExitCode.REFUSED,
    )
