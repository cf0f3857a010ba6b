"""``families-first deliveries``: try a file, land it, and see how each feed is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from families_first.cli.options import (
    HERE,
    AsOption,
    HomeOption,
    JsonOption,
    OnOption,
    day_or_today,
    desk_at,
)
from families_first.cli.output import Sheet, counted, emit
from families_first.cli.progress import progress
from families_first.errors import ExitCode, UserError

if TYPE_CHECKING:
    from families_first.council.deliveries import DeliveryReport, SourceMapping
    from families_first.governance.agreements import Agreement

_FAULTS_SHOWN = 10

AgreementOption = Annotated[
    str,
    Parameter(
        name="--agreement",
        help="The agreement's id in the home, or its file; the one that the mapping quotes when not given.",
    ),
]
MappingOption = Annotated[
    str,
    Parameter(
        name="--mapping",
        help="The mapping's id in the home, or its file; the one that knows the file's name when not given.",
    ),
]

app = App(name="deliveries", help="Check and land what agencies send, and see each feed's health.")


@app.command
def check(
    file: Path,
    /,
    *,
    agreement: AgreementOption = "",
    mapping: MappingOption = "",
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> int:
    """Say what landing a file would do, without keeping anything of it.

    Parameters
    ----------
    file
        A file as the agency sent it.
    """
    from families_first.council.deliveries import check_delivery

    source_mapping = find_mapping(mapping, home, file)
    agreed = find_agreement(agreement or source_mapping.content.mapping.agreement, home)
    desk = desk_at(home, as_)
    with progress(f"Checking {file.name}") as steps:
        report = check_delivery(
            file, source_mapping, agreed, desk, on=day_or_today(on), progress=steps.advance
        )
    emit(report.as_dict(), json=json, show=_shown(report, "would land"))
    return ExitCode.QUARANTINE_LIMIT if report.refused else ExitCode.OK


@app.command
def land(
    place: Path,
    /,
    *,
    agreement: Annotated[
        str,
        Parameter(
            name="--agreement",
            help="The agreement's id in the home; the one that the mapping quotes when not given.",
        ),
    ] = "",
    mapping: Annotated[
        str,
        Parameter(
            name="--mapping",
            help="The mapping's id in the home; the one that knows the file's name when not given.",
        ),
    ] = "",
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> int:
    """Land a file, or each file of a folder; each lands whole or not at all.

    A refused file does not hold up the others of a folder; the exit code is that of the first refusal.

    Parameters
    ----------
    place
        A file as the agency sent it, or a folder of such files.
    """
    from families_first.council.deliveries import land_delivery

    for name, what in ((agreement, "agreement"), (mapping, "mapping")):
        if Path(name).suffix == ".toml":
            raise UserError(
                f"What lands, lands under the home's own {what}s alone",
                where=Path(name).name,
                fix=f"Put the file into the home's {what}s/, where everybody sees it, and name its id; "
                "`deliveries check` tries one from anywhere.",
                code=ExitCode.USAGE,
            )
    desk = desk_at(home, as_)
    landed: list[DeliveryReport] = []
    refused: list[tuple[str, UserError]] = []
    for file in _files_of(place):
        try:
            source_mapping = find_mapping(mapping, home, file)
            agreed = find_agreement(agreement or source_mapping.content.mapping.agreement, home)
            with progress(f"Landing {file.name}") as steps:
                report = land_delivery(
                    file, source_mapping, agreed, desk, on=day_or_today(on), progress=steps.advance
                )
            landed.append(report)
        except UserError as error:
            if place.is_file():
                raise
            refused.append((file.name, error))
    emit(
        {
            "landed": [report.as_dict() for report in landed],
            "refused": [{"file": name, **error.as_dict()} for name, error in refused],
        },
        json=json,
        show=[
            *(line for report in landed for line in _shown(report, "landed")),
            *(f"{name} was refused: {error}" for name, error in refused),
        ],
    )
    return int(refused[0][1].code) if refused else 0


@app.command
def health(
    *, home: HomeOption = HERE, as_: AsOption = "", on: OnOption = None, json: JsonOption = False
) -> None:
    """Say of each feed how fresh, complete and steady it is, before anybody reads anything into silence."""
    from families_first.council.deliveries.health import feed_health
    from families_first.council.resources import RECORDS
    from families_first.governance.vault import Vault

    with desk_at(home, as_).act("view-feeds", RECORDS) as act:
        feeds = feed_health(Vault(act), day_or_today(on))
    emit(
        {"feeds": [feed.as_dict() for feed in feeds]},
        json=json,
        show=[
            Sheet(
                [
                    "Source",
                    "Mapping",
                    "State",
                    "Days since",
                    "Rows",
                    "Landed",
                    "Rows against the time before",
                    "Without identifier",
                ],
                [
                    [
                        feed.source,
                        feed.mapping,
                        feed.freshness.value,
                        feed.days_since,
                        feed.rows,
                        _percent(feed.coverage),
                        _percent(feed.row_change, sign=True),
                        ", ".join(
                            f"{name} {_percent(share)}"
                            for name, share in (feed.missing_identifiers or {}).items()
                        ),
                    ]
                    for feed in feeds
                ],
            )
            if feeds
            else "There is no mapping here, so there are no feeds."
        ],
    )


def find_mapping(name: str, home: Path, file: Path) -> "SourceMapping":
    """Return the mapping named, or the one of the home that knows the file's name."""
    from families_first.council.deliveries import load_mapping, load_mappings, mapping_for
    from families_first.governance.home import Home

    if Path(name).suffix == ".toml":
        return load_mapping(Path(name))
    mappings = load_mappings(Home.open(home).mappings)
    if not name:
        return mapping_for(file.name, mappings)
    if name in mappings:
        return mappings[name]
    raise UserError(
        f"There is no mapping '{name}' in this home",
        where="mappings",
        fix=f"Use one of: {', '.join(mappings)}." if mappings else "Put one into the folder.",
        code=ExitCode.BAD_MAPPING,
    )


