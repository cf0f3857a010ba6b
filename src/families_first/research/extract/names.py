"""How the datasets of a study are called in the vault of a research home."""

from typing import Final

from families_first.research.extract.studies import SINCE

SPINE: Final = "spine"
LINKED: Final = "linked"
EXTRACT: Final = "extract"
OUTCOMES: Final = "outcomes"
"""Kinds of dataset."""

ROWS = "rows"
LINKS_TABLE = "links"
KEYS_TABLE = "keys"
QUALITY_TABLE = "quality"


def links_name(project: str) -> str:
    """Return the name of the dataset of candidate links of a project."""
    return f"{project}.links"


def quality_name(project: str) -> str:
    """Return the name of the dataset of how good the links are."""
    return f"{project}.linkage-quality"


def section_name(project: str, owner: str, section: str, part: str) -> str:
    """Return the name of the dataset of one part of one section of one owner."""
    return f"{project}.{owner}-{section}{'-since' if part == SINCE else ''}"
