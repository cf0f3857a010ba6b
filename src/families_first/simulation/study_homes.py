"""The homes of the made-up study made ready: agreements on both sides, and each owner's files in its
inbox.
"""

from importlib.resources.abc import Traversable
from pathlib import Path

from families_first.governance.durable import make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.keys import KeyProvider
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.unlocking import opening_of
from families_first.simulation.exampleshire import study_agreements
from families_first.simulation.homes import MadeUpHomes, ceremony_in, share_file
from families_first.simulation.national.writing import TRUTH, write_national

STUDY_INBOX = "study"
"""The folder of a home's inbox where an owner's files for a study lie, or the parcels that came to others."""
STUDY, REPORT, CUSTODIANS = "study", "report", "custodians"
"""The folders of a demo, beside its homes: the truth of the study, its report, the made-up shares."""
SECOND_SHARES = "after-the-identifiers-were-destroyed"


def write_study(homes: MadeUpHomes, folder: Path, *, people: int, programme_families: int, seed: int) -> Path:
    """Make the owners' records and put them and the agreements where they belong; returns the truth's folder.

    Parameters
    ----------
    folder
        Where the truth is kept; it goes into no home.
    people, programme_families
        People in the registers, and families of the programme among them.
    """
    sources = folder / "sources"
    write_national(sources, people=people, programme_families=programme_families, seed=seed)
    for owner, home in homes.data_owners().items():
        inbox = home.inbox / STUDY_INBOX
        make_private_folder(inbox)
        for path in sorted((sources / owner).iterdir()):
            path.rename(inbox / path.name)
        (sources / owner).rmdir()
    place_agreements(homes)
    truth = folder / TRUTH
    (sources / TRUTH).rename(truth)
    sources.rmdir()
    return truth


def place_agreements(homes: MadeUpHomes) -> None:
    """Put each agreement of the study into the homes of all its parties: both sides hold one text."""
    for text in study_agreements():
        for home in homes.each():
            if _is_party(home, text):
                make_private_folder(home.agreements)
                write_durably(home.agreements / text.name, text.read_bytes(), mode=0o644)


def _is_party(home: Home, text: Traversable) -> bool:
    return f'name = "{home.organisation}"\n' in text.read_text(encoding="utf-8")


def gather_custodians(homes: MadeUpHomes, custodians: Path) -> KeyProvider | None:
    """Bring the linker's and the university's made-up shares to the homes whose masters are split.

    Returns keys with which the linker's custodians make a new master, None where it holds its own. Their new
    shares go into a folder beside the first ones, which open nothing afterwards.
    """
    for home in (homes.linkage, homes.research):
        if home.settings.keys.provider == "custodians":
            opening_of(
                home,
                [custodians / share_file(home.zone, each) for each in ("trusted-linker", "research-body")],
            )
    if homes.linkage.settings.keys.provider != "custodians":
        return None
    place = custodians / SECOND_SHARES
    make_private_folder(place)
    return provider_of(homes.linkage, ceremony_in(homes.linkage, place))
