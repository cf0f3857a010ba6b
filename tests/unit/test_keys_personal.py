"""A person's signing key opens with its passphrase alone, and shows its public half to anybody."""

import hashlib
import stat
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.keys import passphrase_keys
from families_first.governance.keys.personal import make_personal_key, personal_signer, personal_verifier
from families_first.governance.notes import read_note, sign_note

PASSPHRASE = "made-up horse battery staple"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase_keys, "_COST", 2**10)


def test_a_personal_key_signs_what_its_public_half_verifies(tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    verifier = make_personal_key(path, "responsible-owner", PASSPHRASE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert personal_verifier(path) == verifier
    note = sign_note("The programme ended.\n", personal_signer(path, PASSPHRASE))
    assert read_note(note, [verifier], where="test").signers == ("responsible-owner",)


def test_a_wrong_passphrase_is_refused_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    make_personal_key(path, "custodian", PASSPHRASE)
    with pytest.raises(UserError, match="not the passphrase") as refusal:
        personal_signer(path, "another made-up passphrase")
    assert refusal.value.code == ExitCode.VAULT
    assert "another made-up" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "passphrase", "told"),
    [
        ("two words", PASSPHRASE, "no spaces and no plus signs"),
        ("custodian", "short", "shorter than 15"),
    ],
)
def test_a_key_that_could_not_be_used_safely_is_not_made(
    tmp_path: Path, name: str, passphrase: str, told: str
) -> None:
    with pytest.raises(UserError, match=told) as refusal:
        make_personal_key(tmp_path / "mine.key", name, passphrase)
    assert refusal.value.code == ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_typed_on_another_keyboard_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    make_personal_key(path, "custodian", "caf\u00e9 battery staple")
    assert personal_signer(path, "cafe\u0301 battery staple").name == "custodian"


def test_a_personal_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    make_personal_key(path, "custodian", PASSPHRASE)
    before = path.read_bytes()
    with pytest.raises(UserError, match="file of this name already"):
        make_personal_key(path, "custodian", PASSPHRASE)
    assert path.read_bytes() == before


def test_a_key_of_somebody_else_under_my_name_is_refused(tmp_path: Path) -> None:
    """The public half in the file is bound to the private one, so that neither can be exchanged alone."""
    mine, other = tmp_path / "mine.key", tmp_path / "other.key"
    make_personal_key(mine, "custodian", PASSPHRASE)
    make_personal_key(other, "custodian", PASSPHRASE)
    lines, others = mine.read_text().splitlines(), other.read_text().splitlines()
    body = "\n".join([*lines[:2], others[2], *lines[3:5]]) + "\n"
    mine.write_text(body + f"check: {hashlib.sha256(body.encode()).hexdigest()}\n")
    with pytest.raises(UserError):
        personal_signer(mine, PASSPHRASE)
