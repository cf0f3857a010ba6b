"""Files in the clear: what agencies put into ``inbox/``, and what was written to ``outbox/`` for people.

A retention class does not reach them. A destruction of a whole class deletes them all, because nothing tells
of a spreadsheet to which class its rows belong. Only their number is ever told: their names may say whose
they are.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from families_first.errors import UserError
from families_first.governance.durable import disk_refusals, flush_folder
from families_first.governance.home import Home
from families_first.governance.retention.records import Certificate, read_record


@dataclass(frozen=True, slots=True)
class InTheClear:
    """How many files lie in a home's ``inbox/`` and ``outbox/``, at any depth.

    A certificate of destruction that waits for its signature does not count: it names nobody.
    """

    inbox: int
    outbox: int

    @property
    def files(self) -> int:
        """How many there are altogether."""
        return self.inbox + self.outbox


def files_in_the_clear(home: Home) -> InTheClear:
    """Count the files in the clear."""
    return InTheClear(*(sum(1 for _ in _files(folder)) for folder in (home.inbox, home.outbox)))


def delete_in_the_clear(home: Home) -> int:
    """Delete the files in the clear, and the folders that this empties; return how many files there were.

    May be cut short and done again. A symbolic link is deleted, and not what it leads to.

    Raises
    ------
    UserError
        HOME, when this account may not delete one.
    """
    deleted = 0
    for folder in (home.inbox, home.outbox):
        with disk_refusals(folder.name):
            for path in list(_files(folder)):
                path.unlink(missing_ok=True)
                deleted += 1
            for inner, _, _ in os.walk(folder, topdown=False):
                if Path(inner) != folder and not any(Path(inner).iterdir()):
                    Path(inner).rmdir()
            if folder.is_dir():
                flush_folder(folder)
    return deleted


def _files(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        at = Path(path)
        yield from (at / name for name in folders if (at / name).is_symlink())
        yield from (at / name for name in files if not _waits_for_signature(at / name))


def _waits_for_signature(path: Path) -> bool:
    if not path.match("outbox/certificate-*.txt") or path.is_symlink():
        return False
    try:
        return isinstance(read_record(path.read_text(encoding="utf-8"), where=path.name), Certificate)
    except (OSError, UnicodeDecodeError, UserError):
        return False
