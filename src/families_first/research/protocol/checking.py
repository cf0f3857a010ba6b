"""Whether the parts of a protocol fit together; every fault is told, with where it is and what to do."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from families_first.records.kinds import EpisodeKind, EventKind, MeasureKind
from families_first.research.protocol.fields import FIELDS, REGION, ROLE, START, WORDS
from families_first.research.protocol.parts import MEASURED, Covariate, FactTable, Measurement, Outcome

if TYPE_CHECKING:
    from families_first.research.protocol.model import StudyProtocol

_LONGEST_ID = 48
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

TIME_ZERO = "assessed_on"
"""The one day of the programme's data that both arms have."""

KINDS = {
    FactTable.EVENT: tuple(kind.value for kind in EventKind),
    FactTable.EPISODE: tuple(kind.value for kind in EpisodeKind),
    FactTable.MEASURE: tuple(kind.value for kind in MeasureKind),
}


def faults_of(protocol: "StudyProtocol") -> Iterator[str]:
    """Yield a sentence for each fault in how the parts fit together."""
    yield from _of_names(protocol)
    yield from _of_the_arms(protocol)
    yield from _of_outcomes(protocol)
    yield from _of_covariates(protocol)
    yield from _of_placebos(protocol)
    yield from _of_fields(protocol)
    yield from _of_the_plan(protocol)
    yield from _of_linkage(protocol)
    yield from _of_disclosure(protocol)
    yield from _of_deviations(protocol)


def _of_names(protocol: "StudyProtocol") -> Iterator[str]:
    if re.search("-version-[0-9]+$", protocol.id) or len(protocol.id) > _LONGEST_ID:
        yield (
            f"id: has at most {_LONGEST_ID} letters and does not end in '-version-' and a number, because "
            "later versions are kept under such names"
        )
    if not protocol.covariates:
        yield "covariates: there are none, so nothing makes the two arms alike"
    for name in protocol.windows:
        if not _NAME.fullmatch(name):
            yield f"windows: '{name}' may hold only small letters, digits and hyphens"
    ids = [*(each.id for each in protocol.outcomes), *(each.id for each in protocol.covariates)]
    for name, times in Counter(ids).items():
        if times > 1:
            yield f"outcomes and covariates: '{name}' is there {times} times; give each an id of its own"
    yield from _twice("subgroups", (each.id for each in protocol.subgroups))
    yield from _twice("placebo", (f"{each.outcome}@{each.id}" for each in protocol.placebo))
    for placebo in protocol.placebo:
        if placebo.id in protocol.windows:
            yield f"placebo: the id '{placebo.id}' is that of a window; give it another"
    recorded = Counter(
        (each.owner, each.table, each.kind, each.details, each.measure, each.who)
        for each in protocol.outcomes
        if each.is_recorded
    )
    for (owner, _, kind, _, _, _), times in recorded.items():
        if times > 1:
            yield (
                f"outcomes: {kind} of {owner} is named {times} times for the same people; name an outcome "
                "once and give it several windows"
            )


def _of_the_arms(protocol: "StudyProtocol") -> Iterator[str]:
    if protocol.comparison.status == protocol.exposure.status:
        yield "comparison and exposure: both have the same status, so there is nobody to compare with"
    if protocol.exposure.time_zero != TIME_ZERO:
        yield (
            f"exposure: time_zero is '{protocol.exposure.time_zero}'; only {TIME_ZERO} is a day that those "
            "who take part and those who were only assessed both have, so that follow-up begins alike"
        )


