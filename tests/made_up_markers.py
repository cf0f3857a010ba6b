"""Values of a made-up person that stand nowhere else, to be looked for where they must not be."""

from pathlib import Path

MARKERS = ["Zyxmarkersurname", "QQ999123C", "77 Markerbury Parade"]


def files_that_tell(folder: Path) -> dict[str, list[str]]:
    """Return the markers found in any file under a folder, in UTF-8 or UTF-16, or in a file's name."""
    found: dict[str, list[str]] = {}
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for marker in MARKERS:
            forms = (
                marker.encode(),
                marker.encode("utf-16-le"),
                marker.lower().encode(),
                marker.encode().hex().encode(),
            )
            if any(form in content for form in forms) or marker in path.name:
                found.setdefault(str(path.relative_to(folder)), []).append(marker)
    return found
