"""The reference page of the access policy, written from the policies."""

from families_first.governance.policy.schema import ZONES
from families_first.governance.policy.table import Row, forbidden_whoever_permits, who_may_do_what
from families_first.governance.vocabulary import vocabulary

_NOTE = "<!-- Written from the code by `make docs`; change the code, not this page. -->"


def policy_page() -> str:
    """Return the page: who may do what, what is forbidden whoever permits it, and how that is shown."""
    words = vocabulary()
    lines = [
        "# Access policy",
        "",
        _NOTE,
        "",
        "What is not in the first table is refused. The table is not written by hand: every request that",
        "could be made was asked of the policies, and this is what they allow.",
        "`families-first policy explain` answers for one request;",
        "[how to decide who may see what](../how-to/decide-who-may-see-what.md) says how to change the",
        "policies.",
        "",
        "## Who may do what",
    ]
    for role, term in words.roles.items():
        rows = [row for row in who_may_do_what() if row.role == role]
        lines += ["", f"### {term.label}", "", f"{term.says}.", ""]
        if not rows:
            lines.append("Nothing.")
            continue
        lines += ["| May | in the zones | for the purpose | if |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    lines += [
        "",
        "## Forbidden, whoever permits it",
        "",
        "Each of these keeps a promise of the public notice. They hold beside any permit: a policy that",
        "permits everything to everybody was added, and of the requests that would break a promise none was",
        "let through.",
        "",
        "| Rule | The notice says |",
        "| --- | --- |",
        *(f"| {rule.says} | {rule.promise} |" for rule in forbidden_whoever_permits()),
        "",
        "## How it is shown",
        "",
        "- Every request of the finite space is asked, and what is allowed is held equal to a table that a",
        "  practitioner wrote (`tests/spec/test_policy_who_may_do_what.py`).",
        "- Each policy is dropped, and each condition of a forbidding policy taken away or turned round.",
        "  Every such mutant is noticed; `families-first policy table --mutants` calls the roll, and",
        "  `--hostile` counts what gets through beside a policy that permits everything.",
        "- An error while deciding, an unknown word or a missing circumstance is a refusal.",
        "",
    ]
    return "\n".join(lines)


def cells(row: Row) -> tuple[str, str, str, str]:
    """Return a line of the table in words: what, where, what for, if."""
    words = vocabulary()
    zones = "all" if len(row.zones) == len(ZONES) else ", ".join(row.zones)
    return (
        words.actions[row.action].label.lower(),
        zones,
        ", ".join(words.purposes[each].label.lower() for each in row.purposes),
        "; ".join(row.needs),
    )
