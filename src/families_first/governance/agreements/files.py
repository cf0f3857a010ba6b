"""Agreements as files: one TOML file an agreement, every fault told at once."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements.model import Agreement
from families_first.governance.faults import faults_in_words

AGREEMENT_SUFFIX = ".toml"


def load_agreement(path: Path) -> Agreement:
    """Read one agreement.

    Raises
    ------
    UserError
        AGREEMENT, with every fault of the file.
    """
    agreement, faults = _read(path)
    if agreement is None:
        raise _faulty(faults, where=path.name)
    return agreement


def load_agreements(folder: Path) -> dict[str, Agreement]:
    """Read every agreement in a folder; returns them by id, in the order of the ids.

    Raises
    ------
    UserError
        AGREEMENT, with every fault of every file, each named; two files with one id are a fault.
    """
    found: dict[str, Agreement] = {}
    faults: list[str] = []
    for path in sorted(folder.glob(f"*{AGREEMENT_SUFFIX}")):
        agreement, of_this = _read(path)
        faults += [f"{path.name}: {fault}" for fault in of_this]
        if agreement is None:
            continue
        if agreement.id in found:
            faults.append(f"{path.name}: another file has the id '{agreement.id}' too")
        found[agreement.id] = agreement
    if faults:
        raise _faulty(faults, where=folder.name)
    return dict(sorted(found.items()))


def _read(path: Path) -> tuple[Agreement | None, list[str]]:
    try:
        return Agreement.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig"))), []
    except FileNotFoundError:
        return None, ["there is no such file"]
    except IsADirectoryError:
        return None, ["it is a folder, not a file"]
    except UnicodeDecodeError:
        return None, ["the file is not text in UTF-8"]
    except tomllib.TOMLDecodeError as fault:
        return None, [f"the file is not TOML: {fault}"]
    except ValidationError as fault:
        return None, faults_in_words(fault)


def _faulty(faults: list[str], *, where: str) -> UserError:
    if len(faults) == 1:
        what = f"The agreement has a fault: {faults[0]}"
    else:
        told = "".join(f"\n  {number}. {fault}" for number, fault in enumerate(faults, 1))
        what = f"There are {len(faults)} faults:{told}\n"
    return UserError(what, where=where, fix="Correct each and try again.", code=ExitCode.AGREEMENT)
