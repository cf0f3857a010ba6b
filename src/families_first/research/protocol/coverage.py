"""Whether a protocol answers what a target trial and a transparent evaluation must answer, and advice.

Sources: the parts of a target trial (Hernan and Robins 2016, American Journal of Epidemiology 183(8); the
TARGET statement, JAMA and BMJ, September 2025); Transparency in Government Evaluation Research (annex of
the Magenta Book, updated 14 May 2026).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from families_first.research.protocol.model import StudyProtocol


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that readers will have, and where the file answers it; empty where it does not."""

    question: str
    source: str
    answered_in: str


_TRIAL = "target trial"
_OPEN = "transparency"


def answers(protocol: StudyProtocol) -> tuple[Answer, ...]:
    """Return each question and where the protocol answers it."""
    reporting = protocol.reporting
    rates = protocol.minimum_detectable_effect.rates
    return (
        Answer("What is the causal question?", _TRIAL, "question"),
        Answer("Who is eligible?", _TRIAL, "population"),
        Answer("Which strategies are compared?", _TRIAL, "exposure, comparison"),
        Answer("How were people assigned?", _TRIAL, "design.assignment"),
        Answer("When does follow-up begin and end?", _TRIAL, "exposure.time_zero, follow_up"),
        Answer(
            "Until when may somebody begin and still count as taking part?",
            _TRIAL,
            "exposure.grace_quarters" if protocol.exposure.grace_quarters else "",
        ),
        Answer("Which outcomes, when?", _TRIAL, "outcomes, windows"),
        Answer("Which contrast is estimated?", _TRIAL, "design.estimand"),
        Answer("What must be true for it to be causal?", _TRIAL, "design.assumptions, covariates"),
        Answer("How is it analysed?", _TRIAL, "method, missing, linkage, multiplicity"),
        Answer("What would show it wrong?", _TRIAL, "placebo, sensitivity" if protocol.placebo else ""),
        Answer("How small an effect would be seen?", _OPEN, "minimum_detectable_effect" if rates else ""),
        Answer("Which groups are looked at apart?", _OPEN, "subgroups" if protocol.subgroups else ""),
        Answer("Where is the plan registered?", _OPEN, _if(reporting.registered_at, "registered_at")),
        Answer("Who approved it?", _OPEN, _if(reporting.approved_by, "approved_by")),
        Answer("Who paid for it?", _OPEN, _if(reporting.funding, "funding")),
        Answer("Which interests are declared?", _OPEN, _if(reporting.conflicts, "conflicts")),
        Answer("Where is the code?", _OPEN, _if(reporting.code, "code")),
        Answer(
            "Is it published whatever is found?",
            _OPEN,
            _if(reporting.published_whatever_found, "published_whatever_found"),
        ),
        Answer(
            "What was changed since the plan?",
            _OPEN,
            "deviations" if protocol.deviations else "version 1 is the plan",
        ),
    )


def advice(protocol: StudyProtocol) -> tuple[str, ...]:
    """Return what is no fault and would still weaken the study."""
    return tuple(_advice(protocol))


def _advice(protocol: StudyProtocol) -> Iterator[str]:
    primary = [each.id for each in protocol.outcomes if each.primary]
    if len(primary) > 3:
        yield f"{len(primary)} outcomes are primary; the more there are, the less each can show."
    if protocol.exposure.grace_quarters is None:
        yield (
            "No grace_quarters: whoever began long after being assessed counts as taking part from the "
            "first day, which makes an effect look smaller."
        )
    if not protocol.placebo:
        yield "No placebo: nothing would show that the arms differed before anybody began."
    for variable in protocol.placebo_variables():
        for covariate in protocol.recorded_covariates():
            a, b = variable.recorded, covariate.recorded
            same = (a.owner, a.table, a.kind) == (b.owner, b.table, b.kind)
            if same and a.is_recorded and covariate.last >= variable.first:
                yield (
                    f"The placebo {variable.id} looks at quarters that the covariate {covariate.id} makes "
                    "alike, so it would show nothing; it is estimated without that covariate."
                )
    planned = {each.outcome for each in protocol.minimum_detectable_effect.rates}
    for outcome in protocol.outcomes:
        if outcome.primary and outcome.id not in planned:
            yield (
                f"No planned rate of {outcome.id}: name one from elsewhere, so that the smallest effect "
                "that would be seen can be told before outcomes open."
            )
    if protocol.method.primary == "matching" and not protocol.method.others:
        yield "Matching alone: estimates by matching vary with small choices; put another method beside it."


def _if(said: object, key: str) -> str:
    return f"reporting.{key}" if said else ""
