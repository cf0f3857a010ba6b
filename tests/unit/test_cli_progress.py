"""Progress shows itself only to somebody who has waited at a terminal."""

import sys
import time
from io import StringIO

import pytest

from families_first.cli import progress as progress_module
from families_first.cli.progress import progress


class Screen(StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def _work(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, patience: float, seconds: float) -> str:
    screen = Screen(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress_module, "_PATIENCE_SECONDS", patience)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Reading", total=10) as steps:
        steps.describe("Matching")
        steps.advance(5)
        time.sleep(seconds)
    return screen.getvalue()


def test_nothing_is_shown_when_standard_error_is_not_a_terminal(monkeypatch):
    assert _work(monkeypatch, terminal=False, patience=0, seconds=0.1) == ""


def test_nothing_is_shown_when_the_work_is_quick(monkeypatch):
    assert _work(monkeypatch, terminal=True, patience=60, seconds=0) == ""


def test_work_that_takes_long_at_a_terminal_shows_its_step_and_share(monkeypatch):
    shown = _work(monkeypatch, terminal=True, patience=0, seconds=0.5)
    assert "Matching" in shown
    assert "50%" in shown


def test_an_error_in_the_work_passes_through(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Screen(terminal=True))
    with pytest.raises(ZeroDivisionError), progress("Reading"):
        raise ZeroDivisionError
