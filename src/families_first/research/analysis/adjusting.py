"""One way of making the two groups alike, chosen before outcomes are seen, applied to one completed set of
data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from families_first.research.analysis.questions import Question
from families_first.research.evaluation.balancing import balance_by_entropy
from families_first.research.evaluation.checking import find_doubts
from families_first.research.evaluation.contrasts import Missing, estimate_effects
from families_first.research.evaluation.covariates import Covariates, tabulate_covariates
from families_first.research.evaluation.design import Design, build_design
from families_first.research.evaluation.doubly_robust import estimate_doubly_robust
from families_first.research.evaluation.doubts import Doubt, is_fatal
from families_first.research.evaluation.estimate import Contrast, Flags, Floats, Ints
from families_first.research.evaluation.matching import Matches, match_nearest, weigh_matches
from families_first.research.evaluation.propensity import Propensity, fit_propensity, trim
from families_first.research.evaluation.regression import estimate_by_regression
from families_first.research.evaluation.weighting import (
    Weighting,
    weigh_by_overlap,
    weigh_by_propensity,
    weigh_equally,
)
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol.plan import MethodName
from families_first.research.study_data import Categories, Completed, StudyData

UNADJUSTED = "unadjusted"


@dataclass(frozen=True, slots=True)
class Choice:
    """How the groups are made alike: as the protocol's ``[method]``, or one variation of it.

    ``method`` may also be :data:`UNADJUSTED`; ``covariates`` is ``all`` or ``fields``, the programme's own
    alone.
    """

    method: MethodName | str
    caliper: float
    ratio: int
    replace: bool
    exact: tuple[str, ...]
    trim: float
    missing: Missing
    covariates: str = "all"
    min_families: int = 0

    @classmethod
    def of(cls, protocol: StudyProtocol) -> "Choice":
        """Return the protocol's own choice."""
        method = protocol.method
        return cls(
            method=method.primary,
            caliper=method.caliper,
            ratio=method.ratio,
            replace=method.replace,
            exact=method.exact,
            trim=method.trim,
            missing=protocol.missing.method,
            min_families=protocol.population.min_families,
        )


@dataclass(slots=True)
class Adjusting:
    """One completed set of data, with the covariates put into columns once for all questions."""

    study: StudyData
    protocol: StudyProtocol
    completed: Completed
    _tables: dict[tuple[object, ...], Covariates] = field(default_factory=dict)

    def covariates(self, choice: Choice, *, before: int = 0, full: bool = False) -> Covariates:
        """Return the covariates in columns.

        ``before`` keeps, where it is not 0, only what was recorded before that quarter: a placebo outcome
        must not be adjusted for itself.
        """
        key = (choice.covariates, before, full)
        if key not in self._tables:
            self._tables[key] = tabulate_covariates(*self._named(choice, before), full=full)
        return self._tables[key]

    def _named(self, choice: Choice, before: int) -> tuple[Mapping[str, Floats], Mapping[str, Categories]]:
        numbers: dict[str, Floats] = {}
        words: dict[str, Categories] = {}
        for each in self.protocol.field_covariates():
            name = str(each.field)
            if name in self.study.fields:
                words[each.id] = self.study.fields[name]
            elif each.id in self.completed.variables:
                numbers[each.id] = self.completed.variables[each.id]
            elif name in self.completed.variables:
                numbers[each.id] = self.completed.variables[name]
        if choice.covariates == "all":
            for variable in self.protocol.recorded_covariates():
                if variable.id in self.completed.variables and (not before or variable.last < before):
                    numbers[variable.id] = self.completed.variables[variable.id]
            if not before:
                for covariate in self.protocol.covariates:  # of a file of one's own: neither field nor owner
                    if covariate.field is None and covariate.id in self.completed.variables:
                        numbers.setdefault(covariate.id, self.completed.variables[covariate.id])
        return numbers, words

    def design(self, asked: Flags, choice: Choice, *, before: int = 0) -> Design:
        """Return who is compared on what, among those asked."""
        table = self.covariates(choice, before=before)
        return build_design(self.study.treated, self.study.family, table.values, table.names, used=asked)

    def weighting(self, design: Design, choice: Choice) -> Weighting:
        """Make the groups alike. What cannot be done is among the doubts of the weighting."""
        doubts = find_doubts(design, min_families=choice.min_families)
        if is_fatal(doubts):
            return weigh_equally(design, doubts)
        weighting = self._weighting(design, choice)
        kept = weighting.doubts
        return replace(weighting, doubts=(*kept, *(each for each in doubts if each not in kept)))

    def _weighting(self, design: Design, choice: Choice) -> Weighting:
        if choice.method in (UNADJUSTED, "regression"):
            return weigh_equally(design)
        if choice.method == "entropy-balancing":
            return balance_by_entropy(design)
        propensity = fit_propensity(design)
        if choice.trim and propensity.usable:
            propensity = fit_propensity(trim(propensity, at=choice.trim))
        if not propensity.usable:
            return weigh_equally(propensity.design, propensity.doubts)
        if choice.method == "matching":
            return weigh_matches(self.match(propensity, choice))
        return weigh_by_overlap(propensity) if choice.method == "overlap" else weigh_by_propensity(propensity)

    def match(self, propensity: Propensity, choice: Choice) -> Matches:
        """Match one to so many, as the choice says."""
        return match_nearest(
            propensity,
            caliper=choice.caliper,
            scale="logit",
            ratio=choice.ratio,
            replace=choice.replace,
            exact=self.strata(choice.exact),
        )

    def strata(self, fields: tuple[str, ...]) -> Ints | None:
        """Number the combinations of some fields of words, shape (units,); None without fields."""
        if not fields:
            return None
        number = np.zeros(self.study.units, dtype=np.int64)
        for name in fields:
            words = self.study.fields[name]
            number = number * len(words.labels) + words.codes
        return number

    def contrasts(
        self, questions: tuple[Question, ...], weighting: Weighting, choice: Choice
    ) -> list[Contrast]:
        """Return the effect that each question asks for; the questions are all of the weighting's people."""
        nothing = np.full(self.study.units, np.nan)
        outcomes = {each.id: self.completed.variables.get(each.variable, nothing) for each in questions}
        if is_fatal(weighting.doubts):
            return estimate_effects(weighting, outcomes)  # each says why it cannot be said
        if choice.method == "doubly-robust":
            return estimate_doubly_robust(weighting, outcomes, missing=choice.missing)
        if choice.method == "regression":
            found = estimate_by_regression(weighting.design, outcomes)
            return [_with_doubts(each, weighting.doubts) for each in found]
        return estimate_effects(weighting, outcomes, missing=choice.missing)


def _with_doubts(contrast: Contrast, doubts: tuple[Doubt, ...]) -> Contrast:
    effect = contrast.effect
    more = tuple(each for each in doubts if each not in effect.doubts)
    return replace(contrast, effect=replace(effect, doubts=(*effect.doubts, *more)))
