"""Slips of the hand, the ear and the scanner, on whole columns of text at once.

Text is worked on as a matrix of code points, shape (rows, width), padded with zeros on the right; every
function takes and returns numpy text and needs one random number generator. A text of one letter is left
alone.
"""

import numpy as np
import numpy.typing as npt

Texts = npt.NDArray[np.str_]
CodePoints = npt.NDArray[np.uint32]
Integers = npt.NDArray[np.int64]


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((old, new) for old, new in (pair.split(":") for pair in text.split()))


# The keys beside each letter on a keyboard, left and right.
_NEIGHBOURS = dict(
    _pairs(
        "a:sq b:vn c:xv d:sf e:rw f:dg g:fh h:gj i:uo j:hk k:jl l:ko m:n n:mb "
        "o:ip p:o q:wa r:et s:ad t:ry u:yi v:cb w:qe x:zc y:tu z:xs"
    )
)
_HEARD = _pairs(
    "ph:f ck:k ie:y ei:ie th:t ee:ea ou:u sh:ch kh:k oo:u ll:l nn:n ss:s tt:t mm:m ay:ai "
    "y:i c:k z:s ou:oo q:k w:v e:a a:e i:e o:u"
)
_SCANNED = _pairs("rn:m cl:d m:rn l:i h:b e:c o:c u:v i:l a:o")


def _points(texts: Texts, extra: int) -> tuple[CodePoints, Integers]:
    width = max(texts.dtype.itemsize // 4 + extra, 4)
    matrix = (
        np.ascontiguousarray(texts.astype(f"<U{width}")).view(np.uint32).reshape(len(texts), width).copy()
    )
    return matrix, np.char.str_len(texts).astype(np.int64)


def _texts(matrix: CodePoints) -> Texts:
    return np.ascontiguousarray(matrix).view(f"<U{matrix.shape[1]}").reshape(len(matrix))


def mistype(texts: Texts, rng: np.random.Generator, *, transposition: float = 0.3) -> Texts:
    """Make one typing slip in each text, never in its first letter: swap, replace, drop or double a
    letter.
    """
    if not len(texts):
        return texts
    matrix, length = _points(texts, 1)
    usable = length >= 2
    rows = np.arange(len(texts))
    at = 1 + np.floor(rng.random(len(texts)) * np.maximum(length - 2, 1)).astype(np.int64)
    slip = rng.choice(4, size=len(texts), p=[transposition, *[(1 - transposition) / 3] * 3])
    slip[length < 3] = 1
    column = np.arange(matrix.shape[1])

    swapped = rows[usable & (slip == 0)]
    first, second = at[swapped], np.minimum(at[swapped] + 1, np.maximum(length[swapped] - 1, 1))
    matrix[swapped, first], matrix[swapped, second] = matrix[swapped, second], matrix[swapped, first]

    replaced = rows[usable & (slip == 1)]
    table = np.arange(0x250, dtype=np.uint32)
    alternative = table.copy()
    for letter, near in _NEIGHBOURS.items():
        for form in (str.lower, str.upper):
            table[ord(form(letter))] = ord(form(near[0]))
            alternative[ord(form(letter))] = ord(form(near[-1]))
    for digit in "0123456789":
        table[ord(digit)] = ord(str((int(digit) + 1) % 10))
        alternative[ord(digit)] = ord(str((int(digit) + 7) % 10))
    old = np.minimum(matrix[replaced, at[replaced]], 0x24F)
    matrix[replaced, at[replaced]] = np.where(rng.random(len(replaced)) < 0.5, table[old], alternative[old])

    source = np.tile(column, (len(texts), 1))
    dropped = usable & (slip == 2)
    source[dropped] += column >= at[dropped][:, None]
    doubled = usable & (slip == 3)
    source[doubled] -= column > at[doubled][:, None]
    padded = np.hstack((matrix, np.zeros((len(texts), 1), dtype=np.uint32)))
    return _texts(np.take_along_axis(padded, source, axis=1))


def _replace_one(texts: Texts, table: tuple[tuple[str, str], ...], rng: np.random.Generator) -> Texts:
    """Apply to each text one replacement of ``table`` that fits it, the first at or after a random place
    in it.
    """
    if not len(texts):
        return texts
    result = texts.astype(f"<U{texts.dtype.itemsize // 4 + 2}")
    start = rng.integers(0, len(table), len(texts))
    waiting = np.ones(len(texts), dtype=bool)
    body = np.array([text[1:] for text in texts])
    initial = np.array([text[:1] for text in texts])
    for step in range(len(table)):
        for number, (old, new) in enumerate(table):
            rows = np.flatnonzero(waiting & ((start + step) % len(table) == number))
            if not len(rows):
                continue
            changed = np.char.replace(body[rows], old, new, count=1)
            hit = changed != body[rows]
            result[rows[hit]] = np.char.add(initial[rows[hit]], changed[hit])
            waiting[rows[hit]] = False
        if not waiting.any() or step > 6:
            break
    return result


def mishear(texts: Texts, rng: np.random.Generator) -> Texts:
    """Write each text as it might be heard: ph as f, ie as y, c as k."""
    return _replace_one(texts, _HEARD, rng)


def misread(texts: Texts, rng: np.random.Generator) -> Texts:
    """Read each text as a scanner might: rn as m, l as i, h as b."""
    return _replace_one(texts, _SCANNED, rng)


def misspell(
    texts: Texts, rng: np.random.Generator, *, phonetic: float, ocr: float, transposition: float
) -> Texts:
    """Give each text one misspelling: shares ``phonetic`` heard, ``ocr`` scanned, ``transposition``
    swapped, rest typed.
    """
    kind = rng.random(len(texts))
    heard, scanned = kind < phonetic, (kind >= phonetic) & (kind < phonetic + ocr)
    typed = ~(heard | scanned)
    result = np.empty(len(texts), dtype=f"<U{max(texts.dtype.itemsize // 4, 2) + 3}")
    result[heard] = mishear(texts[heard], rng)
    result[scanned] = misread(texts[scanned], rng)
    result[typed] = mistype(texts[typed], rng, transposition=transposition / max(1 - phonetic - ocr, 1e-9))
    return result
