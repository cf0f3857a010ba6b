"""All paperwork of a home, written into a folder."""

from pathlib import Path

from families_first.governance.agreements import load_agreements
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.paperwork.annex import impact_annex, notice_tables
from families_first.governance.paperwork.record import record_of_processing
from families_first.governance.policy import policy_hash

_PUBLIC_FILE = 0o644


def write_paperwork(home: Home, folder: Path) -> tuple[str, ...]:
    """Write the record of processing, the annex and the notice's tables; returns the files' names.

    Raises
    ------
    UserError
        AGREEMENT, when an agreement of the home has faults; HOME, when the folder may not be written.
    """
    agreements = list(load_agreements(home.agreements).values())
    folder.mkdir(parents=True, exist_ok=True)
    papers = {
        "record-of-processing.csv": record_of_processing(home, agreements),
        "impact-assessment-annex.md": impact_annex(agreements, policy_hash()),
        "notice-tables.md": notice_tables(agreements),
    }
    for name, text in papers.items():
        write_durably(folder / name, text.encode(), mode=_PUBLIC_FILE)
    return tuple(papers)
