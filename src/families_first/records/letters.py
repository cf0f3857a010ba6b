"""Letters folded to one form for comparison: accents, ligatures, apostrophes and capitals.

The same folding runs in DuckDB and must agree letter for letter, so it is made of what both do alike: marks
taken off (Unicode categories Mn, Mc, Me), capitals of single letters, and a short table of letters that
Unicode does not take apart. Scripts without capitals stay as they are.
"""

import unicodedata
from typing import Final

# In capitals, because capitals come first. Đ and Ð are D in Vietnamese, Croatian and Icelandic names, Ə is
# E in Azerbaijani, the hooked letters are Hausa, Ɛ and Ɔ are Akan and Ewe.
_LETTERS: Final = {
    "Ł": "L",
    "Ø": "O",
    "Đ": "D",
    "Ð": "D",
    "Ħ": "H",
    "Ŀ": "L",
    "Ŋ": "N",
    "Ŧ": "T",
    "Ə": "E",
    "Ɛ": "E",
    "Ɔ": "O",
    "Ɓ": "B",
    "Ɗ": "D",
    "Ƙ": "K",
    "Ƴ": "Y",
}
_LIGATURES: Final = {"ß": "SS", "ẞ": "SS", "Æ": "AE", "Œ": "OE", "Þ": "TH", "Ĳ": "IJ", "ﬁ": "FI", "ﬂ": "FL"}

# What people and programs type for an apostrophe, with the modifier letters that mark hamza and ayn.
APOSTROPHES: Final = "'`\u2018\u2019\u201b\u02bc\u02bb\u02be\u02bf\u2032\u00b4\uff07"

_ASCII_APOSTROPHES: Final = str.maketrans("", "", "'`")
_TRANSLATION: Final = str.maketrans(_LETTERS | _LIGATURES | dict.fromkeys(APOSTROPHES, ""))
_MARKS: Final = frozenset(("Mn", "Mc", "Me"))


def _strip_marks(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    bare = "".join(letter for letter in apart if unicodedata.category(letter) not in _MARKS)
    return unicodedata.normalize("NFC", bare)


def _capital(letter: str) -> str:
    capital = letter.upper()
    return capital if len(capital) == 1 else letter


def fold_letters(text: str) -> str:
    """Return the text in capitals, without accents and apostrophes."""
    if text.isascii():
        return text.translate(_ASCII_APOSTROPHES).upper()
    return "".join(map(_capital, _strip_marks(text.replace("\0", "")))).translate(_TRANSLATION)


def fold_letters_sql(expression: str) -> str:
    """Return the DuckDB expression that equals :func:`fold_letters`.

    Values within ASCII take a short way: taking letters apart costs ten times as much.
    """
    # Without its NULs, because strip_accents stops at the first.
    folded = f"upper(strip_accents(replace({expression}, chr(0), '')))"
    for ligature, pair in _LIGATURES.items():
        folded = f"replace({folded}, '{ligature}', '{pair}')"
    letters, plain = "".join(_LETTERS), "".join(_LETTERS.values())
    deleted = APOSTROPHES.replace("'", "''")
    folded = f"translate({folded}, '{letters}{deleted}', '{plain}')"
    ascii_only = f"upper(replace(replace({expression}, '''', ''), '`', ''))"
    return f"(CASE WHEN strlen({expression}) = length({expression}) THEN {ascii_only} ELSE {folded} END)"
