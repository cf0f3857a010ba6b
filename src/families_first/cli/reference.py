"""The reference pages that are written from the code.

``make docs`` writes them, and a test fails when one is stale.
"""

import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from families_first.errors import ExitCode

_NOTE = "<!-- Written from the code by `make docs`; change the code, not this page. -->"

_MEANINGS: Mapping[ExitCode, tuple[str, str]] = {
    ExitCode.OK: ("Done.", "Nothing."),
    ExitCode.FAILED_UNEXPECTEDLY: (
        "Something that nobody foresaw.",
        "Report the place that the message names. Nothing half-done was kept.",
    ),
    ExitCode.USAGE: ("The command line is not one that the program knows.", "Look at `--help`."),
    ExitCode.BAD_FILE: (
        "A file cannot be read as what it should be, or is hostile.",
        "Do what the message says, or ask the sender for the file again.",
    ),
    ExitCode.BAD_MAPPING: (
        "A mapping has faults, or does not fit its file.",
        "Correct every fault that the message lists.",
    ),
    ExitCode.AGREEMENT: (
        "No agreement in force allows this read.",
        "Look at sender, purpose, dates and columns; amend or renew the agreement with the other parties.",
    ),
    ExitCode.QUARANTINE_LIMIT: (
        "More rows would be quarantined than the mapping allows; nothing landed.",
        "Look at the first reasons: most often the layout or the order of dates has changed.",
    ),
    ExitCode.HOME: (
        "The folder is no home, or its home is damaged.",
        "Name the right folder, or make one with `init`.",
    ),
    ExitCode.VAULT: (
        "Something in the vault is damaged, missing or of another key.",
        "Bring the vault back from its backup. Do not go on with what is left.",
    ),
    ExitCode.CRITERIA: ("A criteria pack has faults.", "Correct every fault that the message lists."),
    ExitCode.NOT_FOUND: (
        "There is no such family, person, delivery or pack.",
        "Look at the list that the message names.",
    ),
    ExitCode.RESOURCE: (
        "Memory, disk or time ran out, or another command holds the home.",
        "Free what is short, or wait, then run it again. Nothing half-done was kept.",
    ),
    ExitCode.REFUSED: (
        "The program refuses on purpose.",
        "The message says which rule forbids it and who may change it.",
    ),
    ExitCode.AUDIT: (
        "The audit log could not be written, or is not as it was written; what was asked was not done.",
        "Do what the message says before anything else; without the log nothing is read or changed.",
    ),
    ExitCode.PARCEL: (
        "A parcel is refused: damaged, replayed, not for this home, or on a way that is forbidden.",
        "The message says which; ask the sender for it again, or leave it.",
    ),
    ExitCode.PROMISE: (
        "A promise of the notice is not shown to hold: a check failed, is out of date or is missing.",
        "Open the page that `assure` wrote and begin with the first red line.",
    ),
}


def command_page() -> str:
    """Return the page of every command with its parameters."""
    from families_first.cli.main import app

    body = app.generate_docs(output_format="markdown", recursive=True, usage_name="families-first")
    _, first, commands = body.partition("\n## families-first ")
    intro = (
        "# Commands\n\n"
        f"{_NOTE}\n\n"
        "Every command takes `--json` and then prints one JSON document. Errors go to standard error as\n"
        'text, or with `--json` to standard output under `"error"`; [exit codes](exit-codes.md) say which\n'
        "kind. Progress is shown on a terminal only. `FAMILIES_FIRST_DEBUG=1` prints tracebacks, which may\n"
        "hold personal data.\n"
    )
    return f"{intro}{first}{commands.rstrip()}\n"


def exit_code_page() -> str:
    """Return the page of exit codes."""
    rows = [
        f"| {code.value} | `{code.name}` | {_MEANINGS[code][0]} | {_MEANINGS[code][1]} |" for code in ExitCode
    ]
    return "\n".join(
        [
            "# Exit codes",
            "",
            _NOTE,
            "",
            "| Code | Name | What happened | What to do |",
            "| --- | --- | --- | --- |",
            *rows,
            "",
            "A command stopped with Ctrl-C leaves with 130, as shells expect.",
            "",
        ]
    )


def canonical_table_page() -> str:
    """Return the page of the five canonical tables, with the remark beside each column in the code."""
    from families_first.records import kinds, tables

    source = inspect.getsource(tables)
    parts = [
        "# Canonical tables",
        "",
        _NOTE,
        "",
        "Every source becomes rows of these five tables and nothing else. A record is named by its",
        "source and record id.",
    ]
    for table, schema in tables.SCHEMAS.items():
        remarks = _remarks(source, table.name)
        parts += [
            "",
            f"## {table.value}",
            "",
            "| Column | Type | Always there | Remark |",
            "| --- | --- | --- | --- |",
        ]
        for field in schema:
            always = "no" if field.nullable else "yes"
            parts.append(f"| `{field.name}` | {field.type} | {always} | {remarks.get(field.name, '')} |")
    parts += ["", "## Kinds", "", "A mapping may use these words only, and criteria may ask for no others."]
    for column, words in (
        ("relationship.kind", kinds.RelationshipKind),
        ("event.kind", kinds.EventKind),
        ("event.role", kinds.EventRole),
        ("episode.kind", kinds.EpisodeKind),
        ("measure.kind", kinds.MeasureKind),
    ):
        parts += ["", f"- `{column}`: {', '.join(f'`{word.value}`' for word in words)}"]
    return "\n".join([*parts, ""])


def _remarks(source: str, constant: str) -> dict[str, str]:
    definition = source.partition(f"\n{constant} = pa.schema(")[2].partition("\n)\n")[0]
    return dict(re.findall(r'pa\.field\(\s*"(\w+)"(?:[^()]|\(\))*\),  # (.+)', definition))


def criteria_page(pack_id: str) -> str:
    """Return the page of one shipped criteria pack, in words."""
    from families_first.council.identification.pack import load_pack, shipped_packs_folder
    from families_first.council.identification.reference_page import reference_page

    title, _, rest = reference_page(load_pack(shipped_packs_folder() / pack_id)).partition("\n")
    return f"{title}\n\n{_NOTE}\n{rest.rstrip()}\n"


def pages() -> dict[str, Callable[[], str]]:
    """Return every generated page: its name in ``docs/reference``, and what writes it."""
    from families_first.assurance.reference_page import promises_page
    from families_first.council.identification.pack import pack_ids, shipped_packs_folder
    from families_first.governance.policy.table_page import policy_page
    from families_first.research.protocol.reference_page import reference_page as protocol_page

    criteria = {
        f"criteria/{pack_id}.md": partial(criteria_page, pack_id)
        for pack_id in pack_ids(shipped_packs_folder())
    }
    return {
        "cli.md": command_page,
        "exit-codes.md": exit_code_page,
        "canonical-tables.md": canonical_table_page,
        "access-policy.md": policy_page,
        "promises.md": promises_page,
        "protocol-file.md": partial(protocol_page, _NOTE),
        **criteria,
    }


def write_pages(folder: Path) -> None:
    """Write every generated page into ``folder``."""
    for name, page in pages().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(page(), encoding="utf-8")
