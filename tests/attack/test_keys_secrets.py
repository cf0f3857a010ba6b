"""No secret of the keys is told: not printed, not logged, not in an error, not in a file it is not for."""

import base64
import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import made_up_key_service
from families_first.cli.keys import app
from families_first.cli.main import exit_code_of
from families_first.governance.home import Home
from families_first.governance.keys import passphrase_keys, provider_of
from families_first.governance.keys.commitments import Commitments
from families_first.governance.keys.shares import recover, words_of
from families_first.governance.keys.unlocking import close, opening_of
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.zone_file import KeysSection
from made_up_desk import open_desk

CLASS = PROGRAMME_CLASS.id
PASSPHRASE = "zyxmarker horse battery staple"
SUBJECT = "ZYXMARKERSUBJECT"
AS = "made-up-custodian"


class Shell:
    """Runs commands as a person would, and keeps everything that they tell."""

    def __init__(self, home: Home, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.told = ""
        self.commands: set[str] = set()
        self._patch = patch
        patch.chdir(home.root.parent)
        patch.setenv("FAMILIES_FIRST_HOME", str(home.root))
        patch.setenv("FAMILIES_FIRST_AS", AS)

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> int:
        """Run one command as a process of its own would: with nothing unlocked and nobody at the terminal."""
        close(self.home)
        self.commands.add(arguments[0])
        out, err = io.StringIO(), io.StringIO()
        with self._patch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            for name, value in environment.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = exit_code_of(["keys", *arguments])
        close(self.home)
        self.told += out.getvalue() + err.getvalue()
        return code

    def holders(self, name: str) -> list[str]:
        return [part for n in (1, 2, 3) for part in ("--holder", f"custodian-{n}:council:{name}-{n}.txt")]


def home_with(tmp_path: Path, provider: str, command: tuple[str, ...] = ()) -> Home:
    section = KeysSection.model_validate({"provider": provider, "command": command})
    home = Home.create(tmp_path / "home", zone="council", title="Exampleshire Council", keys=section)
    open_desk(home, "custodian")
    return home


def forms_of(secret: bytes) -> list[bytes]:
    return [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"="), repr(secret).encode()]


def words_in(path: Path) -> list[bytes]:
    """Return runs of words of a share: three together are told from ordinary text."""
    words = words_of(path.read_text(), where="").split()
    return [" ".join(words[i : i + 3]).encode() for i in range(4, 30)]


def check_untold(shell: Shell, secrets: list[bytes], *, but: set[str]) -> None:
    """Check that no secret was printed, nor lies in the home outside the files that are for it."""
    assert shell.told
    for secret in secrets:
        assert secret.decode("latin-1") not in shell.told
    for path in shell.home.root.rglob("*"):
        if path.is_file() and path.name not in but:
            content = path.read_bytes()
            for secret in secrets:
                assert secret not in content, path.name


def test_no_command_tells_a_master_share_or_subject_of_a_home_with_key_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(tmp_path, "files")
    shell = Shell(home, monkeypatch)
    secrets: list[bytes] = [SUBJECT.encode()]
    (tmp_path / "ids").write_text(SUBJECT + "\n")

    def keep_master() -> None:
        secrets.extend(forms_of(provider_of(home).newest_master(CLASS)))  # type: ignore[attr-defined]

    assert shell.run("make", "--json") == 0
    keep_master()
    for debug in ("0", "1"):
        Commitments(home).of([SUBJECT])
        assert (
            shell.run("forget", "ids" if debug == "0" else "-", stdin=SUBJECT, FAMILIES_FIRST_DEBUG=debug)
            == 0
        )
        keep_master()
    assert shell.run("forget", "ids", FAMILIES_FIRST_DEBUG="1") != 0
    assert shell.run("split", CLASS, *shell.holders("share")) == 0
    for number in (1, 2, 3):
        secrets += words_in(tmp_path / f"share-{number}.txt")
    assert shell.run("split", CLASS, *shell.holders("again"), FAMILIES_FIRST_DEBUG="1") != 0
    assert shell.run("check-shares", "share-1.txt", "share-2.txt", "--json") == 0
    assert shell.run("check-shares", "share-1.txt", FAMILIES_FIRST_DEBUG="1") != 0
    mistyped = tmp_path / "mistyped.txt"
    mistyped.write_text((tmp_path / "share-1.txt").read_text().replace("academic", "acid"))
    mistyped.chmod(0o600)
    assert shell.run("check-shares", "mistyped.txt", "share-2.txt", FAMILIES_FIRST_DEBUG="1") != 0
    (home.keys / f"{CLASS}.key").unlink()
    assert shell.run("recover", "share-1.txt", "share-3.txt") == 0
    assert shell.run("rotate", CLASS, "--json") == 0
    keep_master()
    for command in ("status", "shares", "ceremony"):
        assert shell.run(command) == 0
        assert shell.run(command, "--json") == 0
    (home.keys / f"{CLASS}.key").write_text("families-first key, version 1\nfor: x\nkey: aaaa\n")
    assert shell.run("rotate", CLASS, FAMILIES_FIRST_DEBUG="1") != 0
    check_untold(shell, secrets, but={f"{CLASS}.key"})
    commands = {name for name in app if not name.startswith("-")}
    assert shell.commands == commands - {"make-signing-key"}, "a command that this does not run"


