"""What every identifier's normaliser does first: drop separators, use capitals.

Only characters that people and spreadsheets put between groups are dropped; any other stray character
stays, so that the value is refused rather than repaired.
"""

import re
from typing import Final

# Spaces (plain, no-break, figure, thin, narrow), zero-width marks, hyphens and dashes, full stops. The same
# class is used by Python and by DuckDB's RE2, so it lists characters instead of naming Unicode categories.
SEPARATORS: Final = (
    " \t\n\v\f\r\u0085\u00a0\u00ad\u2007\u2009\u200a\u200b\u200c\u200d\u202f\u2060\u3000\ufeff"
    "\u2010\u2011\u2012\u2013\u2014\u2212."
)
SEPARATOR_CLASS: Final = f"[{SEPARATORS}-]+"

_SEPARATORS = re.compile(SEPARATOR_CLASS)


def clean(text: str) -> str:
    """Return ``text`` without separators and in capitals.

    Text with a letter outside ASCII is left in its own case: it cannot be an identifier, and capitals of such
    letters differ between Python and DuckDB.
    """
    bare = _SEPARATORS.sub("", text)
    return bare.upper() if bare.isascii() else bare
