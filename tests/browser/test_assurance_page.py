"""The page of promises as a browser shows it: readable by everybody, and asking nothing of anyone else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe

from families_first.assurance.basis import basis_of
from families_first.assurance.evidence import weigh
from families_first.assurance.page import render_page
from families_first.assurance.verdicts import Proof, Verdict
from families_first.governance.desk import utc_now
from families_first.governance.promises import promise_register

WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def evidence_of(kind):
    """Return evidence in which all is well, or in which every verdict occurs."""
    register, now, basis = promise_register(), utc_now(), basis_of([])
    proofs = {
        name: Proof(name, Verdict.HOLDS, 41_472, "requests", "All were asked.", (), (), 1.2, now, basis)
        for name in register.checks
    }
    if kind == "red":
        broken = {"verdict": Verdict.BROKEN, "breaches": ("a long way of getting in " * 6, "another")}
        proofs["no-network"] = replace(proofs["no-network"], **broken)
        proofs["engine-is-shut"] = replace(
            proofs["engine-is-shut"], verdict=Verdict.CANNOT_TELL, notes=("It did not end.",)
        )
        proofs["the-end-is-signed"] = replace(proofs["the-end-is-signed"], at=now - timedelta(days=30))
        proofs["keys-are-private"] = replace(
            proofs["keys-are-private"], basis=replace(basis, policies="other")
        )
        del proofs["agreements-in-force"]
    return register, weigh(register, proofs, of="Exampleshire Council", at=now, now=basis)


@pytest.fixture(scope="module", params=["well", "red"])
def address(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("assurance") / "assurance.html"
    register, evidence = evidence_of(request.param)
    path.write_text(render_page(register, evidence, made_up=True), encoding="utf-8")
    return path.as_uri()


def test_the_page_meets_the_accessibility_rules(page, address):
    page.goto(address)
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
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_each_promise_in_the_notice_leads_to_what_was_tried(page, address):
    page.goto(address)
    links = page.locator(".notice a")
    assert links.count() == len(promise_register().promises)
    for link in links.all():
        target = page.locator(link.get_attribute("href"))
        assert target.count() == 1
        assert target.locator(".checks > li").count() > 0
    links.first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".promise:target").is_visible()


def test_a_verdict_is_told_in_words_and_not_by_colour_alone(page, address):
    page.goto(address)
    for tag in page.locator(".tag").all():
        assert tag.inner_text().strip()


def test_the_page_prints_without_cutting_a_promise_from_its_verdict(page, address):
    page.goto(address)
    page.emulate_media(media="print")
    inside = page.evaluate("getComputedStyle(document.querySelector('.checks > li')).breakInside")
    assert inside == "avoid"
