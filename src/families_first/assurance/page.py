"""The page for people: the notice itself, with how each promise stands beside its sentence."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup, escape

from families_first.assurance.checks import CHECKS
from families_first.assurance.evidence import Evidence
from families_first.assurance.notice_text import blocks_of
from families_first.assurance.verdicts import HOLDS_SO_FAR, NEXT, Verdict
from families_first.governance.promises import Promise, PromiseRegister

MEANINGS = {
    Verdict.HOLDS: "Every check of this promise tried to break it, not long ago, and none could.",
    Verdict.BROKEN: "At least one attempt to break this promise got through. Somebody must act now.",
    Verdict.OUT_OF_DATE: "A check of this promise has not run for longer than its proof counts, or since "
    "what it rests on (the program, the access policy, the home's own files) was changed, or never.",
    Verdict.CANNOT_TELL: "A check could not do its work. That is not a pass.",
    Verdict.MISSING: "Part of what this promise needs is not built yet, so nobody can claim that it holds.",
}


def render_page(register: PromiseRegister, evidence: Evidence, *, made_up: bool) -> str:
    """Return the page as self-contained HTML, without script or outside request. It names nobody.

    Parameters
    ----------
    register, evidence
        The promises, and how each stands.
    made_up
        Whether the homes that were examined are made up; the page then says so at its top.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("families_first.assurance"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["slug"] = lambda verdict: verdict.replace(" ", "-")
    environment.filters["day"] = _day
    environment.filters["moment"] = _moment
    environment.filters["breakable"] = _breakable
    style = jinja2.PackageLoader("families_first.assurance").get_source(environment, "assurance.css")[0]
    return environment.get_template("assurance.html.j2").render(
        style=style,
        notice=register.notice,
        blocks=blocks_of(register),
        evidence=evidence,
        standing={each.promise.id: each for each in evidence.standings},
        told=_told_in_full(evidence),
        holds_so_far=HOLDS_SO_FAR,
        next=NEXT,
        meanings=MEANINGS,
        verdicts=list(Verdict),
        tries={name: each.tries for name, each in CHECKS.items()},
        gaps=evidence.count(Verdict.MISSING),
        made_up=made_up,
    )


def _told_in_full(evidence: Evidence) -> dict[str, Promise]:
    """Return the promise under which each check is told in full: the first that it stands under."""
    told: dict[str, Promise] = {}
    for each in evidence.standings:
        for shown in each.checks:
            told.setdefault(shown.check, each.promise)
    return told


def _day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"


def _moment(value: datetime) -> str:
    local = value.astimezone(ZoneInfo("Europe/London"))
    return f"{_day(local)} at {local:%H:%M}"


def _breakable(address: str) -> Markup:
    """Let a long address break after its slashes and hyphens, so that it fits a telephone."""
    shown = str(escape(address)).replace("/", "/<wbr>").replace("-", "-<wbr>")
    return Markup(shown)  # noqa: S704 - escaped a line above
