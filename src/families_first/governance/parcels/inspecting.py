"""Inspecting: what a parcel says of itself, who signed it, and whether this home could open it."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from families_first.governance.desk import Desk
from families_first.governance.identity import ensure_identity
from families_first.governance.parcels.container import ParcelFile, read_parcel_file
from families_first.governance.parcels.manifest import Column, Manifest
from families_first.governance.parcels.opening import (
    OPENING,
    agreement_of,
    check_released,
    check_serial,
    route_of,
)
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason
from families_first.governance.parcels.releases import groups_open, release_for
from families_first.governance.parcels.routes import refusals_logged, route_is_open
from families_first.governance.parcels.trust import check_recipient, check_sender

INSPECTING = "inspect-parcel"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What can be told of a parcel without opening it.

    Attributes
    ----------
    manifest
        What it says of itself.
    signed_by
        The name on the signature.
    signature_holds
        Whether a partner of this home signed it; None where no home was asked.
    why_not
        Why this home could not open it now; empty where it could, None where no home was asked. The body is
        looked at only at the opening.
    columns
        The columns that this home would get now; none where it could not open it.
    """

    manifest: Manifest
    signed_by: str
    signature_holds: bool | None = None
    why_not: str | None = None
    columns: tuple[Column, ...] = ()


def inspect_parcel(path: Path, desk: Desk | None = None) -> Inspection:
    """Read a parcel's manifest; with a desk, judge the parcel as the desk's home would.

    Raises
    ------
    UserError
        PARCEL, when the file has not the form of a parcel; REFUSED, when the person may not ask this home.
    """
    if desk is None:
        parcel = read_parcel_file(path)
        return Inspection(parcel.manifest, parcel.signed_by)
    own = ensure_identity(desk.home)
    with refusals_logged(desk, INSPECTING, "unreadable"):
        parcel = read_parcel_file(path)
    manifest = parcel.manifest
    with refusals_logged(desk, INSPECTING, manifest.serial), contextlib.ExitStack() as stack:
        try:
            sender = check_sender(desk.home, parcel)
            recipient = check_recipient(desk.home, parcel)
        except ParcelRefusedError as refusal:
            trusted = refusal.reason not in (Reason.SENDER, Reason.SIGNATURE)
            return Inspection(manifest, parcel.signed_by, trusted, refusal.what)
        route = route_of(manifest, sender, own, recipient)
        stack.enter_context(desk.act(INSPECTING, route))
        if route_is_open(desk, OPENING, route):
            why_not, columns = _judged(desk, parcel)
        else:
            why_not, columns = "The access policy does not let you open it in this home", ()
        return Inspection(manifest, parcel.signed_by, True, why_not, columns)


def _judged(desk: Desk, parcel: ParcelFile) -> tuple[str, tuple[Column, ...]]:
    """Return what stands against an opening, empty where nothing does, and the columns that it would give."""
    found = agreement_of(desk, parcel)
    if isinstance(found, ParcelRefusedError):
        return found.what, ()
    home, manifest = desk.home, parcel.manifest
    try:
        release = release_for(home, manifest) if manifest.locked else None
        columns = manifest.columns_for(home.name, groups_open(home, manifest, release))
        check_serial(home, parcel, locked=columns != manifest.columns_for(home.name))
        check_released(home, manifest, release, columns, parcel.path.name)
    except ParcelRefusedError as refusal:
        return refusal.what, ()
    return "", columns