def find_agreement(name: str, home: Path) -> "Agreement":
    """Return the agreement of a file, or of that id in the home."""
    from families_first.cli.agreements import named
    from families_first.governance.agreements import load_agreement, load_agreements
    from families_first.governance.home import Home

    if Path(name).suffix == ".toml":
        return load_agreement(Path(name))
    return named(load_agreements(Home.open(home).agreements), name)


def _percent(share: float | None, *, sign: bool = False) -> str | None:
    if share is None:
        return None
    return f"{share:+.0%}" if sign else f"{share:.0%}"


def _files_of(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(path for path in place.iterdir() if path.is_file() and not path.name.startswith("."))
    return [place]


def _shown(report: "DeliveryReport", verb: str) -> list[str | Sheet]:
    if report.already_landed:
        return [f"{report.file} landed before; nothing has changed."]
    if report.refused:
        return [f"{report.file} would be refused: {report.refused}.", *_faults_shown(report)]
    lines: list[str | Sheet] = [
        f"{report.file} ({report.mapping}): {report.landed:,} of {counted(report.rows, 'row')} {verb}, "
        f"{report.quarantined_rows:,} quarantined, {counted(report.values_set_aside, 'value')} set aside."
    ]
    lines += [f"  {table}: {count:,}" for table, count in report.tables.items()]
    lines += [f"  Note: {note}" for note in report.notes]
    if report.columns_added or report.columns_gone:
        lines.append(
            "  Since the last delivery: "
            + "; ".join(
                f"{what} {', '.join(columns)}"
                for what, columns in (("new", report.columns_added), ("gone", report.columns_gone))
                if columns
            )
        )
    lines += _faults_shown(report)
    if report.quarantine_file:
        lines.append(f"  For the sender: outbox/{report.quarantine_file}")
    return lines


def _faults_shown(report: "DeliveryReport") -> Sequence[str | Sheet]:
    """Show the first faults by line, without any value."""
    faults = report.quarantine
    if not faults.num_rows:
        return []
    line, field, _, code, reason, fix, _ = faults.column_names[-7:]
    rows = faults.slice(0, _FAULTS_SHOWN).select([line, field, code, reason, fix]).to_pylist()
    sheet = Sheet(["Line", "Column", "Code", "Why", "How to fix"], [list(row.values()) for row in rows])
    more = faults.num_rows - len(rows)
    return [sheet, f"  and {more:,} more"] if more else [sheet]
