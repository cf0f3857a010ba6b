"""The extract: who stands out in it, counted anew by brute force; and what must not be in it at all."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from families_first.assurance.bench import Bench
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.small_protocol import PROTOCOL
from families_first.assurance.small_study import PROJECT, SmallStudy
from families_first.assurance.study_records import COUNCIL, identifiers_of
from families_first.errors import ExitCode
from families_first.research.extract.building import build_extract
from families_first.research.protocol.sealing import seal_protocol

Row = Mapping[str, Any]

_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_WORD_KEYS = frozenset({"person", "owner", "role", "sex", "age_band", "ethnicity_group"})
_FORBIDDEN = frozenset(
    (
        "record_key",
        "row_key",
        "family_key",
        "reference",
        "family_reference",
        "forename",
        "middle_names",
        "surname",
        "date_of_birth",
        "birth_month",
        "postcode",
        "address_line_1",
        "house_number",
        "locality",
        "nino",
        "upn",
        "nhs_number",
        "pnc",
        "district",
        "assessed_on",
        "started_on",
        "ended_on",
        "occurred_on",
        "period_start",
        "period_end",
        "detail",
    )
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the protocol's own text asks of its extract, read without the program's help."""

    k: int
    l: int  # noqa: E741 - the word of the field
    quasi: Sequence[str]
    sensitive: Sequence[str]


@check(
    "extract-is-coarse-enough",
    tries="find somebody in an extract who stands out, or a day, name, number or key of anybody",
    unit="people and values",
    limit_seconds=120,
)
def extract_is_coarse_enough(bench: Bench) -> Findings:
    """k and l of a small study's extract counted by brute force, every value of it read, and somebody who was
    made to stand out looked for."""
    tally, study = Tally(), bench.study(to_its_end=True)
    disclosure = tomllib.loads(PROTOCOL)["disclosure"]
    asked = _Asked(*(disclosure[name] for name in ("k", "l", "quasi_identifiers", "sensitive")))
    tables = study.extract()
    people = tables["person"].to_pylist()
    counts = Counter(_combination(row, asked.quasi) for row in people)
    for row in people:
        tally.holds(
            counts[_combination(row, asked.quasi)] >= asked.k,
            f"a person shares what others may know with fewer than {asked.k}",
        )
    for combination in counts:
        for name in asked.sensitive:
            among = {row[name] for row in people if _combination(row, asked.quasi) == combination}
            tally.holds(len(among) >= asked.l, f"fewer than {asked.l} values of {name} among people alike")
    for name in tables["person"].schema.names:
        if pa.types.is_floating(tables["person"].schema.field(name).type):
            _look_at_number(tally, people, name, asked.k)
    values = _look_at_values(tally, study, tables)
    _look_for_the_unique(tally, study, people, counts, asked)
    _ask_for_too_little(tally, study)
    smallest = min(counts.values(), default=0)
    tally.notes.append(_if_more_is_known(people, asked))
    return tally.findings(
        f"{len(people)} people of a small study's extract were counted by what others may know of them: "
        f"{len(counts)} combinations, the rarest shared by {smallest} where the protocol asks for {asked.k}. "
        f"{values:,} values were searched for days, postcodes, names, numbers, references, row keys and "
        "marks. Somebody alone in the council's file with such an age and ethnicity was looked for, and an "
        "extract that cannot be made coarse enough was asked for."
    )


