"""Every command, as everybody of a council and of a data owner, on every parcel of a study: no linked row."""

import io
import shutil
import sys
import typing
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from cyclopts import App

from families_first.assurance.bench import Bench
from families_first.assurance.checks.linked_rows import LINKED
from families_first.assurance.every_permit import EveryPermit
from families_first.assurance.small_study import INBOX, PROJECT, SmallStudy, copy_of
from families_first.assurance.study_records import COUNCIL, mark_of
from families_first.cli.main import app, exit_code_of
from families_first.errors import ExitCode
from families_first.governance.home import Home
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.staff import read_staff
from families_first.governance.vault import Vault
from families_first.governance.vault.holdings import index_of
from families_first.governance.zone_file import Zone

NOT_A_HOMES = {"demo", "simulate national", "simulate county", "simulate sources", "assure", "study run"}
"""Commands that make homes of their own, or take minutes and read nothing of another home."""

VALUES = {
    "--to": "written-by-the-attack",  # in the folder in which the command runs
    "--out": "written-by-the-attack",
    "--day": "2030-01-01",
    "--ended": "2026-01-01",
    "--contents": "payload",
    "--reason": "Somebody made up would like to see what the researchers have linked together.",
    "--holder": "made-up:council:written-by-the-attack.txt",
}
"""What a needed option gets; others get the project's name, a number or a parcel."""


@dataclass(frozen=True)
class Command:
    """A command of the program: its words, and what must be given to it."""

    words: tuple[str, ...]
    needs: tuple[tuple[str, str], ...]  # name of an option, empty for a place; its kind
    takes_as: bool


def commands_of(group: App, words: tuple[str, ...] = ()) -> Iterator[Command]:
    """Yield every command that takes ``--home``."""
    for name in group:
        if name.startswith("-"):
            continue
        found = group[name]
        if [each for each in found if not each.startswith("-")]:
            yield from commands_of(found, (*words, name))
            continue
        arguments = found.assemble_argument_collection()
        if any("--home" in each.names for each in arguments):
            needs = tuple(
                ("" if each.field_info.is_positional else each.names[0], kind_of(each.hint))
                for each in arguments
                if each.required
            )
            yield Command((*words, name), needs, any("--as" in each.names for each in arguments))


def kind_of(hint: object) -> str:
    """Return what an argument is: a path, a number, a flag or a word."""
    if hint is bool:
        return "flag"
    kinds = [hint, *typing.get_args(hint)]
    return "path" if Path in kinds else "number" if int in kinds or float in kinds else "word"


COMMANDS = [each for each in commands_of(app) if " ".join(each.words) not in NOT_A_HOMES]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    return Bench((), tmp_path_factory.mktemp("pattern")).study(to_its_end=True)


@pytest.fixture
def study(pattern: SmallStudy, tmp_path: Path) -> SmallStudy:
    return copy_of(pattern, tmp_path / "study")


def rows_worth_having(study: SmallStudy) -> set[str]:
    """Return what stands in linked rows and in no owner's own records: every pseudonym."""
    return {str(each) for name in ("person", "family") for each in study.links()[name].to_pylist() if each}


def parcels(study: SmallStudy) -> list[Path]:
    """Return one parcel of each kind of the study, and every locked one."""
    found: dict[tuple[object, ...], Path] = {}
    for home in (study.homes.linkage, study.homes.research, study.homes.publication):
        for path in sorted((home.inbox / INBOX).glob("*.parcel")):
            manifest = read_parcel_file(path).manifest
            kinds = tuple(sorted(f"{each.contents}" for each in manifest.recipients))
            found.setdefault((kinds, bool(manifest.locked)), path)
    return list(found.values())


def tried(command: Command, home: Home, person: str, given: str) -> tuple[int, str]:
    """Run a command; return its exit code and all that it said."""
    line = [*command.words]
    for name, kind in command.needs:
        value = VALUES.get(name) or {"path": given, "number": "1"}.get(kind, PROJECT)
        line += [each for each in (name, "" if kind == "flag" else value) if each]
    line += ["--as", person] if command.takes_as else []
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = exit_code_of([*line, "--home", str(home.root), "--json"])
    return code, out.getvalue() + err.getvalue()


def agencies(study: SmallStudy) -> list[tuple[str, Home]]:
    return [(owner, study.owners[owner]) for owner in (COUNCIL, "education")]


