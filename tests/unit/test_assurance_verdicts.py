"""No check passes by accident: errors, silence, too much time and old proofs are never a pass."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import families_first
from families_first.assurance.assuring import assure
from families_first.assurance.basis import Basis, basis_of, program_hash
from families_first.assurance.bench import Bench
from families_first.assurance.check import Check, Findings, Tally
from families_first.assurance.checks import CHECKS
from families_first.assurance.evidence import Evidence, Standing, earlier_proofs, keep_evidence, weigh
from families_first.assurance.page import render_page
from families_first.assurance.planted import NINO, found_in
from families_first.assurance.running import run_check
from families_first.assurance.verdicts import HOLDS_SO_FAR, NEXT, Proof, Verdict, worst
from families_first.cli.assure import about, last_line, rows
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import utc_now
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.promises import promise_register
from families_first.governance.purposes import Purpose
from families_first.governance.staff import StaffMember, write_staff
from made_up_desk import open_desk

REGISTER = promise_register()
NOW = utc_now()
BASIS = Basis("p", "c", {"council.a": {"zone.toml": "z", "staff.toml": "s"}})


def ran(tmp_path: Path, run: Callable[[Bench], Findings], *, limit: float = 5.0) -> Proof:
    return run_check(Check("made-up", "do something", "attempts", limit, run), Bench((), tmp_path))


def refusal(code: ExitCode) -> Callable[[], None]:
    def attempt() -> None:
        raise UserError("No", fix="Do not.", code=code)

    return attempt


def proofs(verdict: Verdict = Verdict.HOLDS, *, days_ago: float = 0) -> dict[str, Proof]:
    at = NOW - timedelta(days=days_ago)
    breaches = ("it got through",) if verdict is Verdict.BROKEN else ()
    return {
        name: Proof(name, verdict, 3, "attempts", "It was tried.", breaches, (), 0.1, at, BASIS)
        for name in REGISTER.checks
    }


def weighed(found: dict[str, Proof], *, now: Basis = BASIS) -> Evidence:
    return weigh(REGISTER, found, of="Exampleshire", at=NOW, now=now)


def test_an_attempt_that_gets_through_is_a_breach(tmp_path: Path) -> None:
    def run(bench: Bench) -> Findings:
        tally = Tally()
        tally.refused("opened the door", lambda: None, ExitCode.REFUSED)
        return tally.findings("The door was tried.")

    proof = ran(tmp_path, run)
    assert (proof.verdict, proof.breaches) == (Verdict.BROKEN, ("opened the door",))


def test_a_refusal_for_another_reason_than_the_one_tried_is_no_pass(tmp_path: Path) -> None:
    def run(bench: Bench) -> Findings:
        tally = Tally()
        tally.refused("opened the door", refusal(ExitCode.NOT_FOUND), ExitCode.REFUSED)
        return tally.findings("The door was tried.")

    assert ran(tmp_path, run).verdict is Verdict.CANNOT_TELL


def test_a_check_that_tried_nothing_is_no_pass(tmp_path: Path) -> None:
    assert ran(tmp_path, lambda bench: Tally().findings("Nothing.")).verdict is Verdict.CANNOT_TELL


def test_an_error_nobody_foresaw_is_no_pass_and_its_text_is_not_told(tmp_path: Path) -> None:
    def run(bench: Bench) -> Findings:
        raise ValueError(NINO)

    proof = ran(tmp_path, run)
    assert proof.verdict is Verdict.CANNOT_TELL
    assert NINO not in json.dumps(proof.as_document())


def test_a_check_that_takes_too_long_is_stopped_and_is_no_pass(tmp_path: Path) -> None:
    def run(bench: Bench) -> Findings:
        try:
            time.sleep(30)
        except Exception as error:  # a check that swallows errors must not swallow the end of its time
            raise AssertionError from error
        return Findings(1, "It was tried.")

    proof = ran(tmp_path, run, limit=0.2)
    assert proof.verdict is Verdict.CANNOT_TELL
    assert proof.seconds < 5


def test_many_breaches_are_counted_and_some_are_named(tmp_path: Path) -> None:
    proof = ran(tmp_path, lambda bench: Tally(200, [f"breach {n}" for n in range(200)]).findings("Tried."))
    assert len(proof.breaches) == 13
    assert proof.breaches[-1] == "and 188 more"


def test_the_worst_of_nothing_is_not_a_pass() -> None:
    assert worst([]) is Verdict.CANNOT_TELL
    assert worst([Verdict.HOLDS, Verdict.MISSING]) is Verdict.MISSING
    assert worst([Verdict.OUT_OF_DATE, Verdict.HOLDS, Verdict.BROKEN]) is Verdict.BROKEN


def test_a_proof_counts_until_its_days_are_over_and_not_a_moment_longer() -> None:
    assert weighed(proofs(days_ago=6.9)).red == ()
    assert {each.verdict for each in weighed(proofs(days_ago=7.1)).standings if each.promise.checks} == {
        Verdict.OUT_OF_DATE
    }


def test_a_proof_from_the_future_counts_for_nothing() -> None:
    assert weighed(proofs(days_ago=-2)).red != ()


def test_a_check_that_never_ran_is_out_of_date() -> None:
    found = proofs()
    del found["no-network"]
    assert weighed(found).counts_until == NOW.date()
    late = {each.promise.id for each in weighed(found).red}
    assert late == {each.id for each in REGISTER.promises if "no-network" in each.checks}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (replace(BASIS, program="other"), "The program has changed since its last proof."),
        (replace(BASIS, policies="other"), "The access policy has changed since its last proof."),
        (
            replace(BASIS, homes={"council.a": {"zone.toml": "other", "staff.toml": "s"}}),
            "zone.toml of council.a has changed since its last proof.",
        ),
        (
            replace(BASIS, homes={"council.a": {"zone.toml": "z", "staff.toml": ""}}),
            "staff.toml of council.a has changed since its last proof.",
        ),
        (
            replace(BASIS, homes={**BASIS.homes, "research.b": {"zone.toml": "z"}}),
            "Its last proof did not examine research.b.",
        ),
    ],
)
def test_a_proof_counts_no_longer_once_what_it_rests_on_has_changed(now: Basis, told: str) -> None:
    evidence = weighed(proofs(), now=now)
    assert {each.verdict for each in evidence.standings if each.promise.checks} == {Verdict.OUT_OF_DATE}
    assert evidence.counts_until == NOW.date()
    assert f'<p class="through">{told}</p>' in render_page(REGISTER, evidence, made_up=False)
    assert any(told in map(str, row) for row in rows(evidence))


def test_a_proof_that_examined_other_homes_too_counts_for_one_that_is_as_it_was() -> None:
    assert weighed(proofs(), now=replace(BASIS, homes={})).red == ()


def test_a_broken_promise_does_not_become_merely_out_of_date_when_something_changes() -> None:
    evidence = weighed(proofs(Verdict.BROKEN), now=replace(BASIS, program="other"))
    assert {each.verdict for each in evidence.red} == {Verdict.BROKEN}


def test_a_proof_rests_on_the_homes_own_files_the_policy_and_every_file_of_the_program(home: Home) -> None:
    before = basis_of([home])
    assert before.changed(basis_of([home])) == ""
    write_staff(home, StaffMember(id="made-up", name="Made-up person", roles=("data-lead",)))
    assert before.changed(basis_of([home])) == f"staff.toml of {home.name} has changed since its last proof."
    before = basis_of([home])
    (home.root / "zone.toml").write_text((home.root / "zone.toml").read_text() + "\n# Another line.\n")
    assert before.changed(basis_of([home])) == f"zone.toml of {home.name} has changed since its last proof."


def test_the_hash_of_the_program_is_of_its_files_and_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "families_first"
    for name in ("one.py", "rules/two.cedar"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("made up\n")
    monkeypatch.setattr(families_first, "__file__", str(copy / "__init__.py"))
    found = [program_hash.__wrapped__()]
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "one.pyc").write_bytes(b"compiled")
    assert program_hash.__wrapped__() == found[0]
    (copy / "rules" / "two.cedar").write_text("made otherwise\n")
    found.append(program_hash.__wrapped__())
    (copy / "one.py").rename(copy / "three.py")
    found.append(program_hash.__wrapped__())
    assert len(set(found)) == 3


def test_the_run_says_that_proofs_are_out_of_date_once_the_zone_file_has_changed(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "assured", zone="council", title="Exampleshire Council")
    officer = open_desk(home, "data-protection-officer", purpose=Purpose.PROTECT_DATA)
    assure(officer, [home], only=["keys-are-private", "one-person-can-be-erased"])
    (home.root / "zone.toml").write_text((home.root / "zone.toml").read_text() + "\n# Another line.\n")
    found = assure(officer, [Home.open(home.root)], only=["keys-are-private"]).evidence
    shown = {each.check: each for standing in found.standings for each in standing.checks}
    assert shown["keys-are-private"].verdict is Verdict.HOLDS
    assert shown["one-person-can-be-erased"].verdict is Verdict.OUT_OF_DATE
    assert "zone.toml" in shown["one-person-can-be-erased"].why


def test_a_broken_promise_does_not_become_merely_out_of_date_with_time() -> None:
    found = proofs() | {"no-network": proofs(Verdict.BROKEN, days_ago=30)["no-network"]}
    assert {each.verdict for each in weighed(found).red} == {Verdict.BROKEN}


def test_the_day_until_which_the_page_counts_is_that_of_the_oldest_proof() -> None:
    found = proofs() | {"no-network": proofs(days_ago=5)["no-network"]}
    assert weighed(found).counts_until == (NOW + timedelta(days=2)).date()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire Council")
    ensure_identity(home)
    return home


def test_evidence_is_kept_signed_and_read_again(home: Home) -> None:
    evidence = weighed(proofs())
    folder = keep_evidence(home, evidence, "<p>page</p>")
    assert earlier_proofs(home).keys() == set(REGISTER.checks)
    assert json.loads((folder / "assurance.json").read_text())["proofs"]
    assert (folder / "assurance.html").read_text() == "<p>page</p>"


@pytest.mark.parametrize("how", ["altered", "unsigned", "of another home", "gone"])
def test_evidence_that_is_not_the_homes_own_counts_for_nothing(home: Home, tmp_path: Path, how: str) -> None:
    note = keep_evidence(home, weighed(proofs(Verdict.BROKEN)), "") / "evidence.note"
    if how == "altered":
        note.write_text(note.read_text().replace('"broken"', '"holds"'))
    elif how == "unsigned":
        note.write_text(note.read_text().partition("\n\n")[0] + "\n")
    elif how == "of another home":
        other = Home.create(tmp_path / "other", zone="council", title="Exampleshire Council")
        note.write_bytes((keep_evidence(other, weighed(proofs()), "") / "evidence.note").read_bytes())
    else:
        note.unlink()
    assert earlier_proofs(home) == {}


def test_the_page_shows_every_sentence_what_got_through_and_the_day_from_which_it_is_red() -> None:
    found = proofs() | {"no-network": proofs(Verdict.BROKEN)["no-network"]}
    page = render_page(REGISTER, weighed(found), made_up=False)
    for promise in REGISTER.promises:
        assert f'href="#{promise.id}"' in page
        assert f'id="{promise.id}"' in page
    assert "it got through" in page
    assert "need somebody to act now" in page
    assert "treat all of it as out of date" in page
    assert "<script" not in page


def test_the_page_escapes_what_checks_tell() -> None:
    found = proofs()
    found["no-network"] = replace(found["no-network"], notes=("<b>bold</b>",))
    assert "<b>bold</b>" not in render_page(REGISTER, weighed(found), made_up=True)


def card(page: str, promise: str) -> str:
    return (
        page.partition('<section class="promise')[2]
        .partition(f'id="{promise}"')[2]
        .partition("</section>")[0]
    )


def standing_of(evidence: Evidence, promise: str) -> Standing:
    [found] = [each for each in evidence.standings if each.promise.id == promise]
    return found


@pytest.mark.parametrize(
    "promise", ["data-protection-act", "lawful-sharing", "strict-protocols", "legal-obligations"]
)
def test_a_sentence_about_the_law_holds_as_far_as_a_program_can_check_and_no_further(promise: str) -> None:
    evidence = weighed(proofs())
    standing = standing_of(evidence, promise)
    assert (standing.verdict, standing.words) == (Verdict.HOLDS, HOLDS_SO_FAR)
    shown = card(render_page(REGISTER, evidence, made_up=False), promise)
    badge, caveat, mechanism = (
        shown.index(words)
        for words in (HOLDS_SO_FAR, "No program can judge whether", standing.promise.mechanism)
    )
    assert badge < caveat < mechanism
    assert [promise, "", HOLDS_SO_FAR, "", None] in rows(evidence)
    [told] = [each for each in evidence.as_document()["promises"] if each["id"] == promise]
    assert told["left_to_people"].startswith("whether")


def test_a_sentence_that_is_broken_says_so_whatever_is_left_to_people() -> None:
    assert standing_of(weighed(proofs(Verdict.BROKEN)), "data-protection-act").words == "broken"


def test_what_should_be_known_beside_a_check_that_holds_stands_at_the_top_of_the_card() -> None:
    note = "Nobody has signed an end of the programme yet."
    found = proofs() | {"the-end-is-signed": replace(proofs()["the-end-is-signed"], notes=(note,))}
    page = render_page(REGISTER, weighed(found), made_up=False)
    assert page.count(note) == 1
    shown = card(page, "destroyed")
    assert 0 < shown.index(note) < shown.index('<ul class="checks">')


def test_people_and_programs_read_the_same_word_for_a_verdict() -> None:
    words = {each.value for each in Verdict}
    assert words == {"holds", "broken", "out of date", "missing", "cannot tell"}
    found = proofs() | {"no-network": proofs(Verdict.BROKEN)["no-network"]}
    found["engine-is-shut"] = replace(found["engine-is-shut"], verdict=Verdict.CANNOT_TELL)
    found["no-plain-text-at-rest"] = proofs(days_ago=30)["no-plain-text-at-rest"]
    evidence = weighed(found)
    page = render_page(REGISTER, evidence, made_up=False)
    assert set(re.findall(r'<span class="tag [a-z-]+">([^<]+)</span>', page)) == words | {HOLDS_SO_FAR}
    assert {row[2] for row in rows(evidence)} == words | {HOLDS_SO_FAR}
    document = evidence.as_document()
    assert {check["verdict"] for each in document["promises"] for check in each["checks"]} == words
    how_to = Path(__file__).parents[2] / "docs" / "how-to" / "run-assurance.md"
    assert set(re.findall(r"^\| ([a-z ]+) \|", how_to.read_text(encoding="utf-8"), re.M)) == words


def test_in_a_card_the_broken_checks_come_first_and_say_what_to_do_next() -> None:
    found = proofs() | {"keys-are-private": proofs(Verdict.BROKEN)["keys-are-private"]}
    found["engine-is-shut"] = replace(found["engine-is-shut"], verdict=Verdict.CANNOT_TELL)
    found["no-network"] = proofs(days_ago=30)["no-network"]
    evidence = weighed(found)
    order = ["keys-are-private", "engine-is-shut", "no-network", "no-plain-text-at-rest"]
    assert [each.check for each in standing_of(evidence, "held-securely").checks] == order
    shown = card(render_page(REGISTER, evidence, made_up=False), "held-securely")
    first = shown.partition("<li")[2].partition("</li>")[0]
    assert NEXT[Verdict.BROKEN] in first
    assert "data protection officer" in NEXT[Verdict.BROKEN]


def test_a_check_under_several_promises_is_told_in_full_once_and_by_a_link_elsewhere() -> None:
    page = render_page(REGISTER, weighed(proofs()), made_up=False)
    for name in REGISTER.checks:
        under = sum(name in each.checks for each in REGISTER.promises)
        assert page.count(f'id="check-{name}"') == 1, name
        assert page.count(f'href="#check-{name}"') == under - 1, name


@pytest.mark.parametrize("unit", sorted({each.unit for each in CHECKS.values()}))
def test_one_attempt_is_counted_as_one(unit: str) -> None:
    proof = replace(proofs()["no-network"], unit=unit)
    assert replace(proof, attempts=2000).counted == f"2,000 {unit}"
    one = replace(proof, attempts=1).counted
    assert one.split()[1] != unit.split(maxsplit=1)[0]
    assert " and " not in one


def test_a_run_is_counted_as_a_run() -> None:
    proof = replace(proofs()["no-network"], unit=CHECKS["no-network"].unit, attempts=1)
    assert proof.counted == "1 run"


def test_asked_about_one_check_the_promises_that_it_belongs_to_are_told_and_no_others() -> None:
    evidence = weighed(proofs())
    told = {each.promise.id for each in about(evidence, ("no-network",)).standings}
    assert told == {"unauthorised-use", "held-securely"}
    assert about(evidence, ()) == evidence


def test_the_last_line_counts_one_promise_as_one() -> None:
    found = proofs() | {"destruction-is-final": proofs(Verdict.BROKEN)["destruction-is-final"]}
    assert last_line(weighed(found)).startswith(f"1 promise of {len(REGISTER.promises)} needs somebody")


def test_the_page_says_whose_notice_it_prints() -> None:
    page = render_page(REGISTER, weighed(proofs()), made_up=False)
    before = page.partition('<div class="notice">')[0]
    assert f"This is {REGISTER.notice.publisher}’s notice, on which the programme was built." in before


@pytest.mark.parametrize("encoded", ["utf-8", "utf-16-le", "hex", "base64"])
def test_the_search_for_planted_values_finds_them_however_they_are_written(
    tmp_path: Path, encoded: str
) -> None:
    import base64

    content = f"a row with {NINO} in it".encode()
    if encoded == "utf-16-le":
        content = content.decode().encode("utf-16-le")
    elif encoded == "hex":
        content = content.hex().encode()
    elif encoded == "base64":
        content = base64.b64encode(content)
    (tmp_path / "file").write_bytes(content)
    assert found_in(tmp_path)[1] != []
    assert found_in(tmp_path, beside=[tmp_path / "file"]) == (0, [])
