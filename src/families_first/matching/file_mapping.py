"""The mapping of a user's own files for ``families-first match``: which of their columns is which of ours.

.. code-block:: toml

    unique_id = "rec_id"
    date_format = "%Y%m%d"      # optional

    [columns]
    forename = "given_name"
    surname = "surname"
    date_of_birth = "dob"

A column may be a list of columns, whose values are joined with a space.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.matching.prepare import MATCH_COLUMNS

CANONICAL = tuple(name for name in MATCH_COLUMNS if name != "record_key")
_TOP = {"unique_id", "date_format", "columns"}


@dataclass(frozen=True, slots=True)
class FileMapping:
    """``columns`` maps a canonical name to one or more columns of the files; ``date_format`` may be empty."""

    unique_id: str
    columns: Mapping[str, tuple[str, ...]]
    date_format: str

    @property
    def named(self) -> frozenset[str]:
        """All columns of the files that the mapping names."""
        return frozenset({self.unique_id, *(name for names in self.columns.values() for name in names)})


def load_file_mapping(path: Path) -> FileMapping:
    """Read a mapping, telling every fault in it at once.

    Raises
    ------
    UserError
        ``BAD_MAPPING`` when it is not TOML, lacks ``unique_id`` or ``[columns]``, or names something unknown.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise _fault("There is no such mapping file", path, "Check the name after --mapping.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault("The mapping is not readable as TOML", path, "Correct its syntax, in UTF-8.") from error
    faults = [f"unknown setting {name}" for name in sorted(set(content) - _TOP)]
    unique_id, date_format = content.get("unique_id"), content.get("date_format", "")
    if not isinstance(unique_id, str) or not unique_id.strip():
        faults.append('no unique_id = "..."')
    if not isinstance(date_format, str):
        faults.append("date_format is not text")
    given = content.get("columns")
    columns: dict[str, tuple[str, ...]] = {}
    if not isinstance(given, dict) or not given:
        faults.append("no [columns] table")
    else:
        for name, value in given.items():
            names = [value] if isinstance(value, str) else value
            if name not in CANONICAL:
                faults.append(f"unknown column name {name}")
            elif not isinstance(names, list) or not names or not all(isinstance(each, str) for each in names):
                faults.append(f"{name} is neither a column nor a list of columns")
            else:
                columns[name] = tuple(each.strip() for each in names)
        if columns and not {"forename", "surname", "date_of_birth", "other_id"} & set(columns):
            faults.append("none of forename, surname, date_of_birth and other_id is mapped")
    if faults:
        allowed = f"The names of ours are {', '.join(CANONICAL)}."
        raise _fault(f"The mapping has faults: {'; '.join(faults)}", path, allowed)
    return FileMapping(unique_id=str(unique_id).strip(), columns=columns, date_format=str(date_format))


def _fault(what: str, path: Path, fix: str) -> UserError:
    return UserError(what, where=path.name, fix=fix, code=ExitCode.BAD_MAPPING)
