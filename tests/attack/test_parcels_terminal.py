"""A stranger's parcel, shown before anything of it is proved, does not steer the terminal of who looks."""

import json
import sys
from pathlib import Path

import pytest

from families_first.cli.main import exit_code_of
from families_first.cli.output import Sheet, emit
from families_first.governance.notes import Signer
from families_first.governance.parcels import Manifest, ParcelRefusedError, Reason, inspect_parcel
from made_up_parcels import Circle, circle_in, resealed

STEERING = ["\x1b[2J", "\x07", "\x9b31m", "\x7f", "\r", "\n", "\u202e", "\u2066", "\u200f", "\u2028"]
SHOWN_AS_THEY_ARE = "\n\t"


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Circle:
    return circle_in(tmp_path_factory.mktemp("terminal"))


def renamed(name: str, part: str) -> object:
    def change(manifest: Manifest) -> Manifest:
        if part == "organisation":
            sender = manifest.sender.model_copy(update={"organisation": name})
            return manifest.model_copy(update={"sender": sender})
        if part == "file":
            first, *others = manifest.recipients
            return manifest.model_copy(
                update={"recipients": (first.model_copy(update={"file": name}), *others)}
            )
        first, *others = manifest.columns
        group, *groups = manifest.groups
        return manifest.model_copy(
            update={
                "columns": (first.model_copy(update={"name": name}), *others),
                "groups": (group.model_copy(update={"columns": (name,)}), *groups),
            }
        )

    return change


@pytest.mark.parametrize("part", ["column", "organisation", "file"])
@pytest.mark.parametrize("steering", STEERING, ids=ascii)
def test_a_manifest_with_a_name_that_steers_a_terminal_is_refused(
    circle: Circle, tmp_path: Path, steering: str, part: str
) -> None:
    stranger = Signer.from_seed("stranger", bytes(32))
    path = resealed(
        circle.send().path,
        tmp_path / "it.parcel",
        by=stranger,
        change=renamed(f"nino{steering}x", part),
    )
    with pytest.raises(ParcelRefusedError, match="has control characters in it") as refusal:
        inspect_parcel(path)
    assert refusal.value.reason == Reason.FORM


@pytest.mark.parametrize("json_wanted", [False, True])
def test_what_a_refusal_quotes_of_a_manifest_is_shown_without_control_characters(
    circle: Circle, tmp_path: Path, capsys: pytest.CaptureFixture[str], json_wanted: bool
) -> None:
    path = resealed(circle.send().path, tmp_path / "it.parcel", by=circle.council.home)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"made_at"', b'"\\u001b["'))
    assert exit_code_of(["parcel", "inspect", str(path), *(["--json"] if json_wanted else [])]) != 0
    told = capsys.readouterr()
    assert "\\u001b[" in told.out + told.err
    assert "\x1b" not in told.out + told.err


def test_a_signature_by_a_name_that_steers_a_terminal_is_refused(circle: Circle, tmp_path: Path) -> None:
    for name in ("\x1b[2J", "council\u202e", "\x9b2J"):
        signer = Signer.from_seed(name, bytes(32))
        path = resealed(circle.send().path, tmp_path / "it.parcel", by=signer)
        with pytest.raises(ParcelRefusedError, match="manifest of this parcel is damaged"):
            inspect_parcel(path)


@pytest.mark.parametrize("steering", STEERING, ids=ascii)
@pytest.mark.parametrize("terminal", [False, True])
def test_every_command_shows_what_would_steer_a_terminal_as_an_escape(
    steering: str, terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    name = f"a{steering}b"
    sheet = Sheet([name], [[name]], title=name)
    emit({}, json=False, show=[name, sheet])
    shown = capsys.readouterr().out
    if steering not in SHOWN_AS_THEY_ARE:
        assert name not in shown
        assert shown.count(f"\\u{ord(steering[0]):04x}") == 4
    emit({name: name}, json=True)
    written = capsys.readouterr().out
    assert json.loads(written) == {name: name}
    assert steering[0] not in written.replace("\n", "")


def test_names_in_any_script_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    names = "Zoë Łukasz Ωmega עברית عربى 漢字\tand a\nline"
    emit({}, json=False, show=[names])
    assert capsys.readouterr().out == names + "\n"
