"""A family as a picture: adults in one row, children below, a line for each tie with its reason.

The drawing is plain SVG made here: a family has few members, and a drawing of our own can be tested and needs
no system program. The same facts stand in a list beneath it, so nobody depends on the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_BOX_WIDTH = 190
_BOX_HEIGHT = 66
_GAP = 26
_ROW_GAP = 74
_MARGIN = 14
_LABEL_LIMIT = 24

CHILD_ROLES = frozenset({"child"})


@dataclass(frozen=True, slots=True)
class DrawnMember:
    """One box: ``label`` is who, ``role`` the role in the family, ``note`` a second line such as an age."""

    person_id: str
    label: str
    role: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class DrawnTie:
    """One line between two members; ``reason`` says why it is there, ``dashed`` marks who lives elsewhere."""

    person_a: str
    person_b: str
    reason: str
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    x: float
    y: float

    @property
    def middle(self) -> float:
        return self.x + _BOX_WIDTH / 2


def draw_family(members: Sequence[DrawnMember], ties: Sequence[DrawnTie], *, title: str) -> str:
    """Return an ``<svg>`` element of the family.

    Parameters
    ----------
    members
        The people of the family; children are those whose role is in :data:`CHILD_ROLES`.
    ties
        Lines between them; a tie that names somebody who is not a member is left out.
    title
        Read out by screen readers in place of the picture.
    """
    adults = [member for member in members if member.role not in CHILD_ROLES]
    children = [member for member in members if member.role in CHILD_ROLES]
    widest = max(len(adults), len(children), 1)
    width = 2 * _MARGIN + widest * _BOX_WIDTH + (widest - 1) * _GAP
    rows = [row for row in (adults, children) if row]
    height = 2 * _MARGIN + len(rows) * _BOX_HEIGHT + max(len(rows) - 1, 0) * _ROW_GAP
    places = {
        member.person_id: place
        for number, row in enumerate(rows)
        for member, place in zip(row, _row_places(len(row), number, width), strict=True)
    }
    lines = "".join(
        _line(places[tie.person_a], places[tie.person_b], tie)
        for tie in ties
        if tie.person_a in places and tie.person_b in places
    )
    boxes = "".join(_box(member, places[member.person_id]) for member in members)
    return (
        f'<svg class="family-drawing" role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
        f"{lines}{boxes}</svg>"
    )


def _row_places(count: int, row: int, width: float) -> list[_Place]:
    row_width = count * _BOX_WIDTH + (count - 1) * _GAP
    left = (width - row_width) / 2
    top = _MARGIN + row * (_BOX_HEIGHT + _ROW_GAP)
    return [_Place(left + index * (_BOX_WIDTH + _GAP), top) for index in range(count)]


def _line(start: _Place, end: _Place, tie: DrawnTie) -> str:
    upper, lower = sorted((start, end), key=lambda place: (place.y, place.x))
    same_row = upper.y == lower.y
    if same_row:
        y = upper.y + _BOX_HEIGHT / 2
        path = f"M{upper.x + _BOX_WIDTH:.0f},{y:.0f}L{lower.x:.0f},{y:.0f}"
        if lower.x - upper.x > _BOX_WIDTH + _GAP + 1:
            # neighbours are joined directly; others by an arc above the row, so that no line crosses a box
            path = (
                f"M{upper.middle:.0f},{upper.y:.0f}Q{(upper.middle + lower.middle) / 2:.0f},"
                f"{upper.y - _MARGIN * 2:.0f} {lower.middle:.0f},{lower.y:.0f}"
            )
    else:
        path = f"M{upper.middle:.0f},{upper.y + _BOX_HEIGHT:.0f}L{lower.middle:.0f},{lower.y:.0f}"
    kind = "tie tie-elsewhere" if tie.dashed else "tie"
    return f'<path class="{kind}" d="{path}"><title>{escape(tie.reason)}</title></path>'


def _box(member: DrawnMember, place: _Place) -> str:
    kind = "child" if member.role in CHILD_ROLES else "adult"
    if member.role == "non_resident_parent":
        kind = "elsewhere"
    text = "".join(
        f'<text class="{style}" x="{place.middle:.0f}" y="{place.y + drop:.0f}" text-anchor="middle">'
        f"{escape(_shortened(line))}</text>"
        for style, line, drop in (
            ("who", member.label, 25),
            ("role", member.role.replace("_", " "), 42),
            ("note", member.note, 57),
        )
        if line
    )
    return (
        f'<g class="{kind}"><title>{escape(f"{member.label}, {member.role}".replace("_", " "))}</title>'
        f'<rect x="{place.x:.0f}" y="{place.y:.0f}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="6"/>'
        f"{text}</g>"
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LABEL_LIMIT else text[: _LABEL_LIMIT - 1] + "…"
