"""The pages as a browser shows them: readable by everybody, and asking nothing of anyone else."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from families_first.council.demonstration import make_demo
from families_first.council.pages.demo import render_demo
from families_first.council.pages.report import render_report

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
PEOPLE = 4_000


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    demo = make_demo(folder / "demo", people=PEOPLE, seed=2)
    (folder / "index.html").write_text(render_demo(demo, people=PEOPLE), encoding="utf-8")
    report = render_report(demo.desk, demo.journey, demo.pack)
    (folder / "families.html").write_text(report, encoding="utf-8")
    return {name: (folder / name).as_uri() for name in ("index.html", "families.html")}


each_page = pytest.mark.parametrize("name", ["index.html", "families.html"])


def requests_of(page, address):
    """Open an address, and return what the page asked for in doing so."""
    asked = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.goto(address)
    return asked


@each_page
def test_the_page_meets_the_accessibility_rules(page, pages, name):
    page.goto(pages[name])
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    found = Axe().run(page, options=WCAG)
    assert found.violations_count == 0, found.generate_report()


@each_page
def test_the_page_asks_nothing_of_anyone(page, pages, name):
    asked = requests_of(page, pages[name])
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len(asked) == 1


@each_page
def test_every_nominated_family_can_be_opened_by_keyboard_and_shows_its_drawing(page, pages, name):
    page.goto(pages[name])
    families = page.locator("details:has(.family-drawing)")
    assert families.count() > 0
    last = families.last
    last.locator("summary").focus()
    if last.get_attribute("open") is None:
        page.keyboard.press("Enter")
    assert last.locator(".family-drawing").is_visible()
    assert (
        last.locator(".family-drawing rect").count()
        == last.locator("table").first.locator("tbody tr").count()
    )


@each_page
def test_the_page_fits_a_telephone(page, pages, name):
    page.goto(pages[name])
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
