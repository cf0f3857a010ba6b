"""The notice with each promise marked in it.

The notice is plain text with the few marks of Markdown that its publisher used: a heading, list lines, and
links.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from families_first.governance.promises import Promise, PromiseRegister

_LINK = re.compile(r"\[(?P<shown>[^\]]+)\]\([^)]+\)|<(?P<address>https?://[^>]+)>")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words of the notice, and the promise they are; None for words that promise nothing."""

    text: str
    promise: Promise | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the notice: ``kind`` is heading, paragraph or list; a list has several ``lines``."""

    kind: str
    lines: tuple[tuple[Piece, ...], ...]


def blocks_of(register: PromiseRegister) -> tuple[Block, ...]:
    """Return the notice in order, every promise of the register marked exactly once."""
    return tuple(_blocks(register.notice.text, register.promises))


def _blocks(text: str, promises: Sequence[Promise]) -> Iterator[Block]:
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = part.splitlines()
        if part.startswith("#"):
            yield Block("heading", (tuple(_pieces(part.lstrip("# "), promises)),))
        elif all(line.startswith("- ") for line in lines):
            yield Block("list", tuple(tuple(_pieces(line[2:], promises)) for line in lines))
        else:
            yield Block("paragraph", (tuple(_pieces(" ".join(lines), promises)),))


def _pieces(text: str, promises: Sequence[Promise]) -> Iterator[Piece]:
    """Cut a text at the promises that stand in it; they never overlap."""
    found = ((text.find(each.sentence), each) for each in promises)
    at = 0
    for start, promise in sorted((place for place in found if place[0] >= 0), key=lambda place: place[0]):
        if start > at:
            yield Piece(_plain(text[at:start]))
        at = start + len(promise.sentence)
        yield Piece(promise.sentence, promise)
    if at < len(text):
        yield Piece(_plain(text[at:]))


def _plain(text: str) -> str:
    return _LINK.sub(lambda found: found["shown"] or found["address"], text)
