"""What a study could find, told before its outcomes open: whom it has, and how small an effect shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from families_first.governance.desk import Act
from families_first.research.evaluation.estimate import Flags, Floats
from families_first.research.evaluation.power import Detectable, design_effect_of, detectable_difference
from families_first.research.extract.loading import find_extract, load_study
from families_first.research.protocol import StudyProtocol, Variable
from families_first.research.protocol.fields import ROLE
from families_first.research.protocol.parts import Measurement
from families_first.research.study_data import OwnerLinks, StudyData, who_are


@dataclass(frozen=True, slots=True)
class OutcomeDesign:
    """One outcome in one window: of how many people and families of each arm it is asked.

    ``design_effect`` is by how much families make the variance grow, by the correlation that the protocol
    assumes; ``detectable`` the least effect that would be found: among as many as will be known, where
    nothing is known of whoever is not found. None where the protocol names no rate expected without the
    programme, or an arm has nobody.
    """

    id: str
    label: str
    who: str
    primary: bool
    treated: int
    comparison: int
    treated_families: int
    comparison_families: int
    design_effect: float
    detectable: Detectable | None


@dataclass(frozen=True, slots=True)
class DesignFacts:
    """What is known of a study before its outcomes open.

    ``links`` are by owner the links expected to hold for each person of either arm: (treated, comparison).
    """

    protocol_id: str
    protocol_sha256: str
    people: int
    families: int
    outcomes: tuple[OutcomeDesign, ...]
    links: Mapping[str, tuple[float, float]]


def design_facts(act: Act, protocol_id: str) -> DesignFacts:
    """Return what a study could find, from its extract; no outcome is looked at, opened or not.

    Raises
    ------
    UserError
        As :func:`load_study`.
    """
    extract = find_extract(act, protocol_id)
    return describe_design(extract.protocol, load_study(act, protocol_id, only=()))


def describe_design(protocol: StudyProtocol, study: StudyData) -> DesignFacts:
    """Return what a study of this protocol could find with these people."""
    return DesignFacts(
        protocol_id=protocol.id,
        protocol_sha256=study.provenance.protocol_sha256,
        people=study.units,
        families=len(np.unique(study.family)),
        outcomes=tuple(_outcome(protocol, study, each) for each in protocol.outcome_variables()),
        links={
            each.owner: (
                _per_person(each, study.treated),
                _per_person(each, ~study.treated),
            )
            for each in study.owners
        },
    )


def _outcome(protocol: StudyProtocol, study: StudyData, variable: Variable) -> OutcomeDesign:
    asked = study.observed.get(variable.id, np.ones(study.units, dtype=np.bool_))
    treated, comparison = asked & study.treated, asked & ~study.treated
    within = protocol.minimum_detectable_effect.within_family
    design_effect = design_effect_of(study.family[asked], within) if asked.any() else 1.0
    outcome = protocol.outcome(variable.id.partition("@")[0])
    found = _expected_to_be_known(protocol, study, variable)
    return OutcomeDesign(
        id=variable.id,
        label=variable.label,
        who=variable.who,
        primary=outcome.primary,
        treated=int(treated.sum()),
        comparison=int(comparison.sum()),
        treated_families=len(np.unique(study.family[treated])),
        comparison_families=len(np.unique(study.family[comparison])),
        design_effect=design_effect,
        detectable=_detectable(
            protocol, variable, [float(found[arm].sum()) for arm in (treated, comparison)], design_effect
        ),
    )


def _expected_to_be_known(protocol: StudyProtocol, study: StudyData, variable: Variable) -> Floats:
    """Return for each unit the chance that a record is found without which nothing is known of it."""
    known = np.ones(study.units)
    who = protocol.not_known_without_record(variable.recorded)
    links = next((each for each in study.owners if each.owner == variable.recorded.owner), None)
    if who is None or links is None:
        return known
    return np.where(who_are(study.fields[ROLE], who), links.chance_of_record(study.units), known)


def _detectable(
    protocol: StudyProtocol, variable: Variable, people: Sequence[float], design_effect: float
) -> Detectable | None:
    plan = protocol.minimum_detectable_effect
    rate = next((each for each in plan.rates if each.outcome == variable.id.partition("@")[0]), None)
    is_share = variable.recorded.measure == Measurement.ANY
    if rate is None or min(people) <= 0:
        return None
    if (is_share and rate.rate >= 1) or (not is_share and rate.deviation is None):
        return None
    return detectable_difference(
        *people,
        base=rate.rate,
        spread=None if is_share else rate.deviation,
        design_effect=design_effect,
        level=protocol.multiplicity.level,
        power=plan.power,
    )


def _per_person(links: OwnerLinks, arm: Flags) -> float:
    """Return the links expected to hold for each person of an arm."""
    expected = float(links.probability[arm[links.unit]].sum())
    return expected / max(int(arm.sum()), 1)
