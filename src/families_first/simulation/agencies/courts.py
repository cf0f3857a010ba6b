"""Court results: one row a count of a case, with the defendant's details as charged."""

import numpy as np
import pyarrow as pa

from families_first.simulation.casework import Casework, Sheet, days_ago, events, repeat_rows
from families_first.simulation.columns import chosen, date_text, joined, references, whole
from families_first.simulation.county import County
from families_first.simulation.needs import Needs

SOURCE = "courts"
FILE = "court_results.csv"
_OFFENCES = ("CJ88116", "TH68010", "CD71039", "MD71530", "PU86003", "RT88333")
CHARGED_ADULTS, CHARGED_YOUTHS, GUILTY = 0.62, 0.4, 0.86  # assumptions


def casework(county: County, needs: Needs) -> Casework:
    """Return the results of the last three years against people of the county."""
    rng = county.rng(SOURCE)
    share = np.where(county.age >= 18, CHARGED_ADULTS, CHARGED_YOUTHS)
    charged = np.flatnonzero(needs.offending & (rng.random(len(county)) < share))
    who, _ = repeat_rows(1 + rng.poisson(0.5, len(charged)))
    defendant = charged[who]
    result_day = days_ago(county.as_of, len(defendant), rng, longest=1000)
    result_day = np.minimum(np.maximum(result_day, county.residents.born[defendant] + 3700), county.as_of - 1)
    offence_day = result_day - rng.integers(20, 240, len(defendant))
    case, count = repeat_rows(1 + rng.poisson(0.5, len(defendant)))
    urn = references("44EX", 100_000 + rng.permutation(len(defendant)), 6)
    record_id = joined(urn, "1")
    guilty = rng.random(len(case)) < GUILTY
    proven = np.flatnonzero(guilty)
    offence = rng.integers(0, len(_OFFENCES), len(case))
    ids = joined(record_id.take(pa.array(case[proven])), whole(count[proven] + 1))
    facts = [
        events(
            FILE,
            proven,
            case[proven],
            event_id=ids,
            kind="offence_proven",
            day=result_day[case[proven]],
            role="offender",
            detail=chosen(_OFFENCES, offence[proven]),
        )
    ]

    def sheets(recorded: pa.Table) -> list[Sheet]:
        people = recorded.take(pa.array(case))
        columns = {
            "Case URN": urn.take(pa.array(case)),
            "Defendant": pa.array(np.full(len(case), "1")),
            "Count": whole(count + 1),
            "Surname": people["surname"],
            "Forename": people["forename"],
            "Middle names": people["middle_names"],
            "Date of birth": date_text(people["date_of_birth"], "%d-%b-%Y"),
            "Gender": people["sex"],
            "PNC": people["pnc"],
            "Address line 1": people["address_line_1"],
            "Postcode": people["postcode"],
            "Offence code": chosen(_OFFENCES, offence),
            "Offence date": date_text(offence_day[case], "%d-%b-%Y"),
            "Result date": date_text(result_day[case], "%d-%b-%Y"),
            "Verdict": chosen(["NG", "G"], guilty.astype(np.int64)),
        }
        return [
            Sheet(
                FILE,
                columns,
                case[:, None],
                result_day[case],
                people["dwelling"].to_numpy(),
                ("Result date", "99-Jan-2026"),
            )
        ]

    return Casework(SOURCE, defendant, record_id, facts, sheets)
