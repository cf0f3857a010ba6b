"""A made-up family that is planted in a made-up home, and the search for it in places where it must
not be."""

import base64
import csv
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

SURNAME, NINO, ADDRESS = "Zyxmarkersurname", "QQ999123C", "77 Markerbury Parade"
MARKERS = (SURNAME, NINO, ADDRESS)

FILE = "dwp_benefits_planted.csv"
MAPPING = "dwp-benefits"

_ROW: Mapping[str, str] = {
    "Claim ref": "planted-1",
    "NINO": NINO,
    "Claimant surname": SURNAME,
    "Claimant forename": "Planted",
    "Claimant DOB": "1985-02-03",
    "Claimant sex": "F",
    "Address line 1": ADDRESS,
    "Postcode": "",
    "Benefit": "JSA",
    "Award start": "2026-01-05",
    "Award end": "",
    "Partner surname": "",
    "Partner forename": "",
    "Partner DOB": "",
    "Child 1 forename": "Child",
    "Child 1 surname": SURNAME,
    "Child 1 DOB": "2017-06-07",
    **{f"Child {number} {column}": "" for number in (2, 3, 4) for column in ("forename", "surname", "DOB")},
}
COLUMNS = tuple(_ROW)


def plant(folder: Path, *, further: Sequence[str] = (), without: Sequence[str] = ()) -> Path:
    """Write the made-up family as the made-up DWP would send it; returns the file.

    ``further`` are columns beyond those agreed, ``without`` columns that are left out.
    """
    row = {name: value for name, value in _ROW.items() if name not in without} | dict.fromkeys(further, "x")
    path = folder / FILE
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)
    return path


def found_in(root: Path, *, beside: Sequence[Path] = ()) -> tuple[int, list[str]]:
    """Search every file and name under a folder; returns how many files, and where a marker was found.

    Markers are looked for as they are, in capitals and small letters, in UTF-16, in hexadecimal and in
    base64. ``beside`` are folders that are passed over.
    """
    forms = {form for marker in MARKERS for form in _forms(marker)}
    searched, found = 0, []
    for path in sorted(root.rglob("*")):
        if any(path.is_relative_to(other) for other in beside):
            continue
        if path.is_file():
            searched += 1
            content = path.read_bytes()
            if any(form in content for form in forms):
                found.append(f"{path.parent.name}/{path.name} holds a planted value in the clear")
        if any(marker.lower() in path.name.lower() for marker in MARKERS):
            found.append(f"a name in {path.parent.name}/ tells a planted value")
    return searched, found


def _forms(marker: str) -> Iterator[bytes]:
    for text in (marker, marker.upper(), marker.lower()):
        yield text.encode()
        yield text.encode("utf-16-le")
        yield text.encode().hex().encode()
        for shift in range(3):  # base64 of a text looks otherwise at each place modulo three
            yield base64.b64encode(b"\0" * shift + text.encode())[4 if shift else 0 : -4]


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Have every temporary file of this process made in a folder while the block runs."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    try:
        yield
    finally:
        tempfile.tempdir = None
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
