"""The promise register: what the public notice promises, what holds each promise, and which checks show it.

The notice itself ships beside the register, word for word as its publisher wrote it, because a register
that quotes a notice is worth nothing where the notice cannot be read.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{2,62}$")]
Words = Annotated[str, Field(min_length=1, pattern=r"\S")]

REGISTER_FILE = "promises.toml"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Missing(_Part):
    """A check that a promise needs and that nobody has built: its name, and why."""

    check: Name
    why: Words


class Promise(_Part):
    """A sentence of the notice that promises something.

    Attributes
    ----------
    id, title
        Its name, for files and links, and a heading of a few words.
    sentence
        The sentence, or the part of it that promises, word for word as in the notice.
    mechanism
        What holds it, in plain words, with the modules that do.
    checks
        Names of the checks that try to break it.
    missing
        Checks that it needs and that are not built.
    left_to_people
        What of it no program can judge, beginning with "whether"; empty where the checks can judge it all.
        Where it holds, it is shown to hold as far as a program can check, and no further.
    fresh_days
        For how many days a proof counts.
    """

    id: Name
    title: Words
    sentence: Words
    mechanism: Words
    checks: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    missing: Annotated[tuple[Missing, ...], Field(strict=False)] = ()
    left_to_people: Annotated[str, Field(pattern=r"^$|^whether .+[^.]$")] = ""
    fresh_days: Annotated[int, Field(ge=1, le=366)]

    @model_validator(mode="after")
    def _is_checked_or_says_why_not(self) -> Self:
        if not self.checks and not self.missing:
            raise ValueError("names neither a check nor a missing one")
        named = [*self.checks, *(each.check for each in self.missing)]
        if len(set(named)) < len(named):
            raise ValueError("names a check twice")
        return self


class Notice(_Part):
    """The public notice: its ``title``, who published it and where, and its ``text`` as published."""

    title: Words
    publisher: Words
    published_at: Words
    text: Words


class PromiseRegister(_Part):
    """The notice and its promises, in the order of the register."""

    notice: Notice
    promises: Annotated[tuple[Promise, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _quotes_the_notice(self) -> Self:
        ids = [each.id for each in self.promises]
        if len(set(ids)) < len(ids):
            raise ValueError("two promises have the same id")
        missing = {gap.check for each in self.promises for gap in each.missing}
        if both := missing.intersection(self.checks):
            raise ValueError(f"named as built and as missing: {', '.join(sorted(both))}")
        altered = [each.id for each in self.promises if self.notice.text.count(each.sentence) != 1]
        if altered:
            raise ValueError(f"the notice does not say this, or says it twice: {', '.join(altered)}")
        return self

    @property
    def checks(self) -> Mapping[str, int]:
        """Every check that a promise names, with the fewest days for which any of them lets its proof
        count."""
        found: dict[str, int] = {}
        for each in self.promises:
            for check in each.checks:
                found[check] = min(each.fresh_days, found.get(check, each.fresh_days))
        return MappingProxyType(found)


def parse_register(document: Mapping[str, Any], notice: str) -> PromiseRegister:
    """Return the register that a TOML document describes, over the text of the notice.

    Raises
    ------
    pydantic.ValidationError
        When it is not one, or quotes what the notice does not say.
    """
    head = {key: value for key, value in document["notice"].items() if key != "file"}
    return PromiseRegister.model_validate(
        {"notice": {**head, "text": notice}, "promises": document["promises"]}
    )


@cache
def promise_register() -> PromiseRegister:
    """Return the register that the package ships."""
    folder = files("families_first.governance")
    document = tomllib.loads(folder.joinpath(REGISTER_FILE).read_text(encoding="utf-8"))
    return parse_register(document, folder.joinpath(document["notice"]["file"]).read_text(encoding="utf-8"))
