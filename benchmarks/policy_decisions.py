"""Cost of a decision: a hundred thousand different requests, beside Cedar asked plainly.

Prints one JSON object: CPU seconds for the whole count, best of the rounds, and the ratio of plain to ours
(2 means that ours takes half as long). The plain peer gives Cedar the same policies, schema and people as
text at each request, as its first example does, so that they are parsed anew; it is asked fewer requests
and its figure scaled. A list filtered by the same policies is timed too, against a decision for each of its
rows. Rounds are interleaved so that a busy machine slows both.
"""

import argparse
import json
import time
from collections.abc import Callable

import cedarpy
import duckdb

from families_first.governance.policy import Context, Principal, Resource, decide
from families_first.governance.policy.cedar_form import context_json
from families_first.governance.policy.engine import shipped_policies, shipped_text
from families_first.governance.policy.filters import rows_allowed
from families_first.governance.policy.schema import schema_text

SUPPORT = Context("identify-and-support")
FAMILIES_EACH = 20


def made_up_people(count: int) -> list[Principal]:
    """Return keyworkers, each with twenty families of their own."""
    return [
        Principal(
            f"keyworker-{number}",
            frozenset({"keyworker"}),
            "council",
            "council",
            caseload=frozenset(
                f"family-{family}" for family in range(number * FAMILIES_EACH, (number + 1) * FAMILIES_EACH)
            ),
        )
        for number in range(count)
    ]


def ours(people: list[Principal], requests: int) -> int:
    """Ask for a family by a keyworker, another at each request; returns how many were allowed."""
    return sum(
        decide(
            people[number // FAMILIES_EACH % len(people)],
            "view-family",
            Resource("CaseRecord", f"family-{number}"),
            SUPPORT,
        ).allowed
        for number in range(requests)
    )


def plain(people: list[Principal], requests: int) -> int:
    """Ask Cedar the same with everything as text."""
    allowed = 0
    for number in range(requests):
        person = people[number // FAMILIES_EACH % len(people)]
        entities = [
            {
                "uid": {"type": "Person", "id": person.id},
                "attrs": {
                    "organisation": {"__entity": {"type": "Organisation", "id": person.organisation}},
                    "public_agency": True,
                    "zone": {"__entity": {"type": "Zone", "id": person.zone}},
                    "second_factor": False,
                    "caseload": [
                        {"__entity": {"type": "CaseRecord", "id": each}} for each in person.caseload
                    ],
                },
                "parents": [{"type": "Role", "id": "keyworker"}],
            }
        ]
        request = {
            "principal": {"type": "Person", "id": person.id},
            "action": {"type": "Action", "id": "view-family"},
            "resource": {"type": "CaseRecord", "id": f"family-{number}"},
            "context": context_json(SUPPORT),
        }
        allowed += cedarpy.is_authorized(request, shipped_text(), entities, schema_text()).allowed
    return allowed


def filtered(person: Principal, rows: int) -> int:
    """Return how many of ``rows`` families the person's list has."""
    where = rows_allowed(person, "view-family", SUPPORT, {"id": "id"})
    sql = f"SELECT count(*) FROM (SELECT 'family-' || i AS id FROM range({rows}) t(i)) WHERE {where.sql}"
    with duckdb.connect() as con:
        return int(con.execute(sql, list(where.parameters)).fetchone()[0])  # type: ignore[index]


def timed(action: Callable[[], int]) -> tuple[float, int]:
    """Return CPU seconds of an action, and what it returned."""
    started = time.process_time()
    found = action()
    return time.process_time() - started, found


def main() -> None:
    """Run the rounds and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=100_000)
    options.add_argument("--plain-requests", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    people = made_up_people(200)
    taken: dict[str, list[float]] = {"ours": [], "plain": [], "filter": []}
    for _ in range(chosen.rounds):
        seconds, allowed = timed(lambda: ours(people, chosen.requests))
        assert 0 < allowed <= chosen.requests
        taken["ours"].append(seconds)
        seconds, same = timed(lambda: plain(people, chosen.plain_requests))
        assert same == min(chosen.plain_requests, 200 * FAMILIES_EACH)
        taken["plain"].append(seconds * chosen.requests / chosen.plain_requests)
        seconds, listed = timed(lambda: filtered(people[0], chosen.requests))
        assert listed == FAMILIES_EACH
        taken["filter"].append(seconds)
    best = {name: min(rounds) for name, rounds in taken.items()}
    print(
        json.dumps(
            {
                "requests": chosen.requests,
                "policies": len(shipped_policies().policies),
                "cpu_seconds": round(best["ours"], 2),
                "plain_cpu_seconds": round(best["plain"], 2),
                "ratio": round(best["plain"] / best["ours"], 2),
                "filter_cpu_seconds": round(best["filter"], 4),
                "filter_ratio": round(best["ours"] / best["filter"], 1),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
