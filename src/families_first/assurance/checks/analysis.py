"""Results are of what a sealed protocol names, and of nothing else."""

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from families_first.assurance.bench import Bench
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.sealed_before import hold_sealed_before
from families_first.assurance.small_protocol import PROTOCOL
from families_first.assurance.small_study import PROJECT, PROTOCOLS, SmallStudy, reading
from families_first.errors import ExitCode
from families_first.governance.parcels import reading_parcel
from families_first.governance.parcels.releases import protocol_file
from families_first.governance.policy import Resource
from families_first.governance.zone_file import Zone
from families_first.research.analysis.keeping import evaluate_extract
from families_first.research.asking import Question, ask
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.loading import load_study
from families_first.research.protocol.sealing import seal_protocol
from families_first.research.report.outputs import seal_outputs

RESEARCHERS = "the researchers"
UNNAMED = "get a result that the protocol does not name"
OUTPUTS = "send figures out that do not name the sealed protocol"
EDITED = "go on after the protocol was edited or removed"
BORROWED = "use results under a protocol by which they were not worked out"
_REFUSED = (ExitCode.REFUSED, ExitCode.NOT_FOUND)
_DEVIATION = '\n[[deviations]]\non = 2026-03-01\nwhat = "another method"\nwhy = "made up"\n'
_OTHER = "another-question"


@check(
    "analysis-follows-its-protocol",
    tries="get a result that the sealed protocol does not name, or any after the protocol was changed",
    unit="results and attempts",
    limit_seconds=120,
    attacks=tuple((RESEARCHERS, what) for what in (UNNAMED, OUTPUTS, EDITED, BORROWED)),
)
def analysis_follows_its_protocol(bench: Bench) -> Findings:
    """A small study evaluated; each result held against the protocol's own text; then the protocol edited,
    removed, followed by a version and replaced by another."""
    tally, study = Tally(), bench.study(to_its_end=True)
    researcher = study.researcher
    path = protocol_file(study.homes.research, PROJECT)
    sealed = path.read_bytes()
    evaluate_extract(researcher, PROJECT)
    with reading(researcher, "analyse", Resource("StudyExtract", PROJECT)) as vault:
        dataset = vault.find("results", PROJECT)
        results = vault.read(dataset, "object").to_pylist() if dataset else []
    with tally.attack(RESEARCHERS, UNNAMED):
        figures = _hold_against(tally, results, sealed)
        _load_what_is_not_named(tally, study)
    with tally.attack(RESEARCHERS, OUTPUTS):
        _look_at_outputs(tally, study, hashlib.sha256(sealed).hexdigest())
    with tally.attack(RESEARCHERS, EDITED):
        for edited in (sealed.replace(b"within 24 months", b"within 12 months"), sealed + b"\n", None):
            with _replaced(path, edited, sealed):
                _every_step(tally, study, PROJECT, "after the protocol was changed")
    with tally.attack(RESEARCHERS, BORROWED):
        _try_another(tally, study)
    for home in bench.examined():
        if home.zone is Zone.RESEARCH:
            hold_sealed_before(tally, home, ("build-extract", "analyse"), did="analysed")
    return tally.findings(
        f"A small study was evaluated: {len(results)} tables with {figures} effects, each held against the "
        "outcomes, windows and groups that the protocol's own text names, and against its sealed hash, in "
        "the vault and in the parcel for publication. Then every step was tried with the protocol edited, "
        "longer by a line, gone, followed by a version, and with another protocol. The logs of the homes "
        "were read: what was analysed, and what was sealed before."
    )


