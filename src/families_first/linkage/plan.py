"""The plan of a linkage: which owners are linked to the council's people, how, and with which engine.

``plans/<project>.toml`` in the linkage home; where there is none, a plan follows from the agreements::

    project = "families-first-2026"
    engine = "duckdb"            # or "spark"
    spark_master = "local[*]"    # any master that Spark knows, for that engine
    model = "learned"            # anew for each pair of owners; or "shipped": the model that comes with this
    link_at = 0.8                # from this probability on a link counts as made, in the quality sheet
    least_probability = 0.01     # less probable candidates are left out of the spine
    council_parcel = ""          # the serial to take, where the council sent more than one split

    [owners.education]
    one_to_one = true            # it holds each person once; its agreement says so otherwise (repeats_people)
    encoded = false              # it sends field tokens in the place of identifiers
    parcel = ""                  # the serial to take, where it sent more than one split
    engine = "spark"             # in place of the plan's, and so for model and least_probability
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement
from families_first.governance.faults import faults_in_words
from families_first.governance.home import Home
from families_first.governance.retention import ClassId
from families_first.linkage.columns import COUNCIL
from families_first.matching.between import LIKELY_ENOUGH

PLANS = "plans"

EngineName = Literal["duckdb", "spark"]
ModelName = Literal["shipped", "learned"]
# Candidates below a hundredth are left out by matching already.
Serial = Annotated[str, Field(max_length=64)]
LeastProbability = Annotated[float, Field(ge=0.01, lt=0.5)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OwnerPlan(_Part):
    """What the plan says of one owner; None where the plan's own word or the agreement's stands."""

    one_to_one: bool | None = None
    encoded: bool | None = None
    parcel: Serial = ""
    engine: EngineName | None = None
    model: ModelName | None = None
    least_probability: LeastProbability | None = None


class LinkPlan(_Part):
    """The plan of a project.

    Attributes
    ----------
    project
        The study, as ``[study] project`` of the agreements names it.
    left
        The owner whose people the others are linked to: always the council.
    engine, spark_master, model
        How pairs are found and weighed.
    link_at
        The probability from which a link counts as made where quality is measured, and round which half of
        the clerical sample is drawn. The spine has every candidate with its probability, whatever this says.
    least_probability
        The least probability of a candidate that is kept.
    council_parcel
        The serial of the council's split; empty where there is one alone.
    owners
        The owners to link, by owner id. None: all that an agreement of the project names.
    """

    project: ClassId
    left: Literal["council"] = "council"
    engine: EngineName = "duckdb"
    spark_master: Annotated[str, Field(min_length=1)] = "local[*]"
    model: ModelName = "learned"
    link_at: Annotated[float, Field(gt=0.0, lt=1.0)] = LIKELY_ENOUGH
    least_probability: LeastProbability = 0.01
    council_parcel: Serial = ""
    owners: Mapping[ClassId, OwnerPlan] | None = None

    @field_validator("owners")
    @classmethod
    def _names_others_than_the_council(cls, owners: object) -> object:
        if isinstance(owners, Mapping) and COUNCIL in owners:
            raise ValueError("names the council, to which the others are linked")
        if isinstance(owners, Mapping) and not owners:
            raise ValueError("names nobody to link; leave [owners] out for all owners")
        return owners

    def with_engine(self, engine: EngineName) -> Self:
        """Return the plan with another engine for every pair."""
        others = None
        if self.owners is not None:
            others = {name: each.model_copy(update={"engine": None}) for name, each in self.owners.items()}
        return self.model_copy(update={"engine": engine, "owners": others})


@dataclass(frozen=True, slots=True)
class Pair:
    """How one owner is linked to the council's people: every word of the plan settled.

    ``encoded`` is None where the owner's columns are to tell; ``parcel`` is empty unless the plan chose one.
    """

    owner: str
    one_to_one: bool
    encoded: bool | None
    parcel: str
    engine: EngineName
    model: ModelName
    least_probability: float


def plan_of(home: Home, project: str, path: Path | None = None) -> LinkPlan:
    """Return the plan of a project: the file given, the one in ``plans/``, or the default.

    Raises
    ------
    UserError
        BAD_FILE, when the file is no plan (every fault is told at once) or is of another project; NOT_FOUND,
        when the file that was named is not there.
    """
    file = path or home.root / PLANS / f"{project}.toml"
    if not file.is_file():
        if path is None:
            return LinkPlan(project=project)
        raise UserError(
            "There is no such plan",
            where=file.name,
            fix="Name the file, or leave --plan out: a plan then follows from the agreements.",
            code=ExitCode.NOT_FOUND,
        )
    try:
        plan = LinkPlan.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        faults = "it is not TOML in UTF-8"
    except ValidationError as fault:
        faults = "; ".join(faults_in_words(fault))
    else:
        if plan.project == project:
            return plan
        faults = f"it is of the project '{plan.project}', and '{project}' is to be linked"
    raise UserError(
        f"This plan cannot be followed: {faults}",
        where=file.name,
        fix="Correct the plan; the guide on linking a study shows what may stand in it.",
        code=ExitCode.BAD_FILE,
    )


def pairs_of(plan: LinkPlan, agreements: Mapping[str, Agreement]) -> tuple[Pair, ...]:
    """Return the pairs of owners to link, in the order of the owners' ids.

    Parameters
    ----------
    agreements
        The project's agreements by owner id.

    Raises
    ------
    UserError
        AGREEMENT, when the plan names an owner that no agreement of the project does.
    """
    wanted = plan.owners if plan.owners is not None else dict.fromkeys(agreements.keys() - {COUNCIL}, None)
    unknown = sorted(wanted.keys() - agreements.keys())
    if unknown:
        raise UserError(
            f"The plan names owners that no agreement of the project does: {', '.join(unknown)}",
            where=plan.project,
            fix=f"Owners of this project are: {', '.join(sorted(agreements))}. Correct the plan, or put the "
            "agreement into agreements/.",
            code=ExitCode.AGREEMENT,
        )
    return tuple(_pair(plan, owner, wanted[owner] or OwnerPlan(), agreements) for owner in sorted(wanted))


def explain(plan: LinkPlan, pairs: tuple[Pair, ...]) -> tuple[str, ...]:
    """Return the plan in sentences, one a pair, after one on what holds for all."""
    return (
        f"Project {plan.project}: {len(pairs)} owners are linked to the people of the {plan.left}. A link "
        f"counts as made from a probability of {plan.link_at:g} on; candidates are kept below it.",
        *(
            f"{each.owner}: "
            + ("each person once" if each.one_to_one else "a person may have several records")
            + f", candidates from {each.least_probability:g} on, the {each.model} model on {each.engine}"
            + (", by field tokens" if each.encoded else "")
            + (f", from parcel {each.parcel}" if each.parcel else "")
            + "."
            for each in pairs
        ),
    )


def _pair(plan: LinkPlan, owner: str, said: OwnerPlan, agreements: Mapping[str, Agreement]) -> Pair:
    study = agreements[owner].study
    repeats = study is not None and study.repeats_people
    return Pair(
        owner=owner,
        one_to_one=not repeats if said.one_to_one is None else said.one_to_one,
        encoded=said.encoded,
        parcel=said.parcel,
        engine=said.engine or plan.engine,
        model=said.model or plan.model,
        least_probability=said.least_probability or plan.least_probability,
    )
