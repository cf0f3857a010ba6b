"""Letters folded to one form for comparison: accents, ligatures, apostrophes and capitals.

An explicit table, not the Unicode library, because the same folding runs in DuckDB and must agree letter
for letter. Latin letters lose their accents; Greek and Cyrillic letters are put in capitals; all other
scripts stay as they are.
"""

import unicodedata
from typing import Final

# Each of these becomes two letters.
LIGATURES: Final = {
    "ß": "SS",
    "ẞ": "SS",
    "æ": "AE",
    "Æ": "AE",
    "œ": "OE",
    "Œ": "OE",
    "þ": "TH",
    "Þ": "TH",
    "ĳ": "IJ",
    "Ĳ": "IJ",
    "ﬁ": "FI",
    "ﬂ": "FL",
}
# Letters with a stroke or of their own shape, which Unicode does not take apart. Đ and ð are D in Vietnamese,
# Croatian and Icelandic names; ı is the dotless I of Turkish; Ə (Azerbaijani, Somali texts) is E.
_WITHOUT_DECOMPOSITION: Final = {
    "ł": "L",
    "ø": "O",
    "đ": "D",
    "ð": "D",
    "ħ": "H",
    "ı": "I",
    "ŀ": "L",
    "ŋ": "N",
    "ŧ": "T",
    "ə": "E",
    "ɛ": "E",
    "ɔ": "O",
    "ɓ": "B",
    "ɗ": "D",
    "ƙ": "K",
    "ƴ": "Y",
    "ſ": "S",
    "ȷ": "J",
}
_LATIN_RANGES: Final = ((0x00C0, 0x0250), (0x1E00, 0x1F00))
_COMBINING: Final = tuple(chr(code) for code in range(0x0300, 0x0370))

# What people and programs type for an apostrophe, with the modifier letters that mark hamza and ayn.
APOSTROPHES: Final = "'\u2018\u2019\u201b\u02bc\u02bb\u02be\u02bf\u2032\u00b4`\uff07"


def _fold_table() -> dict[str, str]:
    table = {chr(code): chr(code - 32) for code in range(ord("a"), ord("z") + 1)}
    for first, last in _LATIN_RANGES:
        for code in range(first, last):
            letter = chr(code)
            base = unicodedata.normalize("NFD", letter)[0]
            if letter not in LIGATURES and base != letter and base.isascii() and base.isalpha():
                table[letter] = base.upper()
    for letter, capital in _WITHOUT_DECOMPOSITION.items():
        table[letter] = capital
        if len(letter.upper()) == 1:
            table.setdefault(letter.upper(), capital)
    # Plain Greek and Cyrillic letters differ from their capitals by a fixed step.
    table |= {chr(code): chr(code - 32) for code in range(0x03B1, 0x03CA) if code != 0x03C2}
    table |= {chr(code): chr(code - 32) for code in range(0x0430, 0x0450)}
    table |= {chr(code): chr(code - 80) for code in range(0x0450, 0x0460)}
    return {letter: capital for letter, capital in table.items() if letter != capital}


FOLDS: Final = _fold_table()
_DELETED: Final = "".join(_COMBINING) + APOSTROPHES
_TRANSLATION: Final = str.maketrans("".join(FOLDS), "".join(FOLDS.values()), _DELETED)
_LIGATURES: Final = str.maketrans(LIGATURES)
_APOSTROPHES: Final = str.maketrans("", "", APOSTROPHES)


def fold_letters(text: str) -> str:
    """Return the text in capitals, without accents and apostrophes."""
    if text.isascii():
        return text.translate(_APOSTROPHES).upper()
    composed = unicodedata.normalize("NFC", text.replace("\0", ""))
    return composed.translate(_LIGATURES).translate(_TRANSLATION)


def fold_letters_sql(expression: str) -> str:
    """Return the DuckDB expression that equals :func:`fold_letters`.

    The table runs only over values with a letter outside ASCII: DuckDB's ``translate`` is slow.
    """
    # Without its NULs, because nfc_normalize stops at the first.
    composed = f"nfc_normalize(replace({expression}, chr(0), ''))"
    for ligature, pair in LIGATURES.items():
        composed = f"replace({composed}, '{ligature}', '{pair}')"
    source = ("".join(FOLDS) + _DELETED).replace("'", "''")
    target = "".join(FOLDS.values())
    ascii_only = f"upper(replace(replace({expression}, '''', ''), '`', ''))"
    return (
        f"(CASE WHEN strlen({expression}) = length({expression}) THEN {ascii_only} "
        f"ELSE translate({composed}, '{source}', '{target}') END)"
    )
