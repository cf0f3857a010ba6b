"""All paperwork of a home, written into a folder."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from families_first.governance.agreements import Agreement
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.paperwork.annex import impact_annex, notice_tables
from families_first.governance.paperwork.carried import FileKey, carried_on
from families_first.governance.paperwork.record import record_of_processing
from families_first.governance.policy import policy_hash

_PUBLIC_FILE = 0o644


def write_paperwork(
    home: Home,
    agreements: Sequence[Agreement],
    given: Mapping[FileKey, frozenset[str]],
    folder: Path,
    *,
    on: date,
) -> tuple[str, ...]:
    """Write the record of processing, the annex and the notice's tables; returns the files' names.

    The record has every agreement of the home, the annex and the tables those in force on a day; ``given``
    is as for :func:`carried_on`.

    Raises
    ------
    UserError
        HOME, when the folder may not be written.
    """
    carried = carried_on(on, agreements, given)
    folder.mkdir(parents=True, exist_ok=True)
    papers = {
        "record-of-processing.csv": record_of_processing(home, agreements),
        "impact-assessment-annex.md": impact_annex(carried, policy_hash()),
        "notice-tables.md": notice_tables(carried),
    }
    for name, text in papers.items():
        write_durably(folder / name, text.encode(), mode=_PUBLIC_FILE)
    return tuple(papers)
