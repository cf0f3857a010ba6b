"""Reading a file of one's own for analysis: one row a person, columns as the protocol's ``[data]`` says.

Nothing is linked here, so every variable is certain. The file is the user's; it is read and not kept.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np

import families_first
from families_first.errors import ExitCode, UserError
from families_first.research.evaluation.estimate import Flags, Floats, Ints
from families_first.research.extract.own_columns import OwnTable, read_own_table
from families_first.research.extract.quarters import read_quarter
from families_first.research.protocol import ProtocolText, StudyProtocol
from families_first.research.protocol.fields import ROLE
from families_first.research.protocol.parts import Who
from families_first.research.protocol.plan import OwnData
from families_first.research.study_data import ANYONE, Categories, Panel, Provenance, StudyData, who_are

NOT_KNOWN = "not-known"

_FIRST_OF_2000 = 2000 * 4
_YES = frozenset({"1", "true", "yes", "1.0"})
_NO = frozenset({"0", "false", "no", "0.0"})


def read_analysis_file(text: ProtocolText, path: Path) -> StudyData:
    """Read a CSV or Parquet file, one row a person, as a protocol's ``[data]`` says.

    Raises
    ------
    UserError
        BAD_FILE, when the protocol has no ``[data]``, the file cannot be read, or with every fault of its
        columns; REFUSED, when an arm has nobody.
    """
    protocol = text.protocol
    if protocol.data is None:
        raise UserError(
            "The protocol does not say which column of a file is what",
            where=text.file_name,
            fix="Add a table [data] with family, treated, and the columns of fields and outcomes; or run the "
            "protocol on a study's extract.",
            code=ExitCode.BAD_FILE,
        )
    reader = read_own_table(path)
    study = _study(text, protocol, protocol.data, reader)
    if reader.faults:
        raise _faulty(reader.faults, path.name)
    _check_arms(study, path.name)
    return study


def _study(text: ProtocolText, protocol: StudyProtocol, data: OwnData, reader: OwnTable) -> StudyData:
    rows = reader.rows
    fields = {
        field: Categories.of([NOT_KNOWN if each is None else each for each in reader.words(column)])
        for field, column in data.fields.items()
        if reader.has(column, f"data.fields.{field}")
    }
    if ROLE not in fields:
        fields[ROLE] = Categories(np.zeros(rows, dtype=np.int16), (ANYONE,))
        if any(each.who != ANYONE for each in protocol.outcomes):
            reader.faults.append("data.fields: outcomes of children or adults need the field role")
    certain: dict[str, Floats] = {}
    for name, column in _columns(protocol, data):
        if reader.has(column, name):
            certain[name] = reader.numbers(column, name)
    panels, quarters = _panels(data, reader)
    role = fields[ROLE]
    of = {who: who_are(role, who) for who in get_args(Who)}
    variables = (*protocol.outcome_variables(), *protocol.placebo_variables())
    return StudyData(
        family=_families(reader, data.family),
        treated=_treated(reader, data.treated),
        start=_starts(reader, data.start),
        fields=fields,
        certain=certain,
        certain_panels=panels,
        owners=(),
        quarters=quarters,
        observed={each.id: of[each.who] for each in variables}
        | {name: of[protocol.outcome(name).who] for name in panels},
        provenance=Provenance(
            protocol_id=protocol.id,
            protocol_version=protocol.version,
            protocol_sha256=text.sha256,
            extract_sha256=reader.sha256,
            code_version=families_first.__version__,
            made_up=protocol.made_up,
            outcomes_open=True,
        ),
    )


def _columns(protocol: StudyProtocol, data: OwnData) -> Iterator[tuple[str, str]]:
    """Yield each variable's id and the column that holds it."""
    for variable in (*protocol.outcome_variables(), *protocol.placebo_variables()):
        yield variable.id, data.columns.get(variable.id, variable.id)
    for covariate in protocol.covariates:
        if covariate.field is None:
            yield covariate.id, data.columns.get(covariate.id, covariate.id)


def _panels(data: OwnData, reader: OwnTable) -> tuple[dict[str, Panel], Ints]:
    """Return the panels and the quarters that they share."""
    found: dict[str, Panel] = {}
    quarters: list[int] = []
    for outcome, columns in data.panels.items():
        try:
            places = sorted((read_quarter(label), column) for label, column in columns.items())
        except ValueError:
            reader.faults.append(f"data.panels.{outcome}: a quarter is written as 2024-Q1")
            continue
        own = [quarter for quarter, _ in places]
        if own != list(range(own[0], own[0] + len(own))) or (quarters and own != quarters):
            reader.faults.append(
                f"data.panels.{outcome}: quarters follow one another without a gap and are the same for all"
            )
            continue
        quarters = own
        here = [reader.has(column, f"data.panels.{outcome}") for _, column in places]  # tells each that lacks
        if all(here):
            values = [reader.numbers(column, f"data.panels.{outcome}") for _, column in places]
            found[outcome] = np.stack(values, axis=1).astype(np.float32)
    return found, np.array(quarters, dtype=np.int64)


def _families(reader: OwnTable, column: str) -> Ints:
    rows = reader.rows
    if not reader.has(column, "data.family"):
        return np.arange(rows, dtype=np.int64)
    words = reader.words(column)
    if missing := sum(each is None for each in words):
        reader.faults.append(f"data.family: {missing:,} rows have no family in the column '{column}'")
        return np.arange(rows, dtype=np.int64)
    _, families = np.unique(words.astype(str), return_inverse=True)
    return families.astype(np.int64)


def _treated(reader: OwnTable, column: str) -> Flags:
    if not reader.has(column, "data.treated"):
        return np.zeros(reader.rows, dtype=np.bool_)
    words = [None if each is None else each.lower() for each in reader.words(column)]
    if unknown := sum(each not in _YES | _NO for each in words):
        reader.faults.append(
            f"data.treated: {unknown:,} rows of the column '{column}' are neither 1 nor 0 (yes, no, true, "
            "false)"
        )
    return np.array([each in _YES for each in words], dtype=np.bool_)


def _starts(reader: OwnTable, column: str | None) -> Ints:
    start = np.full(reader.rows, _FIRST_OF_2000, dtype=np.int64)
    if column is None or not reader.has(column, "data.start"):
        return start
    labels = Categories.of([each or "" for each in reader.words(column)])
    try:
        numbers = np.array([read_quarter(label) for label in labels.labels], dtype=np.int64)
    except ValueError:
        reader.faults.append(f"data.start: the column '{column}' has what is no quarter; write it as 2024-Q1")
        return start
    return numbers[labels.codes]


def _check_arms(study: StudyData, where: str) -> None:
    for count, words in ((study.treated.sum(), "treated"), ((~study.treated).sum(), "not treated")):
        if not count:
            raise UserError(
                f"Nobody in this file is {words}, so there is nobody to compare",
                where=where,
                fix="Without both arms no effect can be estimated. Look at the column that [data] treated "
                "names.",
                code=ExitCode.REFUSED,
            )


def _faulty(faults: list[str], where: str) -> UserError:
    told = "".join(f"\n  {number}. {fault}" for number, fault in enumerate(faults, 1))
    return UserError(
        f"The file does not fit the protocol's [data]:{told}\n",
        where=where,
        fix="Correct the file, or say in [data] how its columns are called.",
        code=ExitCode.BAD_FILE,
    )
