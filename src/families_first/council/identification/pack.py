"""A criteria pack: a folder of dated, readable rules, loaded with every fault shown at once.

``pack.toml`` says what the pack is and how many distinct problems make a nomination; ``rules/*.toml`` hold
the rules, one file a problem. Nothing in a pack is code except the checked SQL escape.
"""

import tomllib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from families_first.council.identification.rule import Rule, Slug, SqlRule, Words
from families_first.council.identification.sql_escape import sql_faults
from families_first.errors import ExitCode, UserError

_STRICT = ConfigDict(frozen=True, extra="forbid")


class PackHead(BaseModel):
    """What ``pack.toml`` holds.

    ``non_resident_parent_problems`` is the number of problems for which parents who do not live with the
    children may account (the 2015 programme says one); none means without limit. ``near_ratio`` is how
    close beneath a ratio's threshold counts as a near-miss.
    """

    model_config = _STRICT

    id: Slug
    title: Words
    version: Annotated[str, Field(pattern=r"^\d+(\.\d+){0,2}$")]
    kind: Literal["nomination", "gateway"] = "nomination"
    in_force_from: date
    in_force_to: date | None = None
    indicative: bool = False
    source: Words
    note: str = ""
    minimum_problems: int = Field(ge=1, le=20)
    needs_dependent_child: bool = True
    non_resident_parent_problems: int | None = Field(default=None, ge=0, le=20)
    near_ratio: float = Field(default=0.02, ge=0, le=0.5)
    problems: dict[Slug, Words] = Field(min_length=1)

    @model_validator(mode="after")
    def _minimum_can_be_met(self) -> Self:
        if self.minimum_problems > len(self.problems):
            raise ValueError(
                "minimum_problems is above the number of problems, so no family could ever meet it"
            )
        if self.in_force_to is not None and self.in_force_to < self.in_force_from:
            raise ValueError("in_force_to is before in_force_from")
        return self


class RuleFile(BaseModel):
    """What one file of ``rules/`` holds: the problem, and the rules that are evidence of it."""

    model_config = _STRICT

    problem: Slug
    rule: tuple[Rule, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class PackFault:
    """One thing wrong with a pack: the file's name, the key in it, what is wrong."""

    file: str
    key: str
    what: str


@dataclass(frozen=True, slots=True)
class PackRule:
    """A rule and the problem it is evidence of; ``indicative`` when either it or its pack says so."""

    problem: str
    rule: Rule
    indicative: bool


@dataclass(frozen=True, slots=True)
class Pack:
    """A criteria pack, checked: its head and its rules in the order of problems, then of files."""

    head: PackHead
    rules: tuple[PackRule, ...]

    @property
    def id(self) -> str:
        """The pack's id, which is also its folder's name."""
        return self.head.id

    def rules_in_force(self, on: date) -> tuple[PackRule, ...]:
        """Return the rules in force on a day (their own dates; the pack's are told by ``in_force``)."""
        return tuple(entry for entry in self.rules if entry.rule.in_force(on))

    def in_force(self, on: date) -> bool:
        """Say whether the pack is in force on a day."""
        head = self.head
        return head.in_force_from <= on and (head.in_force_to is None or on <= head.in_force_to)


def shipped_packs_folder() -> Path:
    """Return the folder of the packs that ship with the project."""
    return Path(str(resources.files("families_first.council.identification") / "packs"))


def pack_ids(folder: Path) -> list[str]:
    """Return the ids of the packs in a folder, in order."""
    return sorted(path.parent.name for path in folder.glob("*/pack.toml"))


def load_pack(folder: Path) -> Pack:
    """Load one pack.

    Raises
    ------
    UserError
        With every fault of the pack at once, each with its file and key.
    """
    pack, faults = read_pack(folder)
    if pack is None or faults:
        lines = "; ".join(f"{fault.file}: {fault.key}: {fault.what}" for fault in faults)
        raise UserError(
            f"The criteria pack has {len(faults)} fault(s): {lines}",
            where=folder.name,
            fix="Correct each key named and check again with 'families-first identify check'.",
            code=ExitCode.CRITERIA,
        )
    return pack


def check_pack(folder: Path) -> list[PackFault]:
    """Return every fault of a pack; none when it can be used."""
    return read_pack(folder)[1]


def read_pack(folder: Path) -> tuple[Pack | None, list[PackFault]]:
    """Read a pack and all its faults; the pack is none when its head cannot be read."""
    faults: list[PackFault] = []
    head = _read_model(folder / "pack.toml", PackHead, faults)
    paths = sorted((folder / "rules").glob("*.toml"))
    if not paths:
        faults.append(PackFault("rules/", "*.toml", "the pack has no rule files"))
    files = [(path, _read_model(path, RuleFile, faults)) for path in paths]
    found = [(path, file) for path, file in files if file is not None]
    if head is not None and head.id != folder.name:
        faults.append(PackFault("pack.toml", "id", f"the id must be the folder's name, {folder.name}"))
    for path, file in found:
        if head is not None and file.problem not in head.problems:
            faults.append(
                PackFault(path.name, "problem", f"{file.problem} is not among the pack's [problems]")
            )
        faults += [
            PackFault(path.name, f"rule.{rule.id}.query", what)
            for rule in file.rule
            if isinstance(rule, SqlRule)
            for what in sql_faults(rule.query)
        ]
    faults += _repeated_ids(found)
    if head is None:
        return None, faults
    if len(found) == len(files):
        named = {file.problem for _, file in found}
        faults += [
            PackFault("pack.toml", f"problems.{problem}", "no rule file speaks of this problem")
            for problem in head.problems
            if problem not in named
        ]
    order = {problem: place for place, problem in enumerate(head.problems)}
    rules = [
        PackRule(file.problem, rule, head.indicative or rule.indicative)
        for _, file in sorted(found, key=lambda entry: order.get(entry[1].problem, len(order)))
        for rule in file.rule
    ]
    return Pack(head, tuple(rules)), faults


def _repeated_ids(found: list[tuple[Path, RuleFile]]) -> list[PackFault]:
    counts = Counter(rule.id for _, file in found for rule in file.rule)
    return [
        PackFault(path.name, f"rule.{rule.id}.id", "another rule of the pack has the same id")
        for path, file in found
        for rule in file.rule
        if counts[rule.id] > 1
    ]


def _read_model[M: BaseModel](path: Path, model: type[M], faults: list[PackFault]) -> M | None:
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        faults.append(PackFault(path.name, "(file)", "the file is missing"))
        return None
    except UnicodeDecodeError:
        faults.append(PackFault(path.name, "(file)", "the file is not UTF-8 text"))
        return None
    except tomllib.TOMLDecodeError as error:
        faults.append(PackFault(path.name, "(file)", f"not valid TOML: {error}"))
        return None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        faults += [
            PackFault(path.name, _key(raw, detail["loc"]), detail["msg"].removeprefix("Value error, "))
            for detail in error.errors(include_url=False, include_context=False)
        ]
        return None


def _key(raw: dict[str, Any], location: tuple[int | str, ...]) -> str:
    """Return a fault's place as a person would say it: a rule by its id, not by its number."""
    parts = list(location)
    if len(parts) >= 2 and parts[0] == "rule" and isinstance(parts[1], int):
        entry = raw["rule"][parts[1]]
        name = entry.get("id", parts[1] + 1) if isinstance(entry, dict) else parts[1] + 1
        shape = entry.get("shape") if isinstance(entry, dict) else None
        rest = [part for part in parts[2:] if part != shape]
        parts = ["rule", str(name), *rest]
    return ".".join(str(part) for part in parts) or "(file)"
