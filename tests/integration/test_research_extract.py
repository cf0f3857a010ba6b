"""What an analysis gets is what a count by hand from the owners' own files gives, record by record."""

import csv
from collections import defaultdict
from datetime import date

import numpy as np
import pytest

from families_first.governance.desk import Desk
from families_first.governance.policy import Resource
from families_first.governance.study import accept_release, release_outcomes, request_release
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.loading import find_extract, load_study
from families_first.research.extract.opening import Became, open_study_parcels
from families_first.research.protocol.sealing import seal_protocol
from families_first.research.study_data import draw_links
from made_up_desk import vault_of
from made_up_extract import ID, SURE, linked_study_in
from made_up_study import OUTCOMES_FROM, PROTOCOLS

FIRST, LAST = date(2020, 1, 1), date(2025, 6, 30)
_SAME = ("forename", "surname", "date_of_birth", "sex", "postcode")


def analysing(desk: Desk):
    return desk.act("analyse", Resource("StudyExtract", ID))


@pytest.fixture(scope="module")
def whole_way(tmp_path_factory):
    """A study from its parcels to its open outcomes, with what was seen on the way."""
    linked = linked_study_in(tmp_path_factory.mktemp("study") / "s")
    desk = linked.study.desk("research")
    seen = {"first": open_study_parcels(desk, [*linked.open_paths, *linked.locked_paths])}
    seal_protocol(desk, linked.protocol_file())
    seen["extract"] = build_extract(desk, ID)
    with analysing(desk) as act:
        seen["before"] = load_study(act, ID)
    asked = request_release(desk, ID, PROTOCOLS, linked.locked_paths)
    released = release_outcomes(linked.study.desk("publication"), asked.path, PROTOCOLS)
    accept_release(desk, released.parcel.path)
    seen["second"] = open_study_parcels(desk, [*linked.open_paths, *linked.locked_paths])
    seen["outcomes"] = open_outcomes(desk, ID)
    with analysing(desk) as act:
        seen["after"] = load_study(act, ID)
        seen["found"] = find_extract(act, ID)
    return linked, desk, seen


def quarter_of(day: date, zero: date) -> int:
    """Return the quarter of a day by walking from time zero, three months at a time."""
    quarter, begins = 1, zero
    while day >= months_on(zero, 3 * quarter):
        quarter += 1
    while day < begins:
        quarter = quarter - 1 or -1
        begins = months_on(zero, 3 * quarter)
    return quarter


