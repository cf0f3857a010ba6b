"""A refusal in plain words, for the person who was refused."""

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
    reasons = ", ".join(in_words(policy) for policy in decision.policies)
    if decision.allowed:
        return f"{said} is allowed: {reasons}"
    if not decision.policies:
        return f"{said} was refused: no policy permits it to this person for this purpose"
    quotes = "; ".join(f'"{promise}"' for promise in decision.promises)
    notice = f". The public notice says: {quotes}" if quotes else ""
    return f"{said} was refused: {reasons}{notice}"


def in_words(policy: str) -> str:
    """Return a policy's id as the words it is made of."""
    return policy.replace("-", " ")
