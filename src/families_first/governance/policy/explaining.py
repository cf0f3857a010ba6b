"""A refusal in plain words, for the person who was refused."""

from collections.abc import Mapping
from functools import cache

from families_first.governance.policy.engine import shipped_policies
from families_first.governance.policy.request import Decision, Resource
from families_first.governance.vocabulary import vocabulary


def explain(decision: Decision, action: str, resource: Resource) -> str:
    """Return one or two sentences that say what was decided, and the notice's words where it stands behind
    it.

    Names no value of a record and no id.
    """
    term = vocabulary().actions.get(action)
    said = f"'{term.label}'" if term else "This"
    if decision.faults:
        return f"{said} was refused because the request has a fault: {'; '.join(decision.faults)}"
    if decision.allowed:
        return f"{said} is allowed: {'; '.join(map(_says, decision.policies))}"
    if not decision.policies:
        return f"{said} was refused: no policy permits it to this person for this purpose"
    reasons = "; ".join(dict.fromkeys(map(_refuses, decision.policies)))
    quotes = "; ".join(f'"{promise}"' for promise in decision.promises)
    notice = f". The public notice says: {quotes}" if quotes else ""
    return f"{said} was refused: {reasons}{notice}"


def _says(policy: str) -> str:
    return _annotations(policy).get("says", policy)


def _refuses(policy: str) -> str:
    """Return what a policy says to whoever it refused: words of its own where the rule would not tell why."""
    return _annotations(policy).get("refused") or _says(policy)


def _annotations(policy: str) -> Mapping[str, str]:
    return _annotations_by_id().get(policy, {})


@cache
def _annotations_by_id() -> Mapping[str, Mapping[str, str]]:
    return {each.annotations["id"]: each.annotations for each in shipped_policies().policies.values()}