def test_no_command_tells_a_passphrase_or_what_is_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(tmp_path, "passphrase")
    shell = Shell(home, monkeypatch)
    for name, text in (("pass", PASSPHRASE), ("wrong", PASSPHRASE + "r")):
        (tmp_path / name).write_text(text + "\n")
        (tmp_path / name).chmod(0o600)
    assert shell.run("make", "--unlock-with", "pass") == 0
    assert shell.run("rotate", CLASS, "--unlock-with", "wrong", FAMILIES_FIRST_DEBUG="1") != 0
    assert shell.run("rotate", CLASS, FAMILIES_FIRST_DEBUG="1") != 0
    assert shell.run("rotate", CLASS, FAMILIES_FIRST_UNLOCK_WITH="pass") == 0
    assert (
        shell.run("make-signing-key", "mine.key", "--name", "custodian-1", "--passphrase-from", "pass") == 0
    )
    assert shell.run("status", "--json") == 0
    opening_of(home).passphrase = PASSPHRASE
    master = provider_of(home).newest_master(CLASS)  # type: ignore[attr-defined]
    close(home)
    secrets = [b"zyxmarker", *forms_of(master)]
    check_untold(shell, secrets, but=set())
    assert b"zyxmarker" not in (tmp_path / "mine.key").read_bytes()


def test_a_passphrase_file_that_others_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(tmp_path, "passphrase")
    shell = Shell(home, monkeypatch)
    (tmp_path / "pass").write_text(PASSPHRASE)
    (tmp_path / "pass").chmod(0o644)
    assert shell.run("make", "--unlock-with", "pass") != 0
    assert "Other accounts on this machine may read this key" in shell.told
    assert "zyxmarker" not in shell.told


def test_no_command_tells_a_master_of_custodians(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = home_with(tmp_path, "custodians")
    shell = Shell(home, monkeypatch)
    assert shell.run("split", CLASS, *shell.holders("old")) == 0
    old = ["--unlock-with", "old-1.txt", "--unlock-with", "old-3.txt"]
    assert shell.run("rotate", CLASS, *shell.holders("new"), FAMILIES_FIRST_DEBUG="1") != 0
    assert shell.run("rotate", CLASS, *old, *shell.holders("new"), "--json") == 0
    assert shell.run("rotate", CLASS, *old, *shell.holders("more"), FAMILIES_FIRST_DEBUG="1") != 0
    secrets = [
        run for name in ("old", "new") for n in (1, 2, 3) for run in words_in(tmp_path / f"{name}-{n}.txt")
    ]
    for name in ("old", "new"):
        given = [("x", words_of((tmp_path / f"{name}-{n}.txt").read_text(), where="")) for n in (1, 2)]
        secrets += [form for master in recover(given) for form in forms_of(master)]
    check_untold(shell, secrets, but=set())


def test_a_key_service_s_complaints_are_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; sys.stderr.write('zyxmarker'); sys.stdout.write('zyxmarker'); sys.exit(3)"
    home = home_with(tmp_path, "command", (sys.executable, "-c", program))
    shell = Shell(home, monkeypatch)
    assert shell.run("make", FAMILIES_FIRST_DEBUG="1") != 0
    check_untold(shell, [b"zyxmarker"], but={"zone.toml"})


def test_the_key_of_a_service_never_comes_into_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "service.json"
    home = home_with(tmp_path, "command", (sys.executable, made_up_key_service.__file__, str(store)))
    shell = Shell(home, monkeypatch)
    assert shell.run("make") == 0
    Commitments(home).of([SUBJECT])
    assert shell.run("rotate", CLASS) == 0
    [master] = json.loads(store.read_text())[CLASS]
    check_untold(shell, [SUBJECT.encode(), *forms_of(bytes.fromhex(master))], but=set())


@pytest.mark.parametrize("secret", ["--passphrase", "--words", "--master", "--share"])
def test_no_option_takes_a_secret(secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = home_with(tmp_path, "files")
    shell = Shell(home, monkeypatch)
    for command in ("make", "status", "make-signing-key"):
        assert shell.run(command, secret, "zyxmarker") != 0


def test_a_process_that_comes_near_keys_leaves_no_core_dump(tmp_path: Path) -> None:
    home = home_with(tmp_path, "files")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from families_first.governance.home import Home\n"
        "from families_first.governance.keys import provider_of\n"
        "provider_of(Home.open(Path(sys.argv[1])))\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(home.root)], capture_output=True, check=True)
    assert done.stdout.strip() == b"(0, 0)"


def test_nothing_secret_shows_when_objects_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passphrase_keys, "_COST", 2**10)
    home = home_with(tmp_path, "passphrase")
    opening = opening_of(home)
    opening.passphrase = PASSPHRASE
    keys = provider_of(home)
    keys.make_master(CLASS)
    [master] = opening.masters.values()
    shown = "".join(map(repr, (opening, keys, vars(keys))))
    close(home)
    assert "zyxmarker" not in shown
    for form in forms_of(master):
        assert form.decode("latin-1") not in shown
