"""How good the links are, by group: measured, and told in a sheet that travels with the spine."""

from families_first.linkage.quality.groups import groups_of
from families_first.linkage.quality.sheet import SHEET, quality_sheet

__all__ = ["SHEET", "groups_of", "quality_sheet"]