def _combination(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def _look_at_number(tally: Tally, people: Sequence[Row], name: str, k: int) -> None:
    highest = max((row[name] for row in people if row[name] is not None), default=0)
    tally.holds(
        sum(row[name] == highest for row in people) >= k, f"fewer than {k} people have the highest {name}"
    )


def _look_at_values(tally: Tally, study: SmallStudy, tables: Mapping[str, pa.Table]) -> int:
    """Read every column and every text of the extract; returns how many values there were."""
    keys = set(study.spine()["row_key"].to_pylist())
    words, searched = set(study.sources.words()), 0
    for name, table in tables.items():
        for field in table.schema:
            where = f"{field.name} of {name}"
            tally.holds(field.name not in _FORBIDDEN, f"there is a column {where}")
            tally.holds(not pa.types.is_temporal(field.type), f"{where} holds days")
            values = table[field.name].to_pylist()
            texts = [each for each in set(values) if isinstance(each, str)]
            tally.holds(not texts or field.name in _WORD_KEYS, f"{where} holds words of no known field")
            for each in texts:
                searched += 1
                found = (
                    each in keys
                    or each in words
                    or any(word in each for word in ("made-up-mark", "QQ", "A999"))
                    or (not _PSEUDONYM.fullmatch(each) and (_DAY.search(each) or _POSTCODE.search(each)))
                )
                tally.holds(not found, f"{where} holds a day, a name, a number or a key")
            searched += len(values)
    if tables["person"].num_rows == 0 or not any(name.startswith("outcomes ") for name in tables):
        tally.doubts.append("There was no extract with outcomes to search.")
    return searched


def _look_for_the_unique(
    tally: Tally, study: SmallStudy, people: Sequence[Row], counts: Counter[tuple[Any, ...]], asked: _Asked
) -> None:
    """Follow the one person who stands out by what only the council and the linker ever had together."""
    sources = study.sources
    fine = {row["reference"]: _fine(row) for row in sources.programme.to_pylist()}
    if sum(each == fine[sources.unique] for each in fine.values()) != 1:
        tally.doubts.append("Nobody stood out in the council's file in the first place.")
    told = next(row for row in sources.people[COUNCIL].to_pylist() if row["reference"] == sources.unique)
    rows = study.identifiers()[COUNCIL].to_pylist()
    keys = {row["row_key"] for row in rows if identifiers_of(row) == identifiers_of(told)}
    pseudonyms = {row["person"] for row in study.spine().to_pylist() if row["row_key"] in keys}
    found = [row for row in people if row["person"] in pseudonyms]
    if len(found) != 1:
        tally.doubts.append("Who stands out is not in the extract, so hiding them shows nothing.")
    for row in found:
        shared = counts[_combination(row, asked.quasi)]
        tally.holds(shared >= asked.k, f"who stood out shares their combination with {shared} people")
        tally.holds(
            (row["age_band"], row["ethnicity_group"]) != ("50+", "black"),
            "the age and ethnicity of who stood out are as fine as they were",
        )


def _fine(row: Row) -> tuple[object, ...]:
    born, zero = row["birth_month"], row["assessed_on"]
    years = (zero.year - born.year) - (zero.month < born.month) if isinstance(born, date) else None
    return row["role"], row["sex"], years, str(row["ethnicity"]).partition("_")[0]


def _ask_for_too_little(tally: Tally, study: SmallStudy) -> None:
    """Ask for an extract in which everybody would have to be alike."""
    text = PROTOCOL.replace(f'id = "{PROJECT}"', 'id = "too-fine"', 1)
    text = text.replace("k = 10", "k = 400").replace("suppress_at_most = 0.2", "suppress_at_most = 0.0")
    seal_protocol(study.researcher, study.protocol_file(text, "too-fine.toml"))
    tally.refused(
        "an extract was built in which people stand out",
        lambda: build_extract(study.researcher, "too-fine"),
        ExitCode.REFUSED,
    )


def _if_more_is_known(people: Sequence[Row], asked: _Asked) -> str:
    """Say how many would stand out to somebody who also knew when they joined, and whether they took part."""
    names = [*asked.quasi, "start", "treated"]
    counts = Counter(_combination(row, names) for row in people)
    alone = sum(counts[_combination(row, names)] == 1 for row in people)
    return (
        f"Somebody who knew of a person also the quarter of the assessment and whether they took part would "
        f"find {alone} of {len(people)} people alone in the small study's extract. The extract never leaves "
        "the research home, and no output has a row of a person."
    )
