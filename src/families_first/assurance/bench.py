"""Where checks work: the homes that are examined, and a private folder for everything that does harm."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path

from families_first.assurance.small_study import SmallStudy, copy_of, make_study, open_to_its_end
from families_first.governance.desk import Desk, utc_now
from families_first.governance.home import Home
from families_first.governance.purposes import Purpose
from families_first.governance.staff import StaffMember, read_staff, write_staff
from families_first.governance.zone_file import Zone
from families_first.simulation.homes import MadeUpHomes, make_homes

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Bench:
    """What a check is given.

    Attributes
    ----------
    homes
        The homes that are examined. A check reads them and changes nothing in them; empty where there is only
        the code to examine.
    folder
        A private folder, gone when the checks have ended.
    clock
        What tells the time.
    """

    homes: tuple[Home, ...]
    folder: Path
    clock: Clock = utc_now
    _made: int = field(default=0)
    _studies: dict[bool, SmallStudy] = field(default_factory=dict)

    def room(self) -> Path:
        """Return a new, empty folder."""
        self._made += 1
        room = self.folder / f"{self._made:03}"
        room.mkdir(mode=0o700)
        return room

    def made_up_homes(self) -> MadeUpHomes:
        """Return new homes of made-up organisations, which may be harmed; the council's can land."""
        homes = make_homes(self.room(), seed=self._made)
        shipped = resources.files("families_first.simulation") / "exampleshire"
        for kind, place in (("mappings", homes.council.mappings), ("agreements", homes.council.agreements)):
            with resources.as_file(shipped / kind) as source:
                shutil.copytree(source, place, dirs_exist_ok=True)
        return homes

    def study(self, *, to_its_end: bool = False) -> SmallStudy:
        """Return a copy of the small study, which may be harmed: made once, before its protocol is sealed.

        ``to_its_end`` says whether the protocol is sealed, and the outcomes released and open.
        """
        if False not in self._studies:
            self._studies[False] = make_study(self.room(), clock=self.clock)
        if to_its_end and True not in self._studies:
            self._studies[True] = copy_of(self._studies[False], self.room())
            open_to_its_end(self._studies[True])
        return copy_of(self._studies[to_its_end], self.room())

    def examined(self) -> tuple[Home, ...]:
        """Return the homes that are examined; new ones of made-up organisations where there are none."""
        return self.homes or self.made_up_homes().each()

    def councils(self) -> tuple[Home, ...]:
        """Return the homes of :meth:`examined` that are a council's."""
        return tuple(home for home in self.examined() if home.zone is Zone.COUNCIL)


def called(home: Home) -> str:
    """Return what findings call a home: by its zone, and where several are of one zone by its organisation
    too."""
    return f"the {home.zone} home" + (f" of {home.organisation}" if home.zone is Zone.OWNER else "")


@contextmanager
def bench_for(homes: Sequence[Home], *, clock: Clock = utc_now) -> Iterator[Bench]:
    """Give a bench with a private folder, which is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="families-first-assurance-"))
    try:
        yield Bench(tuple(homes), folder, clock)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def desk_as(
    home: Home,
    *roles: str,
    purpose: Purpose = Purpose.IDENTIFY_AND_SUPPORT,
    clock: Clock = utc_now,
    organisation: str = "",
    caseload: tuple[str, ...] = (),
) -> Desk:
    """Return the desk of a made-up person in a made-up home, who joins its staff register."""
    person = StaffMember(
        id="made-up-" + "-".join(roles)[:40],
        name="Made-up person",
        roles=roles,
        organisation=organisation,
        second_factor=True,
        caseload=caseload,
    )
    write_staff(home, *{**read_staff(home).people, person.id: person}.values())
    return Desk(home, person, purpose, clock=clock)
