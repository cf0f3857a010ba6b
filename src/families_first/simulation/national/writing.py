"""Writing a made-up study to a folder, county by county, so that a nation needs the memory of one county."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from families_first.errors import ExitCode, UserError
from families_first.simulation.national.effects import Sums
from families_first.simulation.national.nation import CountyPart, simulate_part
from families_first.simulation.national.plan import StudyPlan
from families_first.simulation.national.registers import Piece

TRUTH = "truth"
LARGEST_COUNTY = 1_000_000
_FEWEST_PEOPLE = 500


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: rows by ``<owner>/<file>`` (and ``truth/<file>``), and the effects."""

    rows: dict[str, int]
    effects: pa.Table


class _Files:
    """Parquet files that grow a part at a time, each opened when its first rows come."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._writers: dict[str, pq.ParquetWriter] = {}
        self.rows: dict[str, int] = {}

    def add(self, place: str, table: pa.Table) -> None:
        """Append rows to ``<folder>/<place>.parquet``."""
        if place not in self._writers:
            path = self._folder / f"{place}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            writer = pq.ParquetWriter(path, table.schema, compression="zstd", compression_level=1)
            self._writers[place] = self._stack.enter_context(writer)
        self._writers[place].write_table(table)
        self.rows[place] = self.rows.get(place, 0) + len(table)


def write_national(
    folder: Path,
    *,
    people: int,
    programme_families: int,
    seed: int = 1,
    plan: StudyPlan | None = None,
    county_people: int = LARGEST_COUNTY,
    told: Callable[[int, int], None] | None = None,
) -> Written:
    """Write a study of any size: owners' files to ``<folder>/<owner>/``, the truth to ``<folder>/truth/``.

    The nation is made of counties of at most ``county_people`` people, one after another; in each, planted
    rates hold exactly, and so they hold in the whole. One county gives what :func:`simulate_national` gives.

    Parameters
    ----------
    folder
        Files of the same names are replaced.
    told
        Called after each county with how many are done and how many there are.

    Raises
    ------
    UserError
        When there are too few families, or too few people for a county.
    """
    plan = plan or StudyPlan()
    sums = Sums({})
    with ExitStack() as stack:
        files = _Files(folder, stack)
        for done, part in _parts(people, programme_families, seed, plan, county_people):
            for owner, has in part.owners.items():
                files.add(f"{owner}/people", has.people)
                for name, rows in has.sections.items():
                    files.add(f"{owner}/{name}", rows)
            files.add(f"{TRUTH}/links", part.links)
            files.add(f"{TRUTH}/person", part.person)
            sums.merge(part.sums)
            if told is not None:
                told(done, -(-people // county_people))
        effects = sums.table()
        files.add(f"{TRUTH}/effects", effects)
    return Written(files.rows, effects)


def _parts(
    people: int, families: int, seed: int, plan: StudyPlan, county_people: int
) -> Iterator[tuple[int, CountyPart]]:
    """Yield each county's part with its number from 1, people and families shared out as evenly as can be."""
    count = -(-people // county_people)
    if people // max(count, 1) < _FEWEST_PEOPLE:
        raise UserError(
            f"{people} people are too few for a made-up study",
            fix=f"Ask for {_FEWEST_PEOPLE} or more; a county has no fewer.",
            code=ExitCode.USAGE,
        )
    first_person = first_family = 0
    for number in range(count):
        here = people * (number + 1) // count - first_person
        assessed = families * (number + 1) // count - first_family
        yield (
            number + 1,
            simulate_part(
                people=here,
                families=assessed,
                seed=seed,
                plan=plan,
                piece=Piece(number, count),
                first_person=first_person,
                first_family=first_family,
            ),
        )
        first_person += here
        first_family += assessed