def test_the_commands_are_those_that_work_on_a_home() -> None:
    words = {" ".join(each.words) for each in COMMANDS}
    assert len(words) > 50
    assert {"parcel open", "study extract", "study link", "study ask", "evaluate", "match"} - words <= {
        "match"
    }


@pytest.mark.slow
@pytest.mark.parametrize("owner", [COUNCIL, "education"])
def test_no_command_of_an_agency_reaches_a_linked_row(
    study: SmallStudy, owner: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = study.owners[owner]
    wanted = rows_worth_having(study)
    others = {
        mark_of(of, reference)
        for of, marks in study.sources.marks.items()
        if of != owner
        for reference in marks
    }
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    pattern = tmp_path / "as-it-was"
    shutil.copytree(home.root, pattern)
    before = files_in(study.folder, tmp_path)
    table: dict[tuple[str, str], list[int]] = {}
    misused = 0
    for person in read_staff(home).people.values():
        for command in COMMANDS:
            places = [str(each) for each in parcels(study)] if takes_a_path(command) else [""]
            for place in places:
                code, said = tried(command, home, person.id, place)
                through = bool(words_in(said) & (wanted | others))
                row = table.setdefault((person.roles[0], " ".join(command.words)), [0, 0])
                row[0] += 1
                misused += code == ExitCode.USAGE
                row[1] += through
                assert not (code == ExitCode.OK and command.words == ("parcel", "open"))
        assert nothing_linked(home)
        shutil.rmtree(home.root)  # what a command destroyed is there again for the next person
        shutil.copytree(pattern, home.root)
    total = sum(times for times, _ in table.values())
    assert total > 400
    assert misused < total / 10, "most commands must get as far as to be refused or done"
    assert [key for key, (_, through) in table.items() if through] == []
    new = files_in(study.folder, tmp_path) - before
    assert not [path for path in new if path.is_file() and words_in_file(path) & wanted]


def takes_a_path(command: Command) -> bool:
    return any(kind == "path" for _, kind in command.needs)


def words_in(text: str) -> set[str]:
    return set(text.replace('"', " ").replace(",", " ").replace("\\", " ").split())


def words_in_file(path: Path) -> set[str]:
    return words_in(path.read_bytes().decode("utf-8", "ignore"))


def files_in(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*")}


def nothing_linked(home: Home) -> bool:
    kinds = {each.kind for each in index_of(Home.open(home.root)).entries}
    return not kinds & (LINKED | {"parcel"})


@pytest.mark.slow
def test_the_words_that_are_looked_for_are_there_to_be_found(study: SmallStudy) -> None:
    """The search is worth nothing if what it looks for could not be recognised."""
    wanted = rows_worth_having(study)
    vault = Vault(EveryPermit(study.homes.research))
    read = [vault.read(each, table) for each in vault.list("linked") for table in each.tables]
    told = " ".join(str(row) for table in read for row in table.slice(0, 500).to_pylist()).replace("'", " ")
    assert words_in(told) & wanted
    assert any(f"made-up-mark-{owner}-" in told for owner in ("education", "justice"))


@pytest.mark.slow
def test_the_keys_of_everybody_else_open_no_linked_row(study: SmallStudy, tmp_path: Path) -> None:
    """Every file of keys that a home has, put singly and together into the place of the researchers'."""
    research = study.homes.research
    held = [
        (each, table)
        for kind in ("linked", "extract", "outcomes")
        for each in Vault(EveryPermit(research)).list(kind)
        for table in each.tables
    ]
    assert held
    names = {path.name for path in research.keys.iterdir() if path.is_file()}
    for number, home in enumerate(study.homes.each()):
        if home.zone is Zone.RESEARCH:
            continue
        copy = tmp_path / f"robbed-{number}"
        shutil.copytree(research.root, copy)
        for path in (copy / "keys").iterdir():
            if path.is_file():
                path.unlink()
        theirs = [path for path in home.keys.iterdir() if path.is_file()]
        for own in theirs:
            for name in {own.name, *names}:
                shutil.copyfile(own, copy / "keys" / name)
                (copy / "keys" / name).chmod(0o600)
            for dataset, table in held:
                with pytest.raises(Exception) as refusal:  # noqa: PT011 - a key of another kind may not parse
                    Vault(EveryPermit(Home.open(copy))).read(dataset, table)
                assert not isinstance(refusal.value, AssertionError)
