"""Who is nominated, in what order, who is just short, and what cannot be said."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.council.families.result import FAMILY, MEMBERSHIP, SET_ASIDE, TIE, Families
from families_first.council.identification.comparing import diff_packs
from families_first.council.identification.explaining import explain_family
from families_first.council.identification.feeds import Feed, feeds_from_tables
from families_first.council.identification.pack import Pack, load_pack
from families_first.council.identification.result import Identification
from families_first.council.identification.running import identify, identify_each
from families_first.errors import UserError
from families_first.records.kinds import EventKind
from families_first.records.tables import EVENT

ON = date(2026, 9, 30)
KINDS = ("suspension", "missing_episode", "offence_proven", "asb_incident")
FEEDS = (Feed("a", frozenset(KINDS)),)


def pack_of(root: Path, *, minimum: int = 2, head: str = "", at_least: int = 1, name: str = "counts") -> Pack:
    """Write and load a pack of one rule a kind of event: so many in twelve months, each its own problem."""
    (root / name / "rules").mkdir(parents=True)
    problems = "\n".join(f'{kind.replace("_", "-")} = "Problem {kind}"' for kind in KINDS)
    (root / name / "pack.toml").write_text(
        f'id = "{name}"\ntitle = "Test pack"\nversion = "1.0"\nin_force_from = 2020-01-01\n'
        f'source = "made up"\nminimum_problems = {minimum}\n{head}\n[problems]\n{problems}\n'
    )
    for kind in KINDS:
        slug = kind.replace("_", "-")
        (root / name / "rules" / f"{slug}.toml").write_text(
            f'problem = "{slug}"\n[[rule]]\nid = "{slug}-counted"\ntitle = "{kind} in 12 months"\n'
            f'shape = "event-count"\nkinds = ["{kind}"]\nlook_back_months = 12\nat_least = {at_least}\n'
            f'one = "{kind}"\nmany = "{kind}s"\nsource = "made up"\n'
        )
    return load_pack(root / name)


def given(text: str) -> tuple[Families, dict[str, pa.Table], pa.Table]:
    """Each line is ``family person role kind day``; the role says who is a child and who lives elsewhere."""
    members: dict[tuple[str, str], dict[str, object]] = {}
    events = []
    for line_number, line in enumerate(text.strip().splitlines(), start=2):
        family, person, role, *event = line.split()
        members[family, person] = {
            "family_id": family,
            "person_id": person,
            "role": "child" if role == "looked_after" else role,
            "dependent": role in ("child", "looked_after"),
            "resident": role not in ("non_resident_parent", "looked_after"),
            "date_of_birth": date(2013 if role in ("child", "looked_after") else 1985, 1, 1),
            "reason": "as told",
        }
        if event:
            row = {"source": "a", "event_id": f"e{line_number}", "record_id": person, "kind": event[0]}
            row |= {"occurred_on": date.fromisoformat(event[1]), "delivery_id": "d", "line": line_number}
            events.append(row)
    people = sorted({person for _, person in members})
    families = Families(
        FAMILY.empty_table(),
        pa.Table.from_pylist(list(members.values()), schema=MEMBERSHIP),
        TIE.empty_table(),
        SET_ASIDE.empty_table(),
    )
    assignment = pa.table(
        {
            "source": ["a"] * len(people),
            "record_id": people,
            "person_id": people,
            "confidence": [0.8] * len(people),
        }
    )
    return families, {"event": pa.Table.from_pylist(events, schema=EVENT)}, assignment


def run(pack: Pack, text: str, feeds: tuple[Feed, ...] = FEEDS) -> Identification:
    families, tables, assignment = given(text)
    return identify(families, tables, assignment, pack, on=ON, feeds=feeds)


def nominated(result: Identification) -> list[tuple[str, int]]:
    return [(row["family_id"], row["distinct_problems"]) for row in result.nomination.to_pylist()]


CASES = {
    "two distinct problems nominate": (
        "F1 ann child suspension 2026-05-01\nF1 mum parent offence_proven 2026-05-01",
        [("F1", 2)],
    ),
    "the same problem twice is one": (
        "F1 ann child suspension 2026-05-01\nF1 mum parent suspension 2026-05-01",
        [],
    ),
    "a family without a dependent child is not nominated": (
        "F1 dad parent suspension 2026-05-01\nF1 mum parent offence_proven 2026-05-01",
        [],
    ),
    "a parent elsewhere may account for one problem": (
        "F1 ann child suspension 2026-05-01\nF1 dad non_resident_parent offence_proven 2026-05-01",
        [("F1", 2)],
    ),
    "and for no more than one": (
        "F1 ann child\nF1 dad non_resident_parent suspension 2026-05-01\n"
        "F1 dad non_resident_parent offence_proven 2026-05-01\n"
        "F1 dad non_resident_parent asb_incident 2026-05-01",
        [],
    ),
    "a looked-after child is no parent elsewhere: all its problems count": (
        "F1 ann looked_after suspension 2026-05-01\nF1 ann looked_after offence_proven 2026-05-01",
        [("F1", 2)],
    ),
    "a problem of both is the household's": (
        "F1 ann child suspension 2026-05-01\nF1 dad non_resident_parent suspension 2026-05-01\n"
        "F1 dad non_resident_parent offence_proven 2026-05-01",
        [("F1", 2)],
    ),
    "more distinct problems come first, then the latest evidence, then the id": (
        "F1 ann child suspension 2026-05-01\nF1 ann child offence_proven 2026-05-01\n"
        "F2 ben child suspension 2026-05-02\nF2 ben child offence_proven 2026-05-01\n"
        "F3 cat child suspension 2026-01-01\nF3 cat child offence_proven 2026-01-01\n"
        "F3 cat child asb_incident 2026-01-01\n"
        "F0 dan child suspension 2026-05-01\nF0 dan child offence_proven 2026-05-01",
        [("F3", 3), ("F2", 2), ("F0", 2), ("F1", 2)],
    ),
    "a parent of two families brings the evidence to both": (
        "F1 ann child suspension 2026-05-01\nF1 dad non_resident_parent offence_proven 2026-05-01\n"
        "F2 ben child suspension 2026-05-01\nF2 dad parent",
        [("F1", 2), ("F2", 2)],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_families_are_nominated_as_told(tmp_path: Path, text: str, expected: list[tuple[str, int]]) -> None:
    pack = pack_of(tmp_path, head="non_resident_parent_problems = 1")
    assert nominated(run(pack, text)) == expected


def test_a_finding_names_its_record_its_threshold_its_expiry_and_the_match_it_rests_on(
    tmp_path: Path,
) -> None:
    result = run(pack_of(tmp_path), "F1 ann child suspension 2026-05-01")
    (finding,) = result.finding.to_pylist()
    assert finding["threshold"] == "at least 1 suspension in the last 12 months"
    assert finding["sentence"] == (
        "A child aged 13: 1 suspension since 1 October 2025. "
        "The rule asks for: at least 1 suspension in the last 12 months."
    )
    assert (finding["found_on"], finding["expires_on"]) == (date(2026, 5, 1), date(2027, 5, 1))
    assert finding["confidence"] == 0.8
    (record,) = finding["records"]
    assert (record["source"], record["reference"], record["line"]) == ("a", "e2", 2)


def test_a_nomination_says_until_when_it_holds(tmp_path: Path) -> None:
    text = """
        F1 ann child suspension 2026-05-01
        F1 ann child offence_proven 2026-03-01
        F1 ann child asb_incident 2025-12-24
    """
    (nomination,) = run(pack_of(tmp_path), text).nomination.to_pylist()
    assert nomination["holds_until"] == date(
        2027, 3, 1
    )  # two of three problems are left until the second lapses


def test_one_need_short_and_one_event_short_say_what_would_change_it(tmp_path: Path) -> None:
    text = """
        F1 ann child suspension 2026-05-01
        F1 ann child suspension 2026-05-02
        F1 ann child offence_proven 2026-05-01
        F2 ben child
    """
    result = run(pack_of(tmp_path, at_least=2), text)
    assert nominated(result) == []
    said = [(row["kind"], row["rule"], row["what_would_change_it"]) for row in result.near_miss.to_pylist()]
    assert said == [
        ("one-need-short", None, "Evidence of one more problem would nominate this family."),
        (
            "just-under",
            "offence-proven-counted",
            "1 more before 1 May 2027 would be evidence of this problem, and would nominate this family.",
        ),
    ]


def test_a_kind_that_no_source_sends_is_blind_and_never_no_problem(tmp_path: Path) -> None:
    result = run(
        pack_of(tmp_path), "F1 ann child suspension 2026-05-01", (Feed("a", frozenset({"suspension"})),)
    )
    blind = {row["rule"]: (row["state"], row["wholly"]) for row in result.blind.to_pylist()}
    assert blind["offence-proven-counted"] == ("absent", True)
    assert "suspension-counted" not in blind


def test_a_stale_source_blinds_its_rules_wholly_unless_another_is_fresh(tmp_path: Path) -> None:
    stale = Feed("a", frozenset(KINDS), date(2025, 1, 1))
    fresh = Feed("b", frozenset({"suspension"}))
    rows = run(pack_of(tmp_path), "F1 ann child", (stale, fresh)).blind.to_pylist()
    wholly = {row["rule"]: row["wholly"] for row in rows}
    assert wholly["suspension-counted"] is False
    assert wholly["offence-proven-counted"] is True
    assert all("cannot say" in row["sentence"] for row in rows)


def test_feeds_told_from_records_are_stale_when_their_latest_day_is_long_past() -> None:
    _, tables, _ = given("F1 ann child suspension 2025-01-01")
    assert feeds_from_tables(tables, ON) == (Feed("a", frozenset({"suspension"}), date(2025, 1, 1)),)
    assert feeds_from_tables(tables, date(2025, 2, 1)) == (Feed("a", frozenset({"suspension"}), None),)


def test_the_gateway_is_met_by_two_factors_and_is_told_for_every_family(tmp_path: Path) -> None:
    text = """
        F1 ann child offence_proven 2026-05-01
        F1 mum parent offence_proven 2026-05-01
        F2 ben child
    """
    rows = {row["family_id"]: row for row in run(pack_of(tmp_path), text).gateway.to_pylist()}
    assert rows["F1"]["factors"] == ["criminal-offending"]
    assert not rows["F1"]["met"]
    assert rows["F2"]["factors"] == []


def test_an_explanation_tells_findings_gaps_and_changes_without_names(tmp_path: Path) -> None:
    text = "F1 ann child suspension 2026-05-01\nF1 dad non_resident_parent offence_proven 2026-05-01"
    pack = pack_of(tmp_path)
    families, tables, assignment = given(text)
    feeds = (Feed("a", frozenset({"suspension", "offence_proven"})),)
    result = identify(families, tables, assignment, pack, on=ON, feeds=feeds)
    explanation = explain_family("F1", families, result, pack)
    assert explanation.nominated
    assert "Family F1 meets Test pack on 2026-09-30: evidence of 2 of 4 problems" in explanation.text
    assert "A parent who lives elsewhere aged 41: 1 offence_proven" in explanation.text
    assert "No source sends asb incident" in explanation.text
    assert "With nothing new, the family has too few problems from 2027-05-01 on." in explanation.text


def test_an_unknown_family_is_refused(tmp_path: Path) -> None:
    pack = pack_of(tmp_path)
    families, tables, assignment = given("F1 ann child")
    result = identify(families, tables, assignment, pack, on=ON, feeds=FEEDS)
    with pytest.raises(UserError, match="There is no family"):
        explain_family("F9", families, result, pack)


def test_a_diff_says_who_enters_and_leaves_and_by_which_rules(tmp_path: Path) -> None:
    easy, hard = pack_of(tmp_path, name="easy"), pack_of(tmp_path, name="hard", at_least=2)
    families, tables, assignment = given("""
        F1 ann child suspension 2026-05-01
        F1 ann child suspension 2026-05-02
        F1 ann child offence_proven 2026-05-01
        F1 ann child offence_proven 2026-05-02
        F2 ben child suspension 2026-05-01
        F2 ben child offence_proven 2026-05-01
    """)
    before, after = identify_each(families, tables, assignment, [easy, hard], on=ON, feeds=FEEDS)
    rows = diff_packs(before, after, packs=(easy, hard)).to_pylist()
    assert [(row["family_id"], row["change"]) for row in rows] == [("F2", "leaves"), ("F1", "stays")]
    assert rows[0]["why"] == (
        "easy finds 2 of the 2 problems it asks for; hard finds 0 of the 2 problems it asks for; "
        "no longer by offence-proven-counted, suspension-counted."
    )
    back = diff_packs(after, before, packs=(hard, easy)).to_pylist()
    assert [(row["family_id"], row["change"]) for row in back] == [("F2", "enters"), ("F1", "stays")]


def test_the_kinds_of_this_table_exist() -> None:
    assert set(KINDS) <= set(EventKind)
