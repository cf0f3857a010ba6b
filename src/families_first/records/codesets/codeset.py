"""Code sets with dates: what a code means depends on when it was recorded."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Code:
    """One code of a set.

    ``valid_from`` and ``valid_to`` are the first and last day of use (None: no limit known). ``indicative``
    marks a meaning or grouping that we could not check against its source: show it as such.
    """

    code: str
    meaning: str
    group: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    indicative: bool = False

    def in_use_on(self, day: date) -> bool:
        """Say whether the code was in use on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class CodeSet:
    """A named list of codes and where it comes from; a code may appear twice with different dates."""

    name: str
    source: str
    codes: tuple[Code, ...]

    def find(self, code: str, day: date) -> Code | None:
        """Return the code as it stood on a day, or None; case and space round it do not matter."""
        wanted = code.strip().upper()
        return next((each for each in self.codes if each.code == wanted and each.in_use_on(day)), None)

    def valid_on(self, code: str, day: date) -> bool:
        """Say whether a code was in use on a day."""
        return self.find(code, day) is not None

    def meaning(self, code: str, day: date) -> str | None:
        """Return what a code meant on a day, or None when it was not in use."""
        found = self.find(code, day)
        return found.meaning if found else None

    def known(self, code: str) -> bool:
        """Say whether a code was ever in use; tells a retired code from a mistake."""
        wanted = code.strip().upper()
        return any(each.code == wanted for each in self.codes)

    def on(self, day: date) -> tuple[Code, ...]:
        """Return the codes in use on a day, in the order of the set."""
        return tuple(code for code in self.codes if code.in_use_on(day))
