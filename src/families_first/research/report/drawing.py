"""Charts of the report as SVG: Vega-Lite specifications drawn without a network or a browser.

Colours are of the Okabe and Ito set (2008), told apart with any colour vision; no chart says anything by
colour alone, and each carries its title, its description and its numbers as a table.
"""

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BLUE, ORANGE, GREEN, GREY, INK = "#0072b2", "#d55e00", "#00735c", "#6f777b", "#1d2327"
FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"

Spec = dict[str, Any]
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: ``svg`` with ``title`` and ``description`` inside it, and its numbers as a table.

    ``key`` are the marks that it uses and what each means, for the line beneath it.
    """

    title: str
    description: str
    svg: str
    columns: Row
    rows: tuple[Row, ...]
    key: tuple[tuple[str, str], ...] = ()


def draw(
    spec: Mapping[str, Any],
    *,
    title: str,
    description: str,
    columns: Row,
    rows: Sequence[Row],
    key: Sequence[tuple[str, str]] = (),
) -> Chart:
    """Draw a specification."""
    import vl_convert  # noqa: PLC0415 - loads a JavaScript engine, which only drawing needs

    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 4},
        "config": {
            "font": FONT,
            "axis": {
                "labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal", "labelColor": INK,
                "titleColor": INK, "labelLimit": 420, "gridColor": "#e3e7ea", "domainColor": "#b8c1c7",
                "tickColor": "#b8c1c7",
            },
            "text": {"fontSize": 13, "color": INK},
            "view": {"stroke": None},
        },
    } | dict(spec)  # fmt: skip
    svg = _named(_with_own_ids(vl_convert.vegalite_to_svg(whole), title), title, description)
    return Chart(title, description, svg, columns, tuple(rows), tuple(key))


def axis(field: str, title: str | None, **more: Any) -> Spec:
    """Return the encoding of a number on an axis, which need not begin at 0."""
    return {"field": field, "type": "quantitative", "title": title, "scale": {"zero": False}} | more


def split_labels(step: int = 2) -> Spec:
    """Return an axis whose labels are broken into lines at ``|``."""
    return {
        "labelExpr": "split(datum.label, '|')",
        "labelLineHeight": 15,
        "labelBaseline": "middle",
        "ticks": False,
        "domain": False,
        "labelPadding": 8 * step,
    }


def _with_own_ids(svg: str, title: str) -> str:
    """Let the ids of several drawings on one page not meet."""
    own = hashlib.sha256(f"{title}{len(svg)}{svg[-400:]}".encode()).hexdigest()[:8]
    return re.sub(r'(id="|url\(#)((?:clip|gradient)[^")]*)', rf"\g<1>{own}-\g<2>", svg)


def _named(svg: str, title: str, description: str) -> str:
    opening, rest = svg.split(">", 1)
    words = f"<title>{html.escape(title)}</title><desc>{html.escape(description)}</desc>"
    return f'{opening} role="img">{words}{rest}'
