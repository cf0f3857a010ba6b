"""Shares: a master split among custodians as printed words. Some of them open it; fewer tell nothing.

Source: SLIP-0039, Shamir's secret sharing for mnemonic codes. A share of a master is 33 words, with a
checksum that finds any three mistyped words.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import groupby

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from families_first.errors import ExitCode, UserError

SHARE_WORDS = 33

_WORDS_FOLLOW = "Words:"
_WORDS_A_LINE = 6


def split(master: bytes, *, threshold: int, count: int) -> list[str]:
    """Return ``count`` shares of a master, each as its words; any ``threshold`` of them recover it."""
    [group] = generate_mnemonics(1, [(threshold, count)], master)
    return list(group)


def share_id(words: str) -> str:
    """Return a name for a share that tells nothing of its words: 16 hexadecimal digits."""
    return hashlib.sha256(b"families-first share\n" + words.encode()).hexdigest()[:16]


def recover(shares: Iterable[tuple[str, str]]) -> list[bytes]:
    """Return the masters that shares open; shares of several masters may be given together.

    Parameters
    ----------
    shares
        Where each share came from (for messages), and its words.

    Raises
    ------
    UserError
        BAD_FILE, when a share is mistyped; VAULT, when there are too few of one master or they do not
        belong together.
    """
    read = [(_read(words, where), words) for where, words in shares]
    read.sort(key=lambda each: each[0].identifier)
    masters = []
    for _, group in groupby(read, key=lambda each: each[0].identifier):
        members = {share.index: (share, words) for share, words in group}
        needed = next(iter(members.values()))[0].member_threshold
        if len(members) < needed and len({share.identifier for share, _ in read}) > 1:
            raise UserError(
                "Too few shares of one master, because these are of different masters: "
                f"{len(members)} of the {needed} that open it",
                where="shares",
                fix="Compare the fingerprint of the master that is printed on each, and put those of one "
                "together. Shares from before a rotation are of an older master.",
                code=ExitCode.VAULT,
            )
        if len(members) < needed:
            raise UserError(
                f"Too few shares: {len(members)} of the {needed} that open this master",
                where="shares",
                fix="Ask another custodian for theirs. One share alone tells nothing of the master.",
                code=ExitCode.VAULT,
            )
        try:
            masters.append(combine_mnemonics([words for _, words in list(members.values())[:needed]]))
        except MnemonicError:
            raise UserError(
                "These shares do not belong together",
                where="shares",
                fix="Compare the fingerprint of the master that is printed on each.",
                code=ExitCode.VAULT,
            ) from None
    return masters


def share_text(words: str, about: Sequence[tuple[str, str]]) -> str:
    """Return a share as it is printed: what it is, and its words, numbered, six to a line."""
    numbered = [f"{number:2d} {word}" for number, word in enumerate(words.split(), start=1)]
    rows = (numbered[i : i + _WORDS_A_LINE] for i in range(0, len(numbered), _WORDS_A_LINE))
    return "\n".join(
        [
            "One share of a master key. Keep it on paper, locked away, and show it to nobody.",
            "",
            *(f"{name}: {value}" for name, value in about),
            "",
            _WORDS_FOLLOW,
            *("  ".join(row) for row in rows),
            "",
        ]
    )


def words_of(text: str, *, where: str) -> str:
    """Return the words of a share from a share file, or from what somebody typed.

    Raises
    ------
    UserError
        BAD_FILE, when a word is none of the list, there are not 33, or the checksum does not hold; the
        message tells which, by number, where that can be told.
    """
    _, mark, tail = text.rpartition(_WORDS_FOLLOW)
    words = [word.lower() for word in (tail if mark else text).split() if not word.strip(".").isdigit()]
    if len(words) != SHARE_WORDS:
        raise _mistyped(f"A share has {SHARE_WORDS} words, and this has {len(words)}", where)
    unknown = [str(number) for number, word in enumerate(words, start=1) if word not in _LIST]
    if unknown:
        raise _mistyped(f"These words are not of the list: number {', '.join(unknown)}", where)
    _read(" ".join(words), where)
    return " ".join(words)


def are_enough(shares: Iterable[tuple[str, str]]) -> bool:
    """Whether shares, as :func:`recover` takes them, are as many as open one of their masters."""
    members: dict[int, set[int]] = {}
    for where, words in shares:
        share = _read(words, where)
        members.setdefault(share.identifier, set()).add(share.index)
        if len(members[share.identifier]) >= share.member_threshold:
            return True
    return False


def _read(words: str, where: str) -> Share:
    try:
        return Share.from_mnemonic(words)
    except MnemonicError:  # its text quotes words
        raise _mistyped(
            "The checksum of this share does not hold, so a word of it is mistyped", where
        ) from None


def _mistyped(what: str, where: str) -> UserError:
    return UserError(
        what, where=where, fix="Compare each word with the paper and try again.", code=ExitCode.BAD_FILE
    )


_LIST = frozenset(WORDLIST)
