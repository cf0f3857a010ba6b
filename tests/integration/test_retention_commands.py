"""The whole way on the command line: from a decision to a certificate; backup and restoring."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyrage
import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.keys.personal import make_personal_key
from families_first.governance.staff import read_staff, write_staff
from made_up_records import CLASS, CUSTODIANS, OFFICER, OWNER, Programme, programme_in

VERIFIER = Path(__file__).resolve().parents[2] / "scripts" / "verify-certificate.py"
PASSPHRASE = "made up, long enough and never used again"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the personal keys of the people who decide, once: a passphrase is slow on purpose."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "passphrase").touch(mode=0o600)
    (folder / "passphrase").write_text(PASSPHRASE + "\n")
    for person in (OWNER, OFFICER, CUSTODIANS[0]):
        verifier = make_personal_key(folder / person, person, PASSPHRASE)
        (folder / f"{person}.public").write_text(f"{verifier}\n")
    return folder


@pytest.fixture
def programme(tmp_path: Path, people: Path) -> Programme:
    programme = programme_in(tmp_path / "home")
    staff = read_staff(programme.home).people
    write_staff(
        programme.home,
        *(
            person.model_copy(update={"signing": (people / f"{person.id}.public").read_text().strip()})
            if (people / f"{person.id}.public").exists()
            else person
            for person in staff.values()
        ),
    )
    return programme


def run(*arguments: object, code: int = ExitCode.OK, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command with ``--json`` and return what it printed."""
    capsys.readouterr()
    assert exit_code_of([*map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_from_the_signed_end_to_a_certificate_that_a_stranger_verifies(
    programme: Programme, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", programme.home.root)
    passphrase = ("--passphrase-from", people / "passphrase")
    programme.keep()
    decision = tmp_path / "decision.txt"
    run(
        *("retention", "end-programme", "--programme", "Made-Up Families First", "--ended", "2020-02-29"),
        *("--reason", "The made-up funding ended", "--to", decision, "--as", OWNER, *home),
        capsys=capsys,
    )
    refused = run(
        "retention", "record", decision, "--as", OWNER, *home, code=ExitCode.BAD_FILE, capsys=capsys
    )
    assert "not a signed document" in refused["error"]["what"]
    nothing = ("retention", "record", tmp_path / "no.txt", "--as", OWNER)
    told = run(*nothing, *home, code=ExitCode.NOT_FOUND, capsys=capsys)
    assert told["error"]["what"] == "There is no file of this name here"
    run("retention", "sign", decision, "--key", people / OWNER, *passphrase, capsys=capsys)
    entered = run("retention", "record", decision, "--as", OWNER, *home, capsys=capsys)
    assert entered["days"] == {CLASS: "2026-02-28"}
    status = run("retention", "status", *home, capsys=capsys)
    assert {each["id"]: each["state"] for each in status["classes"]}[CLASS] == "due"

    going = run("retention", "destroy", CLASS, "--dry-run", "--as", CUSTODIANS[0], *home, capsys=capsys)
    assert (len(going["going"]["datasets"]), going["going"]["whole"]) == (1, True)
    assert (programme.home.keys / f"{CLASS}.key").exists()
    refused = run(
        "retention", "destroy", CLASS, "--as", "made-up-lead", *home, code=ExitCode.REFUSED, capsys=capsys
    )
    done = run("retention", "destroy", CLASS, "--as", CUSTODIANS[0], *home, capsys=capsys)
    assert not (programme.home.keys / f"{CLASS}.key").exists()

    certificate = programme.home.outbox / done["certificate"]
    run("retention", "sign", certificate, "--key", people / OWNER, *passphrase, capsys=capsys)
    entered = run("retention", "record", certificate, "--as", OWNER, *home, capsys=capsys)
    note = tmp_path / "certificate.note"
    shutil.copy(programme.home.retention / entered["file"], note)
    own = (programme.home.root / "identity.toml").read_text().partition('signing = "')[2].partition('"')[0]
    owner = (people / f"{OWNER}.public").read_text().strip()
    verified = run("retention", "verify", note, "--key", own, "--key", owner, capsys=capsys)
    assert set(verified["signers"]) == {OWNER, programme.home.name}
    status = run("retention", "status", *home, capsys=capsys)
    assert {each["id"]: each["state"] for each in status["classes"]}[CLASS] == "destroyed"

    stranger = [sys.executable, "-I", str(VERIFIER), str(note), own, str(people / f"{OWNER}.public")]
    told = subprocess.run(stranger, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert told.stdout.startswith("VERIFIED. Signed by: council.exampleshire-council, made-up-owner")


def test_an_extension_needs_its_second_signature(
    programme: Programme, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", programme.home.root)
    passphrase = ("--passphrase-from", people / "passphrase")
    decision, extension = tmp_path / "decision.txt", tmp_path / "extension.txt"
    run(
        *(
            "retention",
            "end-programme",
            "--programme",
            "Made-Up",
            "--ended",
            "2026-03-31",
            "--reason",
            "It ended",
        ),
        *("--to", decision, "--as", OWNER, *home),
        capsys=capsys,
    )
    run("retention", "sign", decision, "--key", people / OWNER, *passphrase, capsys=capsys)
    run("retention", "record", decision, "--as", OWNER, *home, capsys=capsys)
    run(
        *("retention", "extend", CLASS, "--day", "2033-01-01", "--reason", "A made-up inquiry"),
        *("--published", "Made-up minute 12", "--to", extension, "--as", OWNER, *home),
        capsys=capsys,
    )
    run("retention", "sign", extension, "--key", people / OWNER, *passphrase, capsys=capsys)
    told = run("retention", "record", extension, "--as", OWNER, *home, code=ExitCode.REFUSED, capsys=capsys)
    assert "data protection officer" in told["error"]["what"]
    run("retention", "sign", extension, "--key", people / OFFICER, *passphrase, capsys=capsys)
    run("retention", "record", extension, "--as", OWNER, *home, capsys=capsys)
    status = run("retention", "status", *home, capsys=capsys)
    found = {each["id"]: each for each in status["classes"]}[CLASS]
    assert (found["day"], found["extension"]) == ("2033-01-01", "A made-up inquiry (Made-up minute 12)")
    (programme.home.retention / "0002-extension-programme-2026.note").unlink()
    status = run("retention", "status", *home, code=ExitCode.PROMISE, capsys=capsys)
    assert {each["id"]: each for each in status["classes"]}[CLASS]["day"] == "2032-03-31"


def test_a_backup_is_made_listed_and_restored(
    programme: Programme, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", programme.home.root)
    programme.keep()
    identity = tmp_path / "identity.age"
    identity.touch(mode=0o600)
    secret = pyrage.x25519.Identity.generate()
    identity.write_text(f"{secret}\n")
    backup = tmp_path / "backup.age"
    made = run(
        *("backup", "make", "--to", backup, "--recipient", secret.to_public(), "--as", CUSTODIANS[0], *home),
        capsys=capsys,
    )
    listed = run("backup", "list", *home, capsys=capsys)
    assert [each["id"] for each in listed["backups"]] == [made["backup"]["id"]]
    keys = shutil.copytree(programme.home.keys, tmp_path / "keys")
    place = tmp_path / "restored"
    words = ("backup", "restore", backup, "--to", place, "--identity", identity, "--keys", keys)
    told = run(*words, "--as", CUSTODIANS[0], code=ExitCode.USAGE, capsys=capsys)
    assert "cannot know what died" in told["error"]["what"]
    restored = run(
        *words,
        *("--tombstones", programme.home.retention / "tombstones.note", "--as", CUSTODIANS[0]),
        capsys=capsys,
    )
    assert restored["restored"]["datasets"] == 1
    assert run("retention", "status", "--home", place, capsys=capsys)["faults"] == []


def test_a_statement_is_prepared_only_for_a_share_that_was_handed_out(
    programme: Programme, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programme.keep()
    shares = programme.hand_out_shares()
    statement = tmp_path / "share.txt"
    words = ("--method", "Paper shredded", "--to", statement, "--as", CUSTODIANS[0])
    command = ("retention", "sign-share-destroyed", CLASS)
    home = ("--home", programme.home.root)
    told = run(*command, "0" * 16, *words, *home, code=ExitCode.REFUSED, capsys=capsys)
    assert "No share of this id" in told["error"]["what"]
    assert not statement.exists()
    run(*command, shares[0], *words, *home, capsys=capsys)
    assert shares[0] in statement.read_text()