def _of_outcomes(protocol: "StudyProtocol") -> Iterator[str]:
    if not any(each.primary for each in protocol.outcomes):
        yield "outcomes: none is primary; say by primary = true on which the question hangs"
    for outcome in protocol.outcomes:
        where = f"outcomes: {outcome.id}"
        yield from _of_a_record(outcome, where, needed=protocol.data is None)
        yield from _twice(f"{where}: windows", outcome.windows)
        for name in outcome.windows:
            if name not in protocol.windows:
                yield f"{where}: there is no [windows.{name}]"
        if outcome.did and protocol.data is not None and outcome.id not in protocol.data.panels:
            yield f"{where}: did = true needs [data.panels.{outcome.id}], the column of each quarter"
    used = {name for each in protocol.outcomes for name in each.windows}
    for name, window in protocol.windows.items():
        if window.quarters[1] > protocol.follow_up.quarters:
            yield (
                f"windows: {name} ends in quarter {window.quarters[1]}, and people are followed for "
                f"{protocol.follow_up.quarters}; shorten it or lengthen [follow_up]"
            )
        if name not in used:
            yield f"windows: {name} is of no outcome; leave it out"


def _of_covariates(protocol: "StudyProtocol") -> Iterator[str]:
    for covariate in protocol.covariates:
        where = f"covariates: {covariate.id}"
        if protocol.data is not None and covariate.field is None and not covariate.is_recorded:
            continue  # a column of a file of one's own
        if (covariate.field is None) == (not covariate.is_recorded):
            yield f"{where}: name either a field, or owner, table and kind with quarters"
            continue
        if covariate.field is not None:
            if covariate.quarters is not None:
                yield f"{where}: a field has no quarters"
            continue
        yield from _of_a_record(covariate, where, needed=True)
        if covariate.quarters is None:
            yield f"{where}: quarters is missing; [-8, -1] are the two years before time zero"
        else:
            yield from _of_quarters_before(protocol, where, covariate.quarters)


def _of_quarters_before(protocol: "StudyProtocol", where: str, quarters: tuple[int, int]) -> Iterator[str]:
    first, last = quarters
    if last >= 0:
        yield (
            f"{where}: quarters end at {last}, which is not before time zero; what comes after it may be an "
            "effect of the programme. End at -1 or earlier"
        )
    elif first > last:
        yield f"{where}: quarters end before they begin"
    elif -first > protocol.follow_up.history:
        yield (
            f"{where}: quarters begin {-first} before time zero, and [follow_up] history is "
            f"{protocol.follow_up.history}"
        )


def _of_placebos(protocol: "StudyProtocol") -> Iterator[str]:
    ids = {each.id for each in protocol.outcomes}
    for placebo in protocol.placebo:
        where = f"placebo: {placebo.outcome}"
        if placebo.outcome not in ids:
            yield f"{where} is no outcome"
        yield from _of_quarters_before(protocol, where, placebo.quarters)


def _of_a_record(recorded: Outcome | Covariate, where: str, *, needed: bool) -> Iterator[str]:
    said = [recorded.owner, recorded.table, recorded.kind]
    if not any(each is not None for each in said):
        if needed:
            yield f"{where}: owner, table and kind are missing; they say where it is recorded"
        return
    if recorded.owner is None or recorded.table is None or recorded.kind is None:
        yield f"{where}: name owner, table and kind together"
        return
    if recorded.kind not in KINDS[recorded.table]:
        yield f"{where}: the table {recorded.table} has no kind '{recorded.kind}'"
    if recorded.measure not in MEASURED[recorded.table]:
        allowed = " or ".join(MEASURED[recorded.table])
        yield f"{where}: {recorded.table}s are measured by {allowed}, and not by {recorded.measure}"
    if recorded.details and recorded.table == FactTable.MEASURE:
        yield f"{where}: a measure has no details"


def _of_fields(protocol: "StudyProtocol") -> Iterator[str]:
    if protocol.data is not None:
        known = set(protocol.data.fields)
        fix = "name its column in [data.fields]"
    else:
        known = set(FIELDS)
        fix = f"known are {', '.join(FIELDS)}"
    words = known if protocol.data is not None else known & set(WORDS)
    for covariate in protocol.covariates:
        if covariate.field is not None and covariate.field not in known:
            yield f"covariates: {covariate.id}: there is no field '{covariate.field}'; {fix}"
    named = [
        *((f"subgroups: {each.id}", each.field) for each in protocol.subgroups),
        *(("method: exact", each) for each in protocol.method.exact),
    ]
    if protocol.method.second_cluster:
        named.append(("method: second_cluster", protocol.method.second_cluster))
    for where, field in named:
        if field not in words:
            yield f"{where}: '{field}' is no field of words; {fix}"