def _hold_against(tally: Tally, results: list[dict[str, Any]], sealed: bytes) -> int:
    """Hold every result against the text of the protocol, read here anew; returns how many effects there
    were."""
    text = tomllib.loads(sealed.decode())
    named = {(each["id"], window) for each in text["outcomes"] for window in each["windows"]}
    named |= {(each["outcome"], each.get("id", "placebo")) for each in text.get("placebo", ())}
    groups = {each["field"] for each in text.get("subgroups", ())}
    sha256, effects = hashlib.sha256(sealed).hexdigest(), 0
    for each in results:
        tally.holds(each["protocol_sha256"] == sha256, "a result does not name the sealed protocol")
        figures = json.loads(each["figures"])
        places = {name: at for at, name in enumerate(figures["columns"])}
        if not {"outcome", "window"} <= places.keys():
            continue
        for row in figures["rows"]:
            effects += 1
            asked = row[places["outcome"]], row[places["window"]]
            tally.holds(
                asked in named, "a result is of an outcome or a window that the protocol does not name"
            )
            group = str(row[places["group"]] or "") if "group" in places else ""
            of = group.partition("=")[0]
            tally.holds(not of or of in groups, "a result is of a group that the protocol does not name")
    if not effects:
        tally.doubts.append("No effect was estimated, so none could be held against the protocol.")
    return effects


def _load_what_is_not_named(tally: Tally, study: SmallStudy) -> None:
    text = tomllib.loads(PROTOCOL)
    named = {f"{each['id']}@{window}" for each in text["outcomes"] for window in each["windows"]}
    named |= {each["id"] for each in text["covariates"]} | {each.get("field") for each in text["covariates"]}
    with study.researcher.act("analyse", Resource("StudyExtract", PROJECT)) as act:
        there = load_study(act, PROJECT).variable_ids()
    for each in there:
        tally.holds(each in named, "the extract has a number that the protocol does not name")


def _look_at_outputs(tally: Tally, study: SmallStudy, sha256: str) -> None:
    sealed = seal_outputs(study.researcher, PROJECT, PROTOCOLS)
    with reading_parcel(study.checker, sealed.path) as parcel:
        rows = pa.Table.from_batches(list(parcel.batches())).to_pylist()
    for row in rows:
        tally.holds(row["protocol_sha256"] == sha256, "a figure for publication names another protocol")
        tally.holds(row["protocol"] == PROJECT, "a figure for publication names another protocol")
    if not rows:
        tally.doubts.append("Nothing was sealed for publication.")


@contextmanager
def _replaced(path: Any, edited: bytes | None, sealed: bytes) -> Iterator[None]:
    if edited is None:
        path.unlink()
    else:
        path.write_bytes(edited)
    try:
        yield
    finally:
        path.write_bytes(sealed)


def _every_step(tally: Tally, study: SmallStudy, protocol: str, when: str) -> None:
    researcher = study.researcher
    steps: dict[str, Callable[[], object]] = {
        "an extract was built": lambda: build_extract(researcher, protocol),
        "outcomes were opened": lambda: open_outcomes(researcher, protocol),
        "a question was answered": lambda: ask(researcher, protocol, Question(by=("arm",))),
        "an evaluation was made": lambda: evaluate_extract(researcher, protocol),
        "figures were sealed": lambda: seal_outputs(researcher, protocol, PROTOCOLS),
    }
    for what, step in steps.items():
        tally.refused(f"{what} {when}", step, *_REFUSED)


def _try_another(tally: Tally, study: SmallStudy) -> None:
    researcher = study.researcher
    _every_step(tally, study, _OTHER, "by a protocol that was never sealed")
    second = PROTOCOL.replace("version = 1\n", "version = 2\n", 1).replace('"regression"', '"matching"')
    seal_protocol(researcher, study.protocol_file(second + _DEVIATION, "second.toml"))
    what = "though a later version was sealed, and the extract is of the earlier"
    tally.refused(f"it was evaluated {what}", lambda: evaluate_extract(researcher, PROJECT), *_REFUSED)
    tally.refused(f"outcomes were opened {what}", lambda: open_outcomes(researcher, PROJECT), *_REFUSED)
    tally.refused(
        f"figures were sealed {what}", lambda: seal_outputs(researcher, PROJECT, PROTOCOLS), *_REFUSED
    )
    other = PROTOCOL.replace(f'id = "{PROJECT}"', f'id = "{_OTHER}"', 1)
    seal_protocol(researcher, study.protocol_file(other, "other.toml"))
    what = "by another protocol"
    tally.refused(f"it was evaluated {what}", lambda: evaluate_extract(researcher, _OTHER), *_REFUSED)
    tally.refused(
        f"figures were sealed {what}", lambda: seal_outputs(researcher, _OTHER, PROTOCOLS), *_REFUSED
    )
