"""What is told of a study and of each owner in its linkage-quality sheet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa

from families_first.governance.agreements import Agreement
from families_first.governance.parcels.manifest import Manifest
from families_first.linkage.candidates import Candidates
from families_first.linkage.columns import ENCODED, IDENTIFIERS
from families_first.linkage.people import Programme
from families_first.linkage.plan import Pair
from families_first.linkage.quality.measures import (
    Decided,
    Measure,
    Truth,
    by_people,
    by_probability,
    by_truth,
    linked,
)
from families_first.linkage.quality.sheet import (
    ANALYSIS,
    EVERYBODY,
    PROCESS,
    PROVISION,
    QUALITY,
    REPORTING,
    Lines,
)
from families_first.matching.evidence import Flags
from families_first.matching.quality import wilson

STUDY = "study"


@dataclass(frozen=True, slots=True)
class Telling:
    """A sheet being told: ``groups`` by kind, each of shape (people,); ``link_at`` as the plan has it."""

    groups: Mapping[str, pa.Array]
    link_at: float
    lines: Lines = field(default_factory=Lines)

    @property
    def people(self) -> int:
        """How many people of the programme there are."""
        return len(next(iter(self.groups.values())))


@dataclass(frozen=True, slots=True)
class OwnerTold:
    """The figures of one owner for everybody; see :class:`linkage.linking.OwnerRun`."""

    with_candidates: int
    links: int
    linked: Measure
    precision: Measure
    recall: Measure
    true_precision: Measure | None
    true_recall: Measure | None


def tell_study(telling: Telling, programme: Programme, agreement: Agreement, manifest: Manifest) -> None:
    """Tell what holds for the whole study, and of the council's records."""
    lines = telling.lines
    lines.say(
        PROVISION,
        STUDY,
        "who the records are of",
        f"Everybody whom the council assessed for the programme, as sent under the agreement "
        f"'{agreement.id}' on {manifest.made_at:%d %B %Y}; people who objected were left out by the council "
        "and are not here.",
    )
    lines.count(PROVISION, "council", "rows received", programme.rows.num_rows)
    lines.count(
        PROVISION, "council", "people", programme.people, "Rows found to be of one person put together."
    )
    lines.count(
        PROVISION,
        "council",
        "people in rows of two families or more",
        programme.in_two_families,
        "Each is in the family of the row that came first.",
    )
    lines.say(
        PROCESS,
        STUDY,
        "separation",
        "The linker had identifiers and random row keys, and nothing that happened to anybody. Whoever "
        "analyses has what happened, and pseudonyms of this project alone.",
    )
    lines.say(
        PROCESS,
        STUDY,
        "decisions",
        "No link was decided. Each candidate is in the spine with its probability; for a record, and for a "
        "person where an owner holds each once, probabilities add up to 1 at most.",
    )
    lines.say(
        QUALITY,
        STUDY,
        "a link that counts as made",
        f"Where this sheet counts links, these are candidates of a probability of {telling.link_at:g} or "
        "more.",
    )
    lines.say(
        ANALYSIS,
        STUDY,
        "uncertain links",
        "Draw links by their probabilities several times, and let the spread between draws enter the "
        "interval. A cut at any probability treats wrong links as right, and missed people as people without "
        "a record.",
    )
    lines.say(
        ANALYSIS,
        STUDY,
        "people without a link",
        "Somebody without a link to a register either is not in it or was missed. The recall of their group "
        "says how likely the second is.",
    )
    lines.say(
        REPORTING,
        STUDY,
        "what to report",
        "Report for each owner the share linked, precision and recall with their intervals and by which "
        "witness, by the groups that are compared; and what results are when links are drawn.",
    )