def rows_in(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def months_on(day: date, months: int) -> date:
    month = day.month - 1 + months
    return day.replace(year=day.year + month // 12, month=month % 12 + 1)  # time zero is a first of a month


class ByHand:
    """The owners' own files, joined by who people are."""

    def __init__(self, linked):
        self.linked = linked
        study = linked.study
        self.facts = {}
        self.references = {}
        for owner in study.owners:
            folder = study.sources(owner)
            people = rows_in(folder / "people.csv")
            self.references[owner] = {tuple(row[n] for n in _SAME): row["reference"] for row in people}
            for path in folder.glob("*.csv"):
                rows = defaultdict(list)
                for row in rows_in(path):
                    rows[row["reference"]].append(row)
                self.facts[owner, path.stem] = rows
        council = vault_of(study.linkage)
        opened = council.find("parcel", linked.splits["council"].identifiers.serial)
        rows = council.read(opened, "rows").to_pylist()
        self.people = [tuple(str(row[name]) for name in _SAME) for row in rows]
        self.programme = [
            self.facts["council", "programme"][self.references["council"][each]][0] for each in self.people
        ]

    def zero(self, person: int) -> date:
        return date.fromisoformat(self.programme[person]["assessed_on"])

    def rows(self, owner, section, row_person):
        reference = self.references[owner].get(self.people[row_person])
        return self.facts[owner, section].get(reference, [])

    def days(self, owner, kind, row_person, person, window):
        """Days, begun and open, of episodes in quarters relative to a person's time zero."""
        zero = self.zero(person)
        first, last = window
        days = defaultdict(int)
        begun = 0
        for row in self.rows(owner, "episode", row_person):
            if row["kind"] != kind:
                continue
            begins = date.fromisoformat(row["started_on"])
            ends = min(date.fromisoformat(row["ended_on"]) if row["ended_on"] else LAST, LAST)
            for day in range(max(begins, FIRST).toordinal(), ends.toordinal() + 1):
                quarter = quarter_of(date.fromordinal(day), zero)
                if first <= quarter <= last:
                    days[quarter] += 1
            begun += FIRST <= begins <= LAST and first <= quarter_of(begins, zero) <= last
        return days, begun

    def events(self, kind, row_person, person, window):
        zero, (first, last) = self.zero(person), window
        return sum(
            row["kind"] == kind
            and FIRST <= date.fromisoformat(row["occurred_on"]) <= LAST
            and first <= quarter_of(date.fromisoformat(row["occurred_on"]), zero) <= last
            for row in self.rows("justice", "event", row_person)
        )

    def share(self, kind, row_person, person, window):
        zero, (first, last) = self.zero(person), window
        numerator = denominator = 0
        for row in self.rows("education", "measure", row_person):
            begins, ends = date.fromisoformat(row["period_start"]), date.fromisoformat(row["period_end"])
            if row["kind"] != kind or begins < zero <= ends or not FIRST <= ends <= LAST:
                continue
            middle = date.fromordinal(begins.toordinal() + (ends - begins).days // 2)
            if first <= quarter_of(middle, zero) <= last:
                numerator += float(row["numerator"])
                denominator += float(row["denominator"])
        return numerator / denominator if denominator else np.nan


@pytest.fixture(scope="module")
def by_hand(whole_way):
    return ByHand(whole_way[0])


def candidates(linked, owner):
    """Yield each candidate link as the number of the person and that of the record's true person."""
    rows = [row for row in linked.spine.to_pylist() if row["owner"] == owner]
    for row in rows:
        yield int(row["person"], 16) - 1000, linked.person_of[owner, row["row_key"]], row["probability"]


def told(links, name):
    """Return the values of a variable as sorted triples, which hold whatever numbers records have."""
    return sorted(
        (int(unit), round(float(p), 6), None if np.isnan(value) else round(float(value), 6))
        for unit, p, value in zip(links.unit, links.probability, links.values[name], strict=True)
    )


def expected(linked, owner, value_of):
    return sorted(
        (person, round(p, 6), None if np.isnan(value := value_of(of, person)) else round(float(value), 6))
        for person, of, p in candidates(linked, owner)
    )


def owner_of(study, owner):
    return next(each for each in study.owners if each.owner == owner)


def test_everything_came_and_the_row_keys_are_gone(whole_way):
    linked, _, seen = whole_way
    assert {each.became for each in seen["first"].verdicts} == {Became.OPENED, Became.WAITING}
    assert sum(each.became == Became.WAITING for each in seen["first"].verdicts) == len(linked.locked_paths)
    assert not seen["first"].row_keys_gone
    assert {each.became for each in seen["second"].verdicts} == {Became.OPENED, Became.OPENED_BEFORE}
    assert seen["second"].row_keys_gone
    vault = vault_of(linked.study.research)
    assert vault.list("spine") == []
    assert all("row_key" not in vault.read(each, table).schema.names
               for each in vault.list("linked") for table in each.tables)  # fmt: skip


def test_people_outside_the_programme_are_dropped_and_counted(whole_way):
    linked, _, seen = whole_way
    counted = {(each.owner, each.section): each.payload for each in seen["first"].verdicts if each.payload}
    education = counted["education", "measure"]
    terms_before = 6  # Jan, Apr and Sep of 2020 and 2021
    in_programme = sum(
        each is not None and linked.truth.family[at] < 60
        for at, each in enumerate(linked.truth.references["education"])
    )
    assert education.kept == in_programme * terms_before
    assert education.dropped == education.rows - education.kept > 0


def test_counts_of_events_are_those_of_the_files(whole_way, by_hand):
    linked, _, seen = whole_way
    justice = owner_of(seen["after"], "justice")
    for name, window in (("convictions@months-1-24", (1, 8)), ("convictions-before", (-8, -1))):
        wanted = expected(
            linked,
            "justice",
            lambda of, who, w=window: by_hand.events("offence_proven", of, who, w),
        )
        assert told(justice, name) == wanted
        assert sum(value for *_, value in wanted) > 10


def test_episodes_are_whole_although_they_came_in_two_parts(whole_way, by_hand):
    linked, _, seen = whole_way
    education = owner_of(seen["after"], "education")

    def happened(of, who, window):
        return float(bool(by_hand.days("education", "looked_after", of, who, window)[0]))

    def days(of, who, window):
        found, _ = by_hand.days("education", "looked_after", of, who, window)
        zero = by_hand.zero(who)
        longest = {q: (months_on(zero, 3 * (q + 1)) - months_on(zero, 3 * q)).days for q in found}
        return float(sum(min(count, longest[quarter]) for quarter, count in found.items()))

    for name, value, window in (
        ("looked-after@months-1-24", happened, (1, 8)),
        ("looked-after@months-19-24", happened, (7, 8)),
        ("looked-after@placebo", happened, (-4, -1)),
        ("looked-after-before", days, (-8, -5)),
    ):
        wanted = expected(linked, "education", lambda of, who, v=value, w=window: v(of, who, w))
        assert told(education, name) == wanted
        assert sum(each for *_, each in wanted) > 10


def test_shares_are_of_the_periods_wholly_after_time_zero(whole_way, by_hand):
    linked, _, seen = whole_way
    wanted = expected(linked, "education", lambda of, who: by_hand.share("absence", of, who, (1, 8)))
    assert told(owner_of(seen["after"], "education"), "absence@months-1-24") == wanted


def test_panels_hold_what_the_windows_hold(whole_way):
    _, _, seen = whole_way
    study = seen["after"]
    education = owner_of(study, "education")
    panel = education.panels["looked-after"]
    assert panel.shape == (len(education.unit), len(study.quarters))
    place = {quarter: at for at, quarter in enumerate(study.quarters.tolist())}
    start = study.start[education.unit]
    in_window = np.stack([panel[np.arange(len(start)), [place[int(s) + q] for s in start]] for q in range(8)])
    assert (in_window.max(axis=0) == education.values["looked-after@months-1-24"]).all()
    before = np.stack([panel[np.arange(len(start)), [place[int(s) - q] for s in start]] for q in range(1, 5)])
    assert (before.max(axis=0) == education.values["looked-after@placebo"]).all()
    assert panel.sum() > in_window.sum() + before.sum()


def test_who_people_are_in_the_study_is_what_the_programme_says(whole_way, by_hand):
    linked, _, seen = whole_way
    study = seen["after"]
    assert study.units == len(by_hand.people)
    for unit, row in enumerate(by_hand.programme):
        assert study.treated[unit] == (row["status"] == "participating")
        zero = date.fromisoformat(row["assessed_on"])
        assert study.start[unit] == zero.year * 4 + (zero.month - 1) // 3
        assert study.fields["role"].as_text()[unit] == row["role"]
    # Families are numbered in an order of their own, and are the same people.
    theirs = defaultdict(set)
    mine = defaultdict(set)
    council = {row["reference"]: row for row in rows_in(linked.study.sources("council") / "people.csv")}
    for unit, identity in enumerate(by_hand.people):
        theirs[council[by_hand.references["council"][identity]]["family_reference"]].add(unit)
        mine[int(study.family[unit])].add(unit)
    assert sorted(map(sorted, theirs.values())) == sorted(map(sorted, mine.values()))


def test_before_the_release_there_are_no_outcomes_and_history_ends_with_the_locked_day(whole_way, by_hand):
    linked, _, seen = whole_way
    before = seen["before"]
    assert not before.provenance.outcomes_open
    assert before.panel_ids() == ()
    assert not any(name.endswith(("@months-1-24", "@months-19-24")) for name in before.variable_ids())
    wanted = expected(
        linked,
        "justice",
        lambda of, who: sum(
            date.fromisoformat(row["occurred_on"]) < OUTCOMES_FROM
            and -8 <= quarter_of(date.fromisoformat(row["occurred_on"]), by_hand.zero(who)) <= -1
            for row in by_hand.rows("justice", "event", of)
        ),
    )
    assert told(owner_of(before, "justice"), "convictions-before") == wanted
    assert any("history is incomplete" in each for each in seen["extract"].remarks)


def test_a_childs_outcome_is_asked_of_children_alone(whole_way):
    _, _, seen = whole_way
    study = seen["after"]
    drawn = draw_links(study, np.random.default_rng(0))
    looked_after = drawn.variables["looked-after@months-1-24"]
    child = study.fields["role"].is_("child")
    assert np.isnan(looked_after[~child]).all()
    assert not np.isnan(looked_after[child]).any()
    assert np.isnan(drawn.panels["looked-after"][~child]).all()
    assert not np.isnan(drawn.variables["convictions@months-1-24"]).any()


def test_links_are_drawn_with_their_probability_and_the_certain_draw_takes_the_likely_ones(whole_way):
    _, _, seen = whole_way
    study = seen["after"]
    rng = np.random.default_rng(3)
    shares = [draw_links(study, rng).linked["justice"].sum() for _ in range(60)]
    likely = owner_of(study, "justice").probability == SURE
    assert draw_links(study, None).linked["justice"].sum() == likely.sum()
    expected_sum = owner_of(study, "justice").probability.sum()
    assert abs(np.mean(shares) - expected_sum) < 4 * np.sqrt(expected_sum * 0.1 / 60) + 1


def test_nothing_of_the_extract_is_a_row_key_a_day_or_a_name(whole_way):
    linked, _, _ = whole_way
    vault = vault_of(linked.study.research)
    keys = set(linked.spine["row_key"].to_pylist())
    districts = {"North", "South"}
    for kind in ("extract", "outcomes"):
        for dataset in vault.list(kind):
            for name in dataset.tables:
                table = vault.read(dataset, name)
                assert not any(
                    "date" in str(field.type) or "time" in str(field.type) for field in table.schema
                )
                for column in table.schema.names:
                    words = {each for each in table[column].to_pylist() if isinstance(each, str)}
                    assert not words & keys
                    assert not words & districts
                    assert not any("xample" in word or word.startswith("20") for word in words)


def test_people_are_hidden_as_well_as_the_protocol_asks(whole_way):
    _, _, seen = whole_way
    info = seen["extract"]
    assert info.before.k < 3 <= info.after.k
    assert info.after.l >= 2
    fields = [
        seen["after"].fields[name].as_text()
        for name in ("role", "sex", "age_band", "ethnicity_group", "region")
    ]
    rows = list(zip(*fields, strict=True))
    assert min(rows.count(row) for row in set(rows)) == info.after.k


def test_every_result_can_name_protocol_extract_and_code(whole_way):
    _, _, seen = whole_way
    before, after = seen["before"].provenance, seen["after"].provenance
    assert before.extract_sha256 == seen["extract"].sha256 != after.extract_sha256
    assert before.protocol_sha256 == after.protocol_sha256 == seen["found"].sealed.seal.sha256
    assert after.code_version
    assert after.made_up


def test_the_same_records_give_the_same_hash(whole_way):
    _, desk, seen = whole_way
    again = build_extract(desk, ID)
    assert again.sha256 == seen["extract"].sha256
    assert open_outcomes(desk, ID).sha256 == seen["outcomes"].sha256
