"""The command ``families-first``: its groups of commands, and what a person sees when something goes wrong.

Command modules are named here and imported only when used, so that ``families-first --help`` answers at once.
"""

import errno
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError

from families_first import __version__
from families_first.cli.options import checkpoint_what_was_done
from families_first.cli.output import emit
from families_first.errors import ExitCode, UserError

# name, module and attribute, what it does
_COMMANDS = (
    ("init", "init:init", "Make an organisation's home, with a starter agreement and mapping."),
    ("agreements", "agreements:app", "Check and show data-sharing agreements."),
    ("mapping", "mapping:app", "Suggest, check and export the mapping of a source's files."),
    ("deliveries", "deliveries:app", "Check and land what agencies send, and see each feed's health."),
    ("match", "match:match", "Link or de-duplicate people in any files you have."),
    ("review", "review:app", "Decide pairs of records that the model leaves to a person."),
    ("families", "families:app", "Form families from matched people, and show one."),
    ("identify", "identify:app", "Find families that meet published criteria, and explain each."),
    ("run", "run:run", "Land everything in the inbox, match, form families and identify."),
    ("policy", "policy:app", "Show who may do what, and explain a decision."),
    ("audit", "audit:app", "Verify, read, checkpoint and export the log of every decision and act."),
    ("keys", "keys:app", "Make, split, rotate and forget keys; the custodians' ceremony."),
    ("parcel", "parcel:app", "Seal, inspect and open what passes between homes."),
    ("protocol", "protocol:app", "Check what a study plans, read it in plain words, and seal it."),
    ("study", "study:app", "Split, link and release records for a study, each in its own zone."),
    ("evaluate", "evaluate:evaluate", "Answer what a protocol asks, each with an interval and a verdict."),
    ("retention", "retention:app", "Say what is kept until when, and destroy it with a certificate."),
    ("backup", "backup:app", "Back a home up for its custodians, and restore it."),
    ("assure", "assure:assure", "Try to break every promise of the notice, and show what holds."),
    ("simulate", "simulate:app", "Make a made-up county or study with the truth known."),
    ("demo", "demo:demo", "Show both halves: from files to nominated families, from links to effects."),
)

_INTERRUPTED = 130  # what shells expect of a program stopped by Ctrl-C

app = App(
    name="families-first",
    help="Identify and support families, link and learn, and keep every promise of the public notice.",
    version=__version__,
    help_format="markdown",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
for _name, _place, _help in _COMMANDS:
    app.command(f"families_first.cli.{_place}", name=_name, help=_help)


def run() -> None:
    """Run the command line of this process and leave with its exit code."""
    sys.exit(exit_code_of(sys.argv[1:]))


def exit_code_of(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    Standard output gets the result, and with ``--json`` the error too; standard error gets errors as text. An
    error that nobody foresaw is told without its own text, which may hold a value from somebody's record.
    """
    json = "--json" in arguments
    debug = os.environ.get("FAMILIES_FIRST_DEBUG") == "1"
    if not debug:
        warnings.simplefilter("ignore")  # a library's warning may quote a value
    try:
        return _run(arguments, json=json, debug=debug)
    finally:
        checkpoint_what_was_done()


def _run(arguments: Sequence[str], *, json: bool, debug: bool) -> int:
    try:
        result = app(list(arguments), exit_on_error=False, print_error=False)
    except UserError as error:
        return _tell(error, json=json)
    except CycloptsError as error:
        return _tell(_usage_error(error), json=json)
    except KeyboardInterrupt:
        emit({}, json=False, show=["Stopped."], stream=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as with `| head`; closing quietly needs a live file for Python's last flush.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - stays open until the process ends
        return ExitCode.OK
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _tell(_without_its_text(error), json=json)
    return result if isinstance(result, int) else ExitCode.OK


def _tell(error: UserError, *, json: bool) -> int:
    lines = [f"Error: {error.what}", f"Where: {error.where}" if error.where else "", f"To do: {error.fix}"]
    emit(
        {"error": error.as_dict()},
        json=json,
        show=[line for line in lines if line],
        stream=None if json else sys.stderr,
    )
    return error.code


def _usage_error(error: CycloptsError) -> UserError:
    command = " ".join(["families-first", *(error.command_chain or ())])
    return UserError(str(error).strip(), where="", fix=f"See `{command} --help`.", code=ExitCode.USAGE)


def _without_its_text(error: Exception) -> UserError:
    if isinstance(error, MemoryError):
        return UserError(
            "There was not enough memory to finish.",
            fix="Nothing half-done was kept. Close other programs or use a larger machine, then try again.",
            code=ExitCode.RESOURCE,
        )
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return UserError(
            "The disk is full.",
            fix="Nothing half-done was kept. Free some space, then run it again.",
            code=ExitCode.RESOURCE,
        )
    if isinstance(error, PermissionError):
        return UserError(
            "This account may not read or write something that is needed.",
            where=Path(error.filename).name if isinstance(error.filename, str) else "",
            fix="Use the account that made the home, or have the permissions changed, then run it again.",
            code=ExitCode.RESOURCE,
        )
    return UserError(
        f"Something went wrong inside Families First ({type(error).__name__}). Its own message is withheld, "
        "because it may hold a value from a record.",
        where=_place_of(error),
        fix="Report it with the place named here. FAMILIES_FIRST_DEBUG=1 prints everything, values included: "
        "keep that output as you would the data.",
        code=ExitCode.FAILED_UNEXPECTEDLY,
    )


def _place_of(error: Exception) -> str:
    """Return the innermost function of ours on the way to the error, with its line."""
    frames = [
        (str(frame.f_globals.get("__name__", "")), frame.f_code.co_name, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [place for place in frames if place[0].startswith("families_first.")] or frames
    module, function, line = ours[-1]
    return f"{module}.{function}, line {line}"
