"""``families-first policy table --mutants`` and ``--hostile``: the policies proved, and printed."""

from typing import TYPE_CHECKING

from families_first.cli.output import Sheet, counted, emit
from families_first.errors import ExitCode

if TYPE_CHECKING:
    from families_first.governance.policy.promises import Request


def call_the_roll(*, json: bool) -> int:
    """Break every policy in turn and print what noticed; returns the exit code."""
    from families_first.governance.policy.mutants import roll_call

    verdicts = roll_call()
    living = [each for each in verdicts if each.killer is None]
    rows = [
        [each.mutant.policy, each.mutant.mutation, each.how or "NOBODY NOTICES", _in_short(each.killer)]
        for each in verdicts
    ]
    columns = ["policy", "mutation", "noticed", "by"]
    emit(
        {
            "mutants": len(verdicts),
            "living": len(living),
            "roll_call": [dict(zip(columns, row, strict=True)) for row in rows],
        },
        json=json,
        show=[
            Sheet(["Policy", "Mutation", "Noticed because", "A request that tells"], rows),
            f"{counted(len(verdicts), 'mutant')}; {len(living)} unnoticed.",
        ],
    )
    return ExitCode.PROMISE if living else ExitCode.OK


def ask_beside_a_hostile_policy(*, json: bool) -> int:
    """Print what gets through beside a policy that permits everything; returns the exit code."""
    from families_first.governance.policy.enumeration import count, hostile_policies

    found = count(hostile_policies())
    emit(
        {"asked": found.asked, "allowed": found.allowed, "breaking_a_promise": found.breaking},
        json=json,
        show=[
            f"Beside a policy that permits everything, {counted(found.asked, 'request')} were asked; "
            f"{found.breaking} that would break a promise of the notice were let through."
        ],
    )
    return ExitCode.PROMISE if found.breaking else ExitCode.OK


def _in_short(asked: "Request | None") -> str:
    if asked is None:
        return ""
    roles = "+".join(sorted(asked.principal.roles))
    who = f"{roles}, {asked.principal.organisation}, {asked.principal.zone}"
    return f"{who}: {asked.action} for {asked.context.purpose}"
