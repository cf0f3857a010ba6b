"""Forgeries of an audit log, as a rogue administrator makes them: hashes, roots and states made anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from families_first.governance.audit.entry import Entry, leaf_of, time_text
from families_first.governance.audit.log import AuditLog
from families_first.governance.audit.merkle import CompactRange, leaf_hash
from families_first.governance.audit.sqlite_store import SqliteStore
from families_first.governance.audit.store import Head

Forgery = Callable[[list[Entry]], list[Entry]]


def _cut_off(entries: list[Entry]) -> list[Entry]:
    return entries[:-1]


def _rewritten(entries: list[Entry]) -> list[Entry]:
    middle = len(entries) // 2
    entries[middle] = replace(entries[middle], event=replace(entries[middle].event, actor="somebody-else"))
    return entries


def _deleted(entries: list[Entry]) -> list[Entry]:
    del entries[len(entries) // 2]
    return entries


def _inserted(entries: list[Entry]) -> list[Entry]:
    entries.insert(1, entries[0])
    return entries


def _reordered(entries: list[Entry]) -> list[Entry]:
    first, second = entries[:2]
    return [replace(first, event=second.event), replace(second, event=first.event), *entries[2:]]


def _replaced(entries: list[Entry]) -> list[Entry]:
    return [replace(each, event=replace(each.event, actor="nobody")) for each in entries]


FORGERIES: Mapping[str, Forgery] = {
    "the last entry was cut off": _cut_off,
    "an entry was rewritten": _rewritten,
    "an entry was deleted": _deleted,
    "an entry was inserted": _inserted,
    "two entries changed places": _reordered,
    "the whole log was written anew": _replaced,
}
"""What each forgery does, and what does it to the entries of a log."""


def forged_log(path: Path, entries: Sequence[Entry]) -> AuditLog:
    """Write a log of these entries as a rogue administrator would: numbered, hashed and stated anew."""
    tree = CompactRange()
    leaves = [leaf_of(number, time_text(each.time), each.event) for number, each in enumerate(entries)]
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    store = SqliteStore(path)
    store.prepare()
    store.extend(lambda before: (leaves, Head.of(tree, max(time_text(each.time) for each in entries))))
    return AuditLog(store)
