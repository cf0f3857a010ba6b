"""``families-first retention``: the records that people sign, prepared as a text."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import emit
from families_first.cli.retention import PURPOSE, SIGNED_NEXT

if TYPE_CHECKING:
    from families_first.governance.desk import Desk

ReasonOption = Annotated[
    str, Parameter(name="--reason", help="Why, in words that the public can understand.")
]
ToOption = Annotated[Path, Parameter(name="--to", help="The file to write; it is then to be signed.")]
PublishedOption = Annotated[
    str,
    Parameter(name="--published", help="Where anybody can read the reason: a page, or a minute's number."),
]
DecidedByOption = Annotated[
    str,
    Parameter(
        name="--decided-by",
        help="The senior responsible owner who decides it, an id of the staff register; whoever acts "
        "when not "
        "given.",
    ),
]
DayOption = Annotated[date, Parameter(name="--day", help="The new day of destruction, as 2033-03-31.")]


def end_programme(
    *,
    programme: Annotated[str, Parameter(help="Which programme, by its public name.")],
    ended: Annotated[date, Parameter(help="The day on which it ended, as 2027-03-31.")],
    reason: ReasonOption,
    to: ToOption,
    decided_by: DecidedByOption = "",
    class_: Annotated[
        tuple[str, ...],
        Parameter(name="--class", negative="", help="A retention class of it; all when not given."),
    ] = (),
    corrects: Annotated[
        str, Parameter(help="The register's file of the decision that this one corrects.")
    ] = "",
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Prepare the decision that a programme has ended, for the senior responsible owner to sign."""
    from families_first.governance.retention.deciding import prepare_programme_end

    desk = desk_at(home, as_, PURPOSE)
    text = prepare_programme_end(
        desk.home,
        programme=programme,
        ended=ended,
        reason=reason,
        decided_by=decided_by or desk.person.id,
        decided_on=desk.today,
        classes=class_,
        corrects=_hash_of(desk, corrects),
    )
    _write_for_signing(to, text, json=json)


def extend(
    class_id: str,
    /,
    *,
    day: DayOption,
    reason: ReasonOption,
    published: PublishedOption,
    to: ToOption,
    decided_by: DecidedByOption = "",
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Prepare an extension, for the senior responsible owner and the data protection officer to sign.

    Parameters
    ----------
    class_id
        The retention class.
    """
    desk = desk_at(home, as_, PURPOSE)
    words = _Words(day, reason, published, decided_by or desk.person.id)
    _prepare_change(desk, class_id, "extension", words, to, json=json)


def bring_forward(
    class_id: str,
    /,
    *,
    day: DayOption,
    reason: ReasonOption,
    published: PublishedOption,
    to: ToOption,
    decided_by: DecidedByOption = "",
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Prepare an earlier day of destruction, for the same two to sign as sign an extension.

    Parameters
    ----------
    class_id
        The retention class.
    """
    desk = desk_at(home, as_, PURPOSE)
    words = _Words(day, reason, published, decided_by or desk.person.id)
    _prepare_change(desk, class_id, "earlier-destruction", words, to, json=json)


def sign_share_destroyed(
    class_id: str,
    share: str,
    /,
    *,
    method: Annotated[str, Parameter(help="How it was destroyed, such as: paper shredded, no copy kept.")],
    to: ToOption,
    as_: AsOption = "",
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Prepare a custodian's statement that a share of a key is destroyed, for them to sign.

    Parameters
    ----------
    class_id
        The retention class.
    share
        The id printed on the share.
    """
    from families_first.governance.retention.shares import find_share, prepare_share_statement

    desk = desk_at(home, as_, PURPOSE)
    find_share(desk.home, class_id, share, where="share")
    text = prepare_share_statement(
        desk.home.name,
        class_id,
        share=share,
        custodian=desk.person.id,
        method=method,
        destroyed_on=desk.today,
    )
    _write_for_signing(to, text, json=json)


@dataclass(frozen=True, slots=True)
class _Words:
    day: date
    reason: str
    published: str
    decided_by: str


def _prepare_change(
    desk: "Desk",
    class_id: str,
    record: Literal["extension", "earlier-destruction"],
    words: _Words,
    to: Path,
    *,
    json: bool,
) -> None:
    from families_first.governance.retention.deciding import prepare_day_change

    text = prepare_day_change(
        desk.home,
        class_id,
        record=record,
        destroy_after=words.day,
        reason=words.reason,
        published=words.published,
        decided_by=words.decided_by,
        decided_on=desk.today,
    )
    _write_for_signing(to, text, json=json)


def _write_for_signing(to: Path, text: str, *, json: bool) -> None:
    from families_first.governance.durable import write_durably

    write_durably(to, text.encode(), mode=0o644)
    emit({"file": to.name}, json=json, show=[text.rstrip("\n"), "", f"Written to {to.name}.", SIGNED_NEXT])


def _hash_of(desk: "Desk", file: str) -> str:
    from families_first.errors import ExitCode, UserError
    from families_first.governance.retention.register import read_register

    if not file:
        return ""
    for line in read_register(desk.home).lines:
        if line.file == file:
            return line.sha256
    raise UserError(
        "There is no such record in the register",
        where=file,
        fix="`families-first retention status` lists them.",
        code=ExitCode.NOT_FOUND,
    )
