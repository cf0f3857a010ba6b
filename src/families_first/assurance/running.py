"""Running checks: each within its time, and an error nobody foresaw is never a pass."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from time import perf_counter
from types import FrameType

from families_first.assurance.basis import basis_of
from families_first.assurance.bench import Bench
from families_first.assurance.check import Check, Findings
from families_first.assurance.verdicts import Proof, Verdict

Said = Callable[[str], None]


class _TimeIsUp(BaseException):
    """Raised inside a check; no ``except Exception`` on the way holds it up."""


def run_checks(checks: Iterable[Check], bench: Bench, *, said: Said = lambda step: None) -> dict[str, Proof]:
    """Run checks one after the other; returns what each found, by name."""
    found = {}
    for each in checks:
        said(f"Trying to {each.tries}")
        found[each.name] = run_check(each, bench)
    return found


def run_check(check: Check, bench: Bench) -> Proof:
    """Run one check. Whatever happens in it, it ends with a proof."""
    basis = basis_of(bench.homes)  # before it begins: what is changed meanwhile makes the proof stale
    began = perf_counter()
    try:
        with _at_most(check.limit_seconds):
            findings = _with_every_attack(check, check.run(bench))
    except _TimeIsUp:
        findings = _doubtful(f"It did not end within {check.limit_seconds:.0f} seconds")
    except Exception as error:  # the error's own text may quote a value, so its kind alone is told
        findings = _doubtful(f"The check itself failed: {type(error).__name__}")
    seconds = perf_counter() - began
    return Proof(
        check=check.name,
        verdict=_verdict(findings),
        attempts=findings.attempts,
        unit=check.unit,
        tried=findings.tried,
        breaches=findings.breaches,
        notes=(*findings.doubts, *findings.notes),
        seconds=seconds,
        at=bench.clock(),
        basis=basis,
        attacks=findings.attacks,
    )


def _with_every_attack(check: Check, findings: Findings) -> Findings:
    """Return the findings with a doubt for each attack that the check names and nobody made."""
    made = {(each.who, each.what) for each in findings.attacks if each.times}
    doubts = (
        f"Nobody tried this: {who}, to {what}." for who, what in check.attacks if (who, what) not in made
    )
    return replace(findings, doubts=(*findings.doubts, *doubts))


def _verdict(findings: Findings) -> Verdict:
    if findings.breaches:
        return Verdict.BROKEN
    if findings.doubts or findings.attempts == 0:
        return Verdict.CANNOT_TELL
    return Verdict.HOLDS


def _doubtful(why: str) -> Findings:
    return Findings(attempts=0, tried="Nothing could be shown.", doubts=(f"{why}.",))


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Stop the block after so many seconds. Only the main thread can be stopped; elsewhere it runs on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, stop)
    others, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, others)  # somebody else's time goes on