def _of_the_plan(protocol: "StudyProtocol") -> Iterator[str]:
    method, outcomes = protocol.method, {each.id for each in protocol.outcomes}
    yield from _twice("method: others", method.others)
    if method.primary in method.others:
        yield f"method: {method.primary} is the primary method and among the others too"
    with_panel = [each.id for each in protocol.outcomes if each.did]
    if method.difference_in_differences and not with_panel:
        yield "method: difference_in_differences is true, and no outcome has did = true"
    if with_panel and not method.difference_in_differences:
        yield f"method: difference_in_differences is not true, and these have did: {', '.join(with_panel)}"
    for rate in protocol.minimum_detectable_effect.rates:
        where = f"minimum_detectable_effect: rates: {rate.outcome}"
        if rate.outcome not in outcomes:
            yield f"{where} is no outcome"
        elif protocol.outcome(rate.outcome).measure == Measurement.ANY:
            if rate.rate >= 1:
                yield f"{where}: rate is a share below 1, such as 0.025 for 2.5 in a hundred"
        elif rate.deviation is None:
            yield f"{where}: deviation is missing; an outcome that is a quantity needs its standard deviation"
    yield from _twice(
        "minimum_detectable_effect: rates",
        (each.outcome for each in protocol.minimum_detectable_effect.rates),
    )
    benchmark = protocol.sensitivity.benchmark
    if benchmark is not None and benchmark not in {each.id for each in protocol.covariates}:
        yield f"sensitivity: benchmark '{benchmark}' is no covariate"
    if protocol.money is not None and not any(each.unit_cost for each in protocol.outcomes):
        yield "money: no outcome has a unit_cost, so nothing could be saved"


def _of_linkage(protocol: "StudyProtocol") -> Iterator[str]:
    where = "linkage: complete_registers"
    named = {each.owner for each in (*protocol.outcomes, *protocol.covariates)}
    for owner in protocol.linkage.complete_registers:
        if protocol.data is not None:
            yield f"{where}: nothing is linked where the data are a file of one's own"
        elif owner not in named:
            yield f"{where}: '{owner}' has no outcome or covariate, so nothing hangs on its register"


def _of_disclosure(protocol: "StudyProtocol") -> Iterator[str]:
    if protocol.data is not None:
        return  # a file of one's own is protected where its results are published
    disclosure = protocol.disclosure
    for where, fields in (
        ("disclosure: quasi_identifiers", disclosure.quasi_identifiers),
        ("disclosure: coarsen", disclosure.coarsen),
        ("disclosure: sensitive", disclosure.sensitive),
    ):
        yield from _twice(where, fields)
        for name in fields:
            if name not in FIELDS:
                yield f"{where}: there is no field '{name}'; known are {', '.join(FIELDS)}"
    for name in (ROLE, START):
        if name in disclosure.coarsen:
            yield f"disclosure: coarsen: '{name}' cannot be made coarser; outcomes hang on it"
    for name in protocol.word_fields():
        if FIELDS[name].others_may_know and name not in disclosure.quasi_identifiers:
            yield (
                f"disclosure: quasi_identifiers: the protocol uses '{name}', which others may know of a "
                "person; list it, so that it counts when people are made hard to make out"
            )
    if REGION in protocol.word_fields() and not protocol.regions:
        yield "regions: the field region is used, and no [regions] says which districts make which region"
    districts = [district for names in protocol.regions.values() for district in names]
    yield from _twice("regions", districts)


def _of_deviations(protocol: "StudyProtocol") -> Iterator[str]:
    if protocol.version == 1 and protocol.deviations:
        yield "deviations: version 1 is the plan itself; a deviation goes into the next version"
    if protocol.version > 1 and not protocol.deviations:
        yield (
            f"deviations: version {protocol.version} names none; say in [[deviations]] what was changed "
            "since version 1, when and why"
        )


def _twice(where: str, names: Iterable[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{where}: '{name}' is there {times} times"
