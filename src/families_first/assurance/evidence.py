"""The evidence of a home: the last proof of each check, signed by the home, and how long it counts.

``assurance/evidence.note`` of a home is the signed document and the one that is read again;
``assurance.json`` is its text for programs, and ``assurance.html`` the page for people.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from families_first.assurance.basis import Basis
from families_first.assurance.verdicts import HOLDS_SO_FAR, Proof, Verdict, worst
from families_first.errors import UserError
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.notes import read_note, sign_note
from families_first.governance.promises import Missing, Promise, PromiseRegister

FOLDER = "assurance"
NOTE_FILE = "evidence.note"
JSON_FILE = "assurance.json"
PAGE_FILE = "assurance.html"

_ORDER = list(Verdict)
_PUBLIC_FILE = 0o644  # evidence names no person; it is made to be shown


@dataclass(frozen=True, slots=True)
class Shown:
    """A check beneath a promise: its name, what can be said of it, and its last proof where there is one.

    ``why`` says why there is none, or why it counts no longer; empty otherwise.
    """

    check: str
    verdict: Verdict
    proof: Proof | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a promise stands: the worst of its checks, each check with the worst first, and the last day on
    which its proofs count.

    ``counts_until`` is None where a check was never run, or what its proof rests on has changed.
    """

    promise: Promise
    verdict: Verdict
    checks: tuple[Shown, ...]
    counts_until: date | None

    @property
    def words(self) -> str:
        """How it stands, as people read it."""
        so_far = self.verdict is Verdict.HOLDS and self.promise.left_to_people
        return HOLDS_SO_FAR if so_far else self.verdict.value

    @property
    def to_know(self) -> tuple[str, ...]:
        """What should be known beside the checks that hold, such as that no day of destruction is set."""
        held = (each.proof for each in self.checks if each.proof and each.verdict is Verdict.HOLDS)
        return tuple(dict.fromkeys(note for proof in held for note in proof.notes))

    def count(self, verdict: Verdict) -> int:
        """Return how many of the checks stand so."""
        return sum(each.verdict is verdict for each in self.checks)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How every promise stands at a moment, in the order of the register."""

    of: str
    at: datetime
    standings: tuple[Standing, ...]

    @property
    def red(self) -> tuple[Standing, ...]:
        """The promises for which somebody must act at once."""
        return tuple(each for each in self.standings if each.verdict.is_red)

    @property
    def counts_until(self) -> date:
        """The last day on which all of it counts; no later than its own day where something never ran."""
        checked = [each for each in self.standings if each.promise.checks]
        return min(each.counts_until or self.at.date() for each in checked)

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """The last proof of each check, by name."""
        found = {
            shown.check: shown.proof
            for each in self.standings
            for shown in each.checks
            if shown.proof is not None
        }
        return tuple(found[name] for name in sorted(found))

    def count(self, verdict: Verdict) -> int:
        """Return how many promises stand so."""
        return sum(each.verdict is verdict for each in self.standings)

    def as_document(self) -> dict[str, Any]:
        """Return the evidence as ``assurance.json`` holds it."""
        return {
            "of": self.of,
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
            "counts_until": self.counts_until.isoformat(),
            "promises": [
                {
                    "id": each.promise.id,
                    "sentence": each.promise.sentence,
                    "verdict": each.verdict.value,
                    "left_to_people": each.promise.left_to_people,
                    "counts_until": each.counts_until.isoformat() if each.counts_until else None,
                    "checks": [
                        {"check": shown.check, "verdict": shown.verdict.value, "why": shown.why}
                        for shown in each.checks
                    ],
                }
                for each in self.standings
            ],
            "proofs": [proof.as_document() for proof in self.proofs],
        }


def weigh(
    register: PromiseRegister, proofs: Mapping[str, Proof], *, of: str, at: datetime, now: Basis
) -> Evidence:
    """Return how every promise stands by the last proof of each check.

    Parameters
    ----------
    register
        The promises.
    proofs
        The last proof of each check that was ever run.
    of
        Whose evidence it is.
    at
        The moment for which it is asked: proofs that count no longer by then are out of date.
    now
        What a proof would rest on at that moment: proofs that rest on something else are out of date too.
    """
    return Evidence(of, at, tuple(_standing(each, proofs, at, now) for each in register.promises))


def _standing(promise: Promise, proofs: Mapping[str, Proof], at: datetime, now: Basis) -> Standing:
    lasts = timedelta(days=promise.fresh_days)
    shown = [_shown(name, proofs.get(name), lasts, at, now) for name in promise.checks]
    known = [each.proof.at for each in shown if each.proof is not None and not each.proof.basis.changed(now)]
    until = (min(known) + lasts).date() if known and len(known) == len(promise.checks) else None
    checks = tuple(sorted((*shown, *map(_gap, promise.missing)), key=lambda each: _ORDER.index(each.verdict)))
    return Standing(promise, worst(each.verdict for each in checks), checks, until)


def _shown(name: str, proof: Proof | None, lasts: timedelta, at: datetime, now: Basis) -> Shown:
    if proof is None:
        return Shown(name, Verdict.OUT_OF_DATE, why="It has never been run here.")
    if proof.verdict is Verdict.BROKEN:
        return Shown(name, Verdict.BROKEN, proof)
    if not proof.at - timedelta(days=1) <= at <= proof.at + lasts:
        why = f"Its last proof is of {proof.at:%d %B %Y} and counts no longer."
        return Shown(name, Verdict.OUT_OF_DATE, proof, why)
    if changed := proof.basis.changed(now):
        return Shown(name, Verdict.OUT_OF_DATE, proof, changed)
    return Shown(name, proof.verdict, proof)


def _gap(missing: Missing) -> Shown:
    return Shown(missing.check, Verdict.MISSING, why=missing.why)


def earlier_proofs(home: Home) -> dict[str, Proof]:
    """Return the last proofs that a home kept and signed, by check.

    What is not there, was altered or is not signed by the home counts for nothing: its checks are then
    out of date until they run again.
    """
    try:
        note = (home.root / FOLDER / NOTE_FILE).read_text(encoding="utf-8")
        text = read_note(note, [signer_of(home).verifier], where=NOTE_FILE).text
        proofs = [Proof.of_document(each) for each in json.loads(text)["proofs"]]
    except (OSError, UserError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {each.check: each for each in proofs}


def keep_evidence(home: Home, evidence: Evidence, page: str) -> Path:
    """Keep the evidence in the home, signed, with its page; returns the folder.

    Raises
    ------
    UserError
        RESOURCE, when the disk is full; VAULT, when the home's signing key is damaged.
    """
    ensure_identity(home)
    folder = home.root / FOLDER
    folder.mkdir(exist_ok=True)
    text = _text(evidence)
    write_durably(folder / NOTE_FILE, sign_note(text, signer_of(home)).encode(), mode=_PUBLIC_FILE)
    write_pages(folder, evidence, page)
    return folder


def write_pages(folder: Path, evidence: Evidence, page: str) -> None:
    """Write the evidence for programs and for people into a folder, unsigned."""
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / JSON_FILE, _text(evidence).encode(), mode=_PUBLIC_FILE)
    write_durably(folder / PAGE_FILE, page.encode(), mode=_PUBLIC_FILE)


def _text(evidence: Evidence) -> str:
    return json.dumps(evidence.as_document(), indent=1, ensure_ascii=False) + "\n"
