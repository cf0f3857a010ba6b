"""Parcels: the one way in which data passes between homes. Signed, encrypted, agreed, logged, opened once."""

from families_first.governance.agreements import Contents
from families_first.governance.parcels.inspecting import Inspection, inspect_parcel
from families_first.governance.parcels.manifest import Column, Group, Manifest, Recipient
from families_first.governance.parcels.opening import OpenedParcel, ParcelRows, open_parcel, reading_parcel
from families_first.governance.parcels.partners import add_partner, fingerprint_of
from families_first.governance.parcels.refusals import ParcelRefusedError, Reason
from families_first.governance.parcels.sealing import Addressee, ColumnGroup, SealedParcel, seal_parcel

__all__ = [
    "Addressee",
    "Column",
    "ColumnGroup",
    "Contents",
    "Group",
    "Inspection",
    "Manifest",
    "OpenedParcel",
    "ParcelRefusedError",
    "ParcelRows",
    "Reason",
    "Recipient",
    "SealedParcel",
    "add_partner",
    "fingerprint_of",
    "inspect_parcel",
    "open_parcel",
    "reading_parcel",
    "seal_parcel",
]