def tell_owner(
    telling: Telling,
    pair: Pair,
    rows: pa.Table,
    found: Candidates,
    *,
    agreement: Agreement,
    made_at: datetime,
    encoded: bool,
    truth: Truth | None,
    decided: Decided | None,
) -> OwnerTold:
    """Tell how one owner was linked and how well, for everybody and by group."""
    lines, owner = telling.lines, pair.owner
    _tell_records(lines, pair, rows, agreement=agreement, made_at=made_at, encoded=encoded)
    made = found.probability >= telling.link_at
    with_candidates = len(np.unique(found.record))
    lines.say(PROCESS, owner, "how pairs were weighed", f"By the model '{found.model}' on {pair.engine}.")
    lines.say(
        PROCESS,
        owner,
        "people in it",
        "Each person has one record at most, so records compete for a person."
        if pair.one_to_one
        else "A person may have several records.",
    )
    lines.count(PROCESS, owner, "pairs compared", found.compared)
    lines.count(PROCESS, owner, "records with a candidate", with_candidates)
    lines.count(
        PROCESS,
        owner,
        "candidates kept",
        len(found),
        f"Of a probability of {pair.least_probability:g} or more.",
    )
    everybody = np.ones(telling.people, dtype=bool)
    witnesses = _Witnesses(found, made, truth)
    told = _tell_quality(telling, owner, witnesses, everybody)
    for kind, groups in telling.groups.items():
        coded = groups.dictionary_encode()
        number = coded.indices.to_numpy()
        for name, code in sorted((name, code) for code, name in enumerate(coded.dictionary.to_pylist())):
            _tell_quality(telling, owner, witnesses, number == code, group=f"{kind}: {name}")
    if decided is not None:
        precision, recall = by_people(found, made, decided)
        lines.share(owner, "precision, by people's decisions", precision)
        lines.share(owner, "recall among candidates, by people's decisions", recall)
        lines.say(
            PROCESS,
            owner,
            "pairs that people decided",
            f"{len(decided):,}; probabilities were corrected by them."
            if found.corrected
            else f"{len(decided):,}, too few of them candidates to correct probabilities by.",
        )
    return OwnerTold(with_candidates, int(made.sum()), *told)


def _tell_records(
    lines: Lines, pair: Pair, rows: pa.Table, *, agreement: Agreement, made_at: datetime, encoded: bool
) -> None:
    owner, count = pair.owner, rows.num_rows
    lines.say(
        PROVISION,
        owner,
        "who the records are of",
        f"'{agreement.title}', sent under the agreement '{agreement.id}' on {made_at:%d %B %Y}; people who "
        "objected were left out by the owner.",
    )
    lines.count(PROVISION, owner, "records received", count)
    if encoded:
        lines.say(
            PROVISION,
            owner,
            "identifiers",
            "Field tokens made with a key that the linker does not have. Values that differ by a slip are "
            "less often seen to be alike than in the clear.",
        )
    for name in IDENTIFIERS:
        column = (ENCODED if encoded else "") + name
        if column in rows.column_names:
            share = wilson(count - rows[column].null_count, count)
            filled = Measure(share.share, share.low, share.high, count)
            lines.share(owner, f"records with {name}", filled)


@dataclass(frozen=True, slots=True)
class _Witnesses:
    """The candidates, which of them count as links made, and the truth where it is known."""

    found: Candidates
    made: Flags
    truth: Truth | None


def _tell_quality(
    telling: Telling, owner: str, witnesses: _Witnesses, who: Flags, *, group: str = EVERYBODY
) -> tuple[Measure, Measure, Measure, Measure | None, Measure | None]:
    found, made, truth = witnesses.found, witnesses.made, witnesses.truth
    share = linked(found, made, who)
    precision, recall = by_probability(found, made, who)
    lines = telling.lines
    lines.share(owner, "people linked", share, group=group)
    lines.share(owner, "precision, by probabilities", precision, group=group)
    lines.share(owner, "recall among candidates, by probabilities", recall, group=group)
    if truth is None:
        return share, precision, recall, None, None
    true_precision, true_recall = by_truth(found, made, who, truth)
    lines.share(owner, "precision, by the truth of made-up records", true_precision, group=group)
    lines.share(owner, "recall, by the truth of made-up records", true_recall, group=group)
    return share, precision, recall, true_precision, true_recall
