"""``families-first init``: a home for an organisation, ready for its first file."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from families_first.cli.options import JsonOption
from families_first.cli.output import emit
from families_first.errors import ExitCode, UserError

if TYPE_CHECKING:
    from families_first.governance.staff import StaffMember

# Examples end in a way that nothing loads, so that a real council never reads under a made-up agreement.
EXAMPLE_SUFFIX = ".example"

# Whoever starts a home does its daily work; others are named by people, each with what they need.
_FIRST_ROLES: Mapping[str, tuple[str, ...]] = {
    "council": ("data-lead", "clerical-reviewer"),
    "linkage": ("linker",),
    "research": ("researcher",),
    "publication": ("output-checker",),
    "owner": ("data-lead",),
}

_README = """\
# {title}

This folder is a home: one organisation's place for one task. It will hold personal data. Keep it on an
encrypted disk, readable by those who need it, and out of version control.

| Folder | For |
| --- | --- |
| `staff.toml` | who works here, and as what; nobody else may do anything in it |
| `inbox/` | files as agencies sent them |
| `agreements/` | data-sharing agreements; nothing is read without one in force |
| `mappings/` | what each column of each kind of file means |
| `packs/` | criteria of your own |
| `outbox/` | rows set aside, for the sender; and the pages of results. Personal data, in the clear |
| `vault/`, `keys/` | what landed, encrypted, and the keys to it. Never edit; never in one backup together |
| `audit/` | the log of everything that was decided and done. Never edit; name two witnesses in `zone.toml` |
| `identity.toml`, `partners/` | who this home is to others, and who they are: for parcels |
| `retention/` | the signed end of the programme, and certificates of destruction |

Begin with one file:

1. Copy `agreements/schools-2026.toml{example}` without its ending and correct it to what was signed.
2. Put the file into `inbox/`, then
   `families-first mapping suggest inbox/FILE > mappings/NAME.toml`, and correct what it marks.
3. `families-first deliveries check inbox/FILE` tries it and keeps nothing.
4. `families-first identify packs` lists the criteria. `families-first run --pack NAME` lands everything,
   matches people, forms families, identifies those that meet the criteria, and writes `outbox/families.html`
   to read them in.
"""

_NOT_FOR_VERSION_CONTROL = (
    "# A home holds personal data and keys: none of it belongs in version control.\n*\n"
)


def init(
    folder: Path,
    /,
    *,
    title: Annotated[str, Parameter(help="The organisation's name; the folder's name when not given.")] = "",
    lead: Annotated[
        str,
        Parameter(
            help="The name of whoever will run it: the first person of the staff register, under the account "
            "that runs this command. The account's name when not given."
        ),
    ] = "",
    zone: Annotated[
        Literal["council", "linkage", "research", "publication", "owner"],
        Parameter(
            help="Which zone the home is for; `owner` is a data owner of a study other than the council."
        ),
    ] = "council",
    organisation_kind: Annotated[
        str,
        Parameter(
            help="What kind of organisation runs it, such as `school`; a data owner's home must say it, the "
            "others are taken to be run by the kind that is usual for the zone."
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Make an organisation's home, with a starter agreement and mapping.

    Parameters
    ----------
    folder
        Where to make it; the folder is made when it does not exist.
    """
    from families_first.governance.durable import write_durably
    from families_first.governance.home import Home
    from families_first.governance.identity import ensure_identity
    from families_first.governance.staff import write_staff
    from families_first.governance.vocabulary import vocabulary

    if organisation_kind and organisation_kind not in vocabulary().organisations:
        raise UserError(
            "There is no such kind of organisation",
            where="--organisation-kind",
            fix=f"Choose one of: {', '.join(vocabulary().organisations)}.",
            code=ExitCode.USAGE,
        )
    home = Home.create(
        folder, zone=zone, title=title or folder.resolve().name, organisation_kind=organisation_kind
    )
    identity = ensure_identity(home)
    first = first_person(lead, zone)
    write_staff(home, first)
    starters = {home.root / ".gitignore": _NOT_FOR_VERSION_CONTROL}
    if zone == "council":
        starters |= _council_starters(home.root, home.title)
    for path, text in starters.items():
        if not path.exists():
            write_durably(path, text.encode(), mode=0o644)
    written = [str(path.relative_to(home.root)) for path in starters]
    emit(
        {
            "home": home.root.name,
            "zone": home.zone,
            "title": home.title,
            "name": identity.name,
            "first_person": first.id,
            "roles": first.roles,
            "written": written,
        },
        json=json,
        show=[
            f"Made a home for {home.title} ({home.zone}) in {home.root.name}.",
            f"{first.name} may work in it as {' and '.join(first.roles)}; staff.toml says who else may.",
            "Read its README.md next." if zone == "council" else "Its agreements and keys come next.",
        ],
    )


def first_person(name: str, zone: str) -> "StaffMember":
    """Return the first person of a new home's staff register: whoever makes it."""
    import re
    import unicodedata

    from families_first.governance.staff import StaffMember, account_name

    account = account_name()
    plain = unicodedata.normalize("NFKD", name or account).encode("ascii", "ignore").decode().lower()
    return StaffMember(
        id=re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "first-person",
        name=name or account,
        roles=_FIRST_ROLES[zone],
        account=account,
    )


def _council_starters(root: Path, title: str) -> dict[Path, str]:
    agreement = files("families_first.governance.agreements") / "template.toml"
    mapping = files("families_first.cli") / "starter" / "mapping.toml"
    return {
        root / "README.md": _README.format(title=title, example=EXAMPLE_SUFFIX),
        root / "agreements" / f"schools-2026.toml{EXAMPLE_SUFFIX}": agreement.read_text(encoding="utf-8"),
        root / "mappings" / f"school-attendance.toml{EXAMPLE_SUFFIX}": mapping.read_text(encoding="utf-8"),
    }
