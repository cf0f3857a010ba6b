"""A protocol in plain words, for those who decide whether it is a good plan."""

from collections.abc import Iterator
from dataclasses import dataclass

from families_first.research.protocol.fields import FIELDS
from families_first.research.protocol.model import StudyProtocol
from families_first.research.protocol.parts import Covariate, Measurement, Outcome

_WHO = {"child": "children", "adult": "adults", "anyone": "everybody"}
_COUNTED = {
    Measurement.ANY: "whether it happened",
    Measurement.COUNT: "how often",
    Measurement.DAYS: "on how many days",
    Measurement.SHARE: "the share",
}
_METHODS = {
    "doubly-robust": "a doubly robust estimate (propensity score and regression)",
    "matching": "matching on the propensity score",
    "entropy-balancing": "entropy balancing",
    "inverse-probability": "inverse probability weights",
    "overlap": "overlap weights",
    "regression": "regression",
}
_HELD = {"child": "every child", "adult": "every adult", "anyone": "everybody"}
_MULTIPLICITY = {
    "holm": "Holm's procedure, which keeps the chance of any false finding",
    "bh": "Benjamini and Hochberg's procedure, which keeps the share of false findings",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its sentences."""

    title: str
    lines: tuple[str, ...]


def in_plain_words(protocol: StudyProtocol) -> tuple[Section, ...]:
    """Return what a protocol says, section by section."""
    return tuple(
        Section(title, tuple(lines))
        for title, lines in (
            ("What is asked", _question(protocol)),
            ("Who is compared with whom", _arms(protocol)),
            ("From when and how long", _times(protocol)),
            ("What is looked at", _outcomes(protocol)),
            ("What makes the arms alike", _covariates(protocol)),
            ("How it is worked out", _plan(protocol)),
            ("What would show it wrong", _doubts(protocol)),
            ("How people are kept from being made out", _disclosure(protocol)),
            ("What was changed since the plan", _deviations(protocol)),
        )
    )


def _question(protocol: StudyProtocol) -> Iterator[str]:
    made_up = " Its records are made up." if protocol.made_up else ""
    yield f"{protocol.title} (protocol {protocol.id}, version {protocol.version}).{made_up}"
    yield protocol.question
    yield f"Estimated is: {protocol.design.estimand}."


def _arms(protocol: StudyProtocol) -> Iterator[str]:
    yield f"Studied are: {protocol.population.describes}."
    yield f"They got: {protocol.exposure.describes} (status '{protocol.exposure.status}')."
    yield f"Compared with: {protocol.comparison.describes} (status '{protocol.comparison.status}')."
    yield f"How they came to one or the other: {protocol.design.assignment}."
    for assumption in protocol.design.assumptions:
        yield f"It must be true that: {assumption}."
    yield (
        f"With fewer than {protocol.population.min_families} families in an arm, the answer is 'cannot say'."
    )


def _times(protocol: StudyProtocol) -> Iterator[str]:
    follow = protocol.follow_up
    yield f"Time zero of both arms is {protocol.exposure.time_zero}."
    if protocol.exposure.grace_quarters is None:
        yield "Whoever takes part counts as such from then on, whenever they began."
    else:
        yield f"Whoever began more than {protocol.exposure.grace_quarters} quarters later is left out."
    yield f"Looked at are up to {follow.quarters} quarters after and {follow.history} before it."
    yield f"Records reach from {follow.records_from} to {follow.records_until}."


def _outcomes(protocol: StudyProtocol) -> Iterator[str]:
    for outcome in protocol.outcomes:
        kind = "Primary" if outcome.primary else "Secondary"
        windows = "; ".join(protocol.windows[name].label for name in outcome.windows)
        panel = " Also followed quarter by quarter (difference-in-differences)." if outcome.did else ""
        yield (
            f"{kind}: {outcome.label}, of {_WHO[outcome.who]}: {_recorded(outcome)}. {windows}. "
            f"{outcome.better.capitalize()} is better.{panel}"
        )


def _covariates(protocol: StudyProtocol) -> Iterator[str]:
    for covariate in protocol.covariates:
        if covariate.field is not None:
            says = FIELDS[covariate.field].says if covariate.field in FIELDS else covariate.field
            yield f"{covariate.label or covariate.id}: {says}."
        elif covariate.quarters is None:
            yield f"{covariate.label or covariate.id}: a column of the file."
        else:
            first, last = covariate.quarters
            yield (
                f"{covariate.label or covariate.id}: {_recorded(covariate)}, in the quarters {first} to "
                f"{last} before time zero."
            )


def _plan(protocol: StudyProtocol) -> Iterator[str]:
    method = protocol.method
    yield f"The answer comes from {_METHODS[method.primary]}."
    if method.others:
        yield f"Beside it stand {', '.join(_METHODS[each] for each in method.others)}."
    if method.exact:
        yield f"Compared are only people alike in {', '.join(method.exact)}."
    clusters = "family" if not method.second_cluster else f"family and {method.second_cluster}"
    yield f"People of one {clusters} are not taken as independent of each other."
    yield (
        f"Uncertain links are drawn {protocol.linkage.imputations} times, so that the intervals hold what "
        "linking did not know."
    )
    for owner, who in protocol.linkage.complete_registers.items():
        yield (
            f"The register of {owner} holds {_HELD[who]}: whoever of them has no record there was not found, "
            "and nothing is taken as known of them."
        )
    yield (
        f"For asking several questions: {_MULTIPLICITY[protocol.multiplicity.method]} at "
        f"{protocol.multiplicity.level:.0%}."
    )
    for subgroup in protocol.subgroups:
        yield f"Groups named beforehand: {subgroup.label or subgroup.id}, by {subgroup.field}."
    missing = "left out" if protocol.missing.method == "complete" else "stood for by others like them"
    yield f"People of whom an outcome is not known are {missing}."
    yield (
        f"The smallest effect that would be seen with a chance of "
        f"{protocol.minimum_detectable_effect.power:.0%} is told before outcomes open."
    )


def _doubts(protocol: StudyProtocol) -> Iterator[str]:
    for placebo in protocol.placebo:
        label = protocol.outcome(placebo.outcome).label
        yield f"An effect where none can be: {label}, {placebo.label}."
    if not protocol.placebo:
        yield "No outcome is named that the programme cannot have changed."
    yield f"Varied to see whether the answer hangs on it: {', '.join(protocol.specifications.vary)}."


def _disclosure(protocol: StudyProtocol) -> Iterator[str]:
    disclosure = protocol.disclosure
    yield (
        f"At least {disclosure.k} people share each combination of "
        f"{', '.join(disclosure.quasi_identifiers)}, with {disclosure.l} or more values of "
        f"{', '.join(disclosure.sensitive)}."
    )
    yield f"Where they do not, made coarser in this order: {', '.join(disclosure.coarsen)}."


def _deviations(protocol: StudyProtocol) -> Iterator[str]:
    if not protocol.deviations:
        yield "Nothing."
    for deviation in protocol.deviations:
        yield f"{deviation.on}: {deviation.what}. Why: {deviation.why}."


def _recorded(recorded: Outcome | Covariate) -> str:
    if not recorded.is_recorded or recorded.kind is None:
        return "a column of the file"
    narrowed = f" ({', '.join(recorded.details)})" if recorded.details else ""
    kind = recorded.kind.replace("_", " ")
    return f"{_COUNTED[recorded.measure]}: {kind}{narrowed}, as {recorded.owner} records it"
