"""Train a match model on a simulated county and write it as the package ships it.

``python benchmarks/train_model.py VERSION OUT.json [people] [seed]``. Report its accuracy with
``benchmarks/matching_county.py``, whose seeds differ from the one used here.
"""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path

from families_first.matching.model import save_model
from families_first.matching.score import find_links
from families_first.simulation.county import simulate_county
from families_first.simulation.matchset import match_table

AS_OF = date(2026, 9, 30)
PEOPLE, SEED = 60_000, 7


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit("usage: python benchmarks/train_model.py VERSION OUT.json [people] [seed]")
    name, out = sys.argv[1], Path(sys.argv[2])
    people, seed = (
        int(given) for given in (*sys.argv[3:5], *(str(each) for each in (PEOPLE, SEED)[len(sys.argv) - 3 :]))
    )
    records = match_table(simulate_county(people=people, seed=seed, as_of=AS_OF))
    trained = find_links(records.drop_columns(["person_no", "ethnicity"]), model=None).model
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    save_model(
        replace(
            trained,
            version=name,
            trained_on=(
                f"{records.num_rows:,} made-up records of a simulated county of {people:,} people, "
                f"seed {seed}, on {datetime.now(tz=UTC).date()}, "
                f"by families-first {version('families-first')} ({commit}), benchmarks/train_model.py"
            ),
        ),
        out,
    )


if __name__ == "__main__":
    main()
