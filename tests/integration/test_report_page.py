"""The draft of a report: what it says, what it keeps back, and that it asks nothing of anybody."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from families_first.research.analysis.findings import find
from families_first.research.report.page import render_report
from made_up_analysis import own_protocol, rows

WORDS_NEVER_USED = ("significant", "statistically", "proves", "proven that", "no effect.")


class _Text(HTMLParser):
    """The words of a page, and its elements' names."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        self._inside.append(tag)

    def handle_endtag(self, tag):
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self._inside:
            self.words.append(data)


def read(page):
    parser = _Text()
    parser.feed(page)
    return parser, " ".join(" ".join(parser.words).split())


@pytest.fixture(scope="module")
def findings():
    return find(rows(seed=2).study(), own_protocol())


@pytest.fixture(scope="module")
def page(findings):
    return render_report(findings)


def test_the_page_stands_alone(page):
    parser, _ = read(page)
    assert "script" not in parser.elements
    assert all(address.startswith("#") for address in parser.addresses)
    outside = set(re.findall(r"https?://[^\"' <)]+", page))
    assert outside <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_each_link_leads_somewhere_and_no_two_elements_share_an_id(page):
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)


def test_the_page_says_that_it_is_a_draft_and_where_it_comes_from(page):
    _, words = read(page)
    assert words.count("Draft: not passed disclosure control") == 2
    assert "Made-up data" in words
    assert "0" * 64 in words
    assert "1" * 64 in words


@pytest.mark.parametrize("word", WORDS_NEVER_USED)
def test_no_word_claims_more_than_an_interval(page, word):
    assert word not in read(page)[1].lower()


def test_what_was_not_found_stands_beside_what_would_have_been_seen(page):
    cards = re.findall(r'<section class="headline no-detectable-effect">.*?</section>', page, re.DOTALL)
    assert cards
    for card in cards:
        assert "would probably not have been seen" in card
        assert "Not finding an effect is not finding that there is none." in card


def test_each_chart_has_a_name_a_description_and_its_numbers(page):
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) >= 8
    for drawing in drawings:
        assert 'role="img"' in drawing.split(">", 1)[0]
        assert re.search(r"<title>[^<]{5,}</title><desc>[^<]{20,}</desc>", drawing)
    assert page.count("The numbers of this chart") == len(drawings)


def test_two_renderings_of_the_same_findings_are_the_same(findings, page):
    assert render_report(findings) == page


def test_a_group_of_few_people_is_named_and_not_shown():
    made = rows(seed=2)
    few = np.unique(made.family[made.treated])[:2]
    made.place[np.isin(made.family, few)] = "Isle"
    words = read(render_report(find(made.study(), own_protocol())))[1]
    assert re.search(r"nothing is shown of [^.]*Isle, because too few people", words)


def test_cases_fewer_than_ten_are_not_told_and_cannot_be_worked_out():
    made = rows(seed=4)
    kept = made.columns["care@later"]
    kept[:] = 0.0
    children = made.role == "child"
    for arm, cases in ((True, 8), (False, 14)):
        kept[np.flatnonzero(children & (made.treated == arm))[:cases]] = 1.0
    findings = find(made.study(), own_protocol())
    effect = findings.analysis.effects[0]
    assert effect.counts.treated_cases == 8  # it was estimated
    assert np.isfinite(effect.difference.value)
    page = render_report(findings)
    words = read(page)[1]
    assert "fewer than 10 people or 5 families stand behind one of its figures" in words
    assert f"{100 * effect.treated:.2f}" not in words
    assert f"{100 * effect.difference.value:.2f}".lstrip("-") not in words
    assert "care@later" not in page


def test_bars_of_few_people_are_not_drawn():
    made = rows(seed=2, selection=2.5)
    findings = find(made.study(), own_protocol())
    overlap = findings.analysis.alike[0].overlap
    few = [int(each) for each in (*overlap.treated_counts, *overlap.comparison_counts) if 0 < each < 10]
    assert few  # otherwise this would show nothing
    page = render_report(findings)
    table = page[page.index("<caption>Chance of taking part") :]
    cells = re.findall(r"<td class=\"n\">([^<]*)</td>", table[: table.index("</table>")])
    total = (int(overlap.treated_counts.sum()), int(overlap.comparison_counts.sum()))
    seen = 0
    for k in range(0, len(cells), 2):
        for share, whole in zip(cells[k : k + 2], total, strict=True):
            if share == "none or few":
                seen += 1
            else:
                assert int(share.removesuffix(" %")) * whole / 100 + whole / 200 >= 10
    assert seen >= len(few)


def test_a_small_covariate_is_left_out_of_the_balance():
    made = rows(seed=2)
    made.columns["history"] = np.zeros(len(made.family))
    made.columns["history"][np.flatnonzero(made.treated & (made.role == "child"))[:6]] = 1.0
    page = render_report(find(made.study(), own_protocol()))
    captions = [each.split("</table>")[0] for each in page.split("<caption>How alike")[1:]]
    assert captions
    assert not any('<th scope="row">history</th>' in each for each in captions if "children" in each[:60])


def test_a_placebo_that_finds_something_is_told_at_the_verdict_and_in_its_own_place():
    made = rows(seed=2, before=lambda need: np.full_like(need, 0.25))
    page = render_report(find(made.study(), own_protocol()))
    words = read(page)[1]
    assert "a difference was found where none can be" in words
    headline = page[page.index('<section class="headline') :].split("</section>")[0]
    assert "Read it with care: in the year before the groups differed already" in headline
    assert "difference found" in words


def test_changes_since_the_plan_are_told():
    protocol = own_protocol(
        ("version = 1", "version = 2"),
        (
            "[sensitivity]",
            '[[deviations]]\non = 2026-03-02\nwhat = "A window was added."\nwhy = "The board asked."\n\n'
            "[sensitivity]",
        ),
    )
    words = read(render_report(find(rows(seed=2).study(), protocol)))[1]
    assert "2 March 2026. A window was added. Why: The board asked." in words
