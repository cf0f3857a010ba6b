"""Three made-up homes that trust each other, an agreement, and rows, for tests of parcels."""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE, ensure_identity, signer_of
from families_first.governance.notes import Signer, sign_note
from families_first.governance.parcels import Addressee, ColumnGroup, Contents, SealedParcel, seal_parcel
from families_first.governance.parcels.container import ending, read_parcel_file
from families_first.governance.parcels.manifest import Manifest
from families_first.governance.purposes import Purpose
from made_up_desk import open_desk

COUNCIL, LINKAGE, RESEARCH = "council.exampleshire", "linkage.exampleton-linker", "research.madeup-university"
TITLES = {"council": "Exampleshire", "linkage": "Exampleton Linker", "research": "Madeup University"}
ROLES = {"council": "data-lead", "linkage": "linker", "research": "researcher"}

ROWS = pa.table(
    {
        "row_key": [901, 902, 903],
        "surname": ["Zyxmarkersurname", "Made-Up", None],
        "nino": ["QQ999123C", None, "QQ999124C"],
        "exclusions": [2, 0, None],
    }
)

AGREEMENT = """
id = "study-2026"
title = "Whether the programme works"
made_up = true
purposes = ["research"]
in_force_from = 2020-01-01
in_force_to = {until}
review_on = 2020-06-30
retention_class = "programme-2026"
row_key = "row_key"

[[parties]]
name = "Exampleshire"
role = "controller"

[[parties]]
name = "Exampleton Linker"
role = "processor"

[[parties]]
name = "Madeup University"
role = "controller"

[gateway]
tag = "DEA64"
name = "Research"
provision = "Digital Economy Act 2017, section 64"

[files.identifiers]
contents = "identifiers"
recipient = "Exampleton Linker"

[files.identifiers.columns]
row_key = "Joins what the linker finds to the payload"
surname = "Finds the person in the national records"
nino = "Finds the person in the national records"

[files.payload]
contents = "payload"

[files.payload.columns]
row_key = "Joins what the linker finds to the payload"
exclusions = "An outcome that the protocol names"

[files.spine]
contents = "spine"

[files.spine.columns]
row_key = "Joins what the linker finds to the payload"
pseudonym = "Stands for the person in the study"
"""

SPLIT = (
    ColumnGroup("row-key", ("row_key",), (LINKAGE, RESEARCH)),
    ColumnGroup("identifiers", ("surname", "nino"), (LINKAGE,)),
    ColumnGroup("payload", ("exclusions",), (RESEARCH,)),
)
TO_BOTH = (Addressee(LINKAGE, Contents.IDENTIFIERS), Addressee(RESEARCH, Contents.PAYLOAD))


@dataclass(frozen=True)
class Circle:
    """Three homes that know each other, with a desk in each."""

    council: Desk
    linkage: Desk
    research: Desk

    def send(self, **changes: object) -> SealedParcel:
        """Seal the rows for linkage and research, or as ``changes`` say."""
        table = changes.pop("table", ROWS)
        given = {
            "schema": table.schema,
            "agreement": "study-2026",
            "to": TO_BOTH,
            "groups": SPLIT,
            **changes,
        }
        return seal_parcel(self.council, table.to_batches(), **given)


def circle_in(root: Path, *, until: date = date(2099, 12, 31), text: str = AGREEMENT) -> Circle:
    """Make the three homes in a folder."""
    homes = {zone: Home.create(root / zone, zone=zone, title=title) for zone, title in TITLES.items()}
    for home in homes.values():
        (home.agreements / "study.toml").write_text(text.format(until=until.isoformat()), encoding="utf-8")
        name = ensure_identity(home).name
        for other in homes.values():
            if other is not home:
                shutil.copy(home.root / IDENTITY_FILE, other.partners / f"{name}.toml")
    return circle_at(root)


def circle_at(root: Path, **options: object) -> Circle:
    """Return the desks of three homes that are there already; ``options`` as for ``open_desk``."""
    return Circle(
        **{
            zone: open_desk(Home.open(root / zone), role, purpose=Purpose.RESEARCH, **options)
            for zone, role in ROLES.items()
        }
    )


def resealed(
    path: Path,
    to: Path,
    *,
    by: Home | Signer,
    body: bytes | None = None,
    change: Callable[[Manifest], Manifest] = lambda manifest: manifest,
) -> Path:
    """Write a parcel whose manifest (with the hash of another body) was signed anew, as a forger would."""
    parcel = read_parcel_file(path)
    content = parcel.body.to_pybytes() if body is None else body
    told = parcel.manifest.body.model_copy(
        update={"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    )
    manifest = change(parcel.manifest.model_copy(update={"body": told}))
    signer = by if isinstance(by, Signer) else signer_of(by)
    to.write_bytes(content + ending(sign_note(manifest.text(), signer)))
    return to


def refusals_in_log(desk: Desk) -> list[str]:
    """Return the reasons of the refusals in a home's log, oldest first; the policy's stand as ``policy``."""
    return [reason for entry in desk.log.entries() for reason in _reasons(entry)]


def _reasons(entry: object) -> Iterable[str]:
    event = entry.event
    if event.outcome in ("refused", "failed"):
        yield str(event.details.get("reason", "policy"))
