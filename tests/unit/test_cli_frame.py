"""What a person or a program sees when a command succeeds, is used wrongly, or fails."""

import errno
import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

import pytest

from families_first.cli import main
from families_first.cli.output import Sheet, as_json, as_plain_text, emit
from families_first.errors import ExitCode, UserError


def _fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(main, "app", fail)


REFUSAL = UserError("The file has no header", where="a.csv, line 1", fix="Add one.", code=ExitCode.BAD_FILE)


def test_a_user_error_is_told_in_text_with_its_own_exit_code(monkeypatch, capsys):
    _fail_with(REFUSAL, monkeypatch)
    assert main.exit_code_of(["anything"]) == 10
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Error: The file has no header\nWhere: a.csv, line 1\nTo do: Add one.\n"


def test_with_json_a_user_error_is_a_document_on_standard_output(monkeypatch, capsys):
    _fail_with(REFUSAL, monkeypatch)
    assert main.exit_code_of(["anything", "--json"]) == 10
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == {"error": REFUSAL.as_dict()}


@pytest.mark.parametrize("arguments", [["anything"], ["anything", "--json"]])
def test_an_unforeseen_error_never_prints_its_own_text(arguments, monkeypatch, capsys):
    _fail_with(ValueError("cannot convert 'Secret Name' to date"), monkeypatch)
    assert main.exit_code_of(arguments) == ExitCode.FAILED_UNEXPECTEDLY
    told = "".join(capsys.readouterr())
    assert "Secret Name" not in told
    assert "ValueError" in told
    assert "line " in told


def test_the_traceback_is_printed_only_on_demand(monkeypatch, capsys):
    monkeypatch.setenv("FAMILIES_FIRST_DEBUG", "1")
    _fail_with(ValueError("the detail"), monkeypatch)
    main.exit_code_of(["anything"])
    assert "the detail" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError(errno.ENOSPC, "full"), OSError(errno.EDQUOT, "quota")]
)
def test_running_out_of_memory_or_disk_has_its_own_exit_code(error, monkeypatch):
    _fail_with(error, monkeypatch)
    assert main.exit_code_of(["anything"]) == ExitCode.RESOURCE


def test_a_file_that_may_not_be_read_is_told_by_its_name_alone(monkeypatch, capsys):
    _fail_with(PermissionError(errno.EACCES, "denied", "/somewhere/private/agreements.toml"), monkeypatch)
    assert main.exit_code_of(["anything"]) == ExitCode.RESOURCE
    told = capsys.readouterr().err
    assert "agreements.toml" in told
    assert "somewhere" not in told


def test_an_interrupted_command_leaves_with_the_code_shells_expect(monkeypatch, capsys):
    _fail_with(KeyboardInterrupt(), monkeypatch)
    assert main.exit_code_of(["anything"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"]])
def test_a_wrong_command_line_is_a_usage_error_that_points_to_help(arguments, capsys):
    assert main.exit_code_of(arguments) == ExitCode.USAGE
    assert "--help" in capsys.readouterr().err


def test_help_loads_neither_a_command_nor_a_heavy_library():
    program = (
        "import sys; from families_first.cli import main; code = main.exit_code_of(['--help']);"
        "heavy = {'pyarrow', 'duckdb', 'splink', 'altair', 'faker', 'numpy', 'pydantic'} & set(sys.modules);"
        "assert code == 0 and not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


@dataclass(frozen=True)
class _Finding:
    on: date
    places: tuple[str, ...]


def test_json_holds_dates_results_and_file_names_but_no_folder():
    document = {
        "finding": _Finding(date(2026, 9, 30), ("a",)),
        "file": Path("/somewhere/private/a.csv"),
        "kinds": {"b", "a"},
    }
    assert json.loads(as_json(document)) == {
        "finding": {"on": "2026-09-30", "places": ["a"]},
        "file": "a.csv",
        "kinds": ["a", "b"],
    }


def test_a_piped_sheet_is_plain_aligned_text():
    sheet = Sheet(["Source", "Rows"], [["police", 12000], ["asb", None]], title="Feeds")
    assert as_plain_text(sheet) == "Feeds\nSource    Rows\npolice  12,000\nasb"


def test_a_sheet_without_rows_prints_its_headings():
    assert as_plain_text(Sheet(["Source", "Rows"], [])) == "Source  Rows"


def test_on_a_terminal_a_sheet_is_drawn_and_markup_in_it_is_left_alone():
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    emit({}, json=False, show=[Sheet(["Rule"], [["[bold]odd[/bold]"]])], stream=screen)
    assert "[bold]odd[/bold]" in screen.getvalue()
    assert "─" in screen.getvalue()
