"""The draft of a report as a browser shows it: readable by everybody, and asking nothing of anyone else."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from families_first.research.analysis.findings import find
from families_first.research.report.page import render_report
from made_up_county_study import county_study

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    _, study, protocol = county_study(people=12_000, families=1_200, seed=2, true_links=True)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_report(find(study, protocol)), encoding="utf-8")
    return path.as_uri()


def opened(page, address):
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def test_the_page_meets_the_accessibility_rules(page, address):
    opened(page, address)
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


def test_the_page_asks_nothing_of_anyone_and_runs_no_script(page, address):
    asked = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(address)
    assert asked == [address]
    assert page.locator("script").count() == 0


def test_the_page_fits_a_telephone(page, address):
    page.set_viewport_size({"width": 360, "height": 800})
    opened(page, address)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_verdicts_come_first_and_are_told_in_words(page, address):
    page.goto(address)
    first = page.locator("section.headline").first
    assert first.bounding_box()["y"] < page.locator("figure").first.bounding_box()["y"]
    for tag in page.locator(".tag").all():
        assert tag.text_content().strip() in (
            "benefit", "harm", "no detectable effect", "cannot say", "difference found"
        )  # fmt: skip


def test_the_style_is_applied(page, address):
    """A style sheet that was escaped like text would lose its fonts and half of its rules."""
    page.goto(address)
    assert "Helvetica" in page.evaluate("getComputedStyle(document.body).fontFamily")
    assert page.evaluate("getComputedStyle(document.querySelector('.can > div')).borderTopStyle") == "solid"


def test_every_chart_is_drawn_within_the_page(page, address):
    page.goto(address)
    charts = page.locator("figure svg")
    assert charts.count() >= 15
    for chart in charts.all():
        box = chart.bounding_box()
        assert box["width"] > 200
        assert box["height"] > 60


def test_the_numbers_of_a_chart_open_by_keyboard(page, address):
    page.goto(address)
    summary = page.locator("figure summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("figure details table").first.is_visible()


def test_the_page_prints_without_cutting_a_verdict_from_its_figures(page, address):
    page.goto(address)
    page.emulate_media(media="print")
    inside = page.evaluate("getComputedStyle(document.querySelector('.headline')).breakInside")
    assert inside == "avoid"
