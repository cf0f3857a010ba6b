"""Replaying the dead over a restored home: what was destroyed or erased, or has had its time, stays gone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.backup.manifest import Manifest
from families_first.governance.home import Home
from families_first.governance.keys.destruction import destroy_master, remove_masters
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.retention.dates import Schedule, schedule_of
from families_first.governance.retention.going import is_due
from families_first.governance.retention.register import home_verifier
from families_first.governance.retention.rules import classes_known
from families_first.governance.retention.tombstones import (
    Tombstones,
    bury,
    parse_tombstones,
    read_tombstones,
)
from families_first.governance.vault.holdings import (
    Holding,
    forget,
    holdings_of,
    master_of,
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many datasets are left and how many stayed dead, and how many keys were not taken."""

    datasets: int
    dropped: int
    keys_refused: int


def dead_in(home: Home, manifest: Manifest, outside: Path | None) -> Tombstones:
    """Return everything that is dead: by the backup's list, by a newer one, and by the copy of ``keys/``."""
    own = read_tombstones(home)
    ended = tuple(m.fingerprint for m in MastersRegister(home.keys).masters() if m.state != "in use")
    dead = own.with_all_of(Tombstones(tombstones_of=home.name, masters=ended))
    if outside is None:
        return dead
    newer = parse_tombstones(outside.read_bytes(), home.name, [home_verifier(home)])
    if newer.number < max(own.number, manifest.tombstones):
        raise UserError(
            "This list of tombstones is older than the one in the backup",
            where=outside.name,
            fix="Give the newest list; it is public, and everybody who keeps a copy can be asked.",
            code=ExitCode.PROMISE,
        )
    return dead.with_all_of(newer)


def replay(home: Home, dead: Tombstones, *, on: date) -> Replayed:
    """Remove the dead from a restored home, whose lock must be held, and take their tombstones over.

    Raises
    ------
    UserError
        VAULT, when the vault's index or a manifest is damaged; PROMISE, when a signed record is.
    """
    schedule = schedule_of(home)
    schedule = replace(schedule, begun=schedule.begun.union(dead.classes))
    refused = _remove_dead_keys(home, dead)
    held = holdings_of(home)
    dropped = [each for each in held if _is_dead(home, each, dead, schedule, on=on)]
    forget(home, [each.entry.dataset_id for each in dropped])
    for path in _dead_subject_keys(home, dead):
        path.unlink()
    bury(home, on=on, also=dead)
    return Replayed(len(held) - len(dropped), len(dropped), refused)


def _remove_dead_keys(home: Home, dead: Tombstones) -> int:
    """Remove every master that the tombstones name, and those of destroyed classes; return how many.

    A copy of ``keys/`` that was made during a rotation has a dead master beside the living one.
    """
    provider, removed = provider_of(home), 0
    for each in dict.fromkeys((*classes_known(home), *dead.classes)):
        masters = set(provider.masters(each))
        if masters and (each in dead.classes or masters <= set(dead.masters)):
            destroy_master(home, each)
            removed += len(masters)
        else:
            removed += remove_masters(home, each, dead.masters)
    return removed


def _is_dead(home: Home, held: Holding, dead: Tombstones, schedule: Schedule, *, on: date) -> bool:
    if held.entry.dataset_id in dead.datasets or held.master in dead.masters:
        return True
    if not schedule.due(on) and not schedule.receipt_years:
        return False  # nothing can have had its time, so no key is needed to tell
    return is_due(home, schedule, held, on=on)


def _dead_subject_keys(home: Home, dead: Tombstones) -> Iterator[Path]:
    for path in (home.vault / "subjects").glob("*.keys"):
        if path.stem in dead.classes or master_of(path.read_bytes()) in dead.masters:
            yield path
