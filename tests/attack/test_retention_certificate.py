"""A certificate that was altered, or signed by others, does not verify: neither here nor on its own."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from families_first.errors import UserError
from families_first.governance.identity import read_identity
from families_first.governance.notes import Verifier, sign_note
from families_first.governance.retention.certificates import verify_certificate
from families_first.governance.retention.destroying import destroy
from families_first.governance.retention.records import Certificate, read_record
from families_first.governance.retention.shares import prepare_share_statement
from made_up_records import CLASS, CUSTODIANS, OWNER, Programme, programme_in, public_key, signer_for

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "verify-certificate.py"


@pytest.fixture(scope="module")
def programme(tmp_path_factory: pytest.TempPathFactory) -> Programme:
    programme = programme_in(tmp_path_factory.mktemp("certificate") / "home")
    programme.keep()
    shares = programme.hand_out_shares()
    programme.end()
    programme.clock.go_to(date(2033, 3, 31))
    destroy(programme.desk("custodian-a"), CLASS)
    text = prepare_share_statement(
        programme.home.name,
        CLASS,
        share=shares[0],
        custodian=CUSTODIANS[0],
        method="Paper shredded",
        destroyed_on=date(2033, 3, 31),
    )
    programme.enter(text, CUSTODIANS[0], by=CUSTODIANS[0])
    destroy(programme.desk("custodian-a"), CLASS)
    programme.enter((programme.home.outbox / f"certificate-{CLASS}.txt").read_text(), OWNER)
    return programme


def note_of(programme: Programme) -> str:
    [path] = programme.home.retention.glob("*-certificate-*.note")
    return path.read_text()


def keys_of(programme: Programme) -> list[str]:
    return [read_identity(programme.home.root / "identity.toml").signing, public_key(OWNER)]


def both_say(note: str, keys: list[str], folder: Path, *more: str) -> tuple[bool, bool]:
    """Return what the program and the script say of a certificate."""
    path = folder / "certificate.note"
    path.write_text(note)
    script = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(path), *keys, *more],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (script.returncode == 0) == script.stdout.startswith("VERIFIED")
    try:
        verify_certificate(note, [Verifier.parse(key, where="") for key in keys], where="certificate")
    except UserError:
        return False, script.returncode == 0
    return True, script.returncode == 0


def test_the_true_certificate_verifies_with_both(programme: Programme, tmp_path: Path) -> None:
    assert both_say(note_of(programme), keys_of(programme), tmp_path) == (True, True)


def test_a_custodians_statement_is_checked_against_the_certificate(
    programme: Programme, tmp_path: Path
) -> None:
    [statement] = programme.home.retention.glob("*-share-destroyed-*.note")
    known = [*keys_of(programme), public_key(CUSTODIANS[0])]
    assert both_say(note_of(programme), known, tmp_path, "--statement", str(statement)) == (True, True)
    other = tmp_path / "other.note"
    other.write_text(statement.read_text().replace("shredded", "burnt"))
    assert both_say(note_of(programme), known, tmp_path, "--statement", str(other)) == (True, False)


@pytest.mark.parametrize(
    ("what", "pattern", "instead"),
    [
        ("the day", "destroyed_on = 2033-03-31", "destroyed_on = 2033-03-30"),
        ("the class", CLASS, "programme-2027"),
        ("an outstanding share", 'statement = ""', f'statement = "{"0" * 64}"'),
        ("the audit root", r'audit_root = "[0-9a-f]{4}', 'audit_root = "0000'),
        ("a sentence on what is left", "2 open it", "9 open it"),
        ("a line end", "\n\n\\[\\[shares", "\n \n[[shares"),
    ],
)
def test_an_altered_certificate_is_refused_by_both(
    programme: Programme, tmp_path: Path, what: str, pattern: str, instead: str
) -> None:
    note = note_of(programme)
    altered = re.sub(pattern, instead, note, count=1)
    assert altered != note, what
    assert both_say(altered, keys_of(programme), tmp_path) == (False, False)


def test_a_certificate_without_one_of_its_two_signatures_is_refused_by_both(
    programme: Programme, tmp_path: Path
) -> None:
    lines = note_of(programme).splitlines(keepends=True)
    for signer in (OWNER, programme.home.name):
        less = "".join(each for each in lines if not each.startswith(f"\N{EM DASH} {signer} "))
        assert both_say(less, keys_of(programme), tmp_path) == (False, False)


def test_a_certificate_signed_by_strangers_under_the_right_names_is_refused_by_both(
    programme: Programme, tmp_path: Path
) -> None:
    body = note_of(programme).partition("\n\n\N{EM DASH}")[0] + "\n"
    stranger = type(signer_for(OWNER))
    forged = sign_note(
        body, stranger.from_seed(programme.home.name, bytes(32)), stranger.from_seed(OWNER, bytes(31) + b"x")
    )
    assert both_say(forged, keys_of(programme), tmp_path) == (False, False)


def test_another_signed_record_is_no_certificate(programme: Programme, tmp_path: Path) -> None:
    [decision] = programme.home.retention.glob("*-programme-end-*.note")
    assert both_say(decision.read_text(), keys_of(programme), tmp_path) == (False, False)


def test_the_script_imports_nothing_but_the_standard_library() -> None:
    imported = set(re.findall(r"^(?:import|from) (\w+)", SCRIPT.read_text(), re.MULTILINE))
    assert imported <= sys.stdlib_module_names
    assert len(SCRIPT.read_text().splitlines()) <= 140


def test_the_certificate_says_nothing_personal_and_what_is_outstanding(programme: Programme) -> None:
    record = read_record(note_of(programme), where="certificate")
    assert isinstance(record, Certificate)
    assert len(record.outstanding) == 2
    assert "Made-Up Person" not in note_of(programme)
