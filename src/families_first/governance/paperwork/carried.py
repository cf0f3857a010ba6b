"""Which data a home's agreements carry on a day: what a notice may say of it, and nothing more.

A notice that lists what nobody sends is false, and so is one that leaves something out. So the kinds of data
come from the agreements in force and from what the home's mappings make of the agreed columns; a file that no
mapping reads is named as such, for a person to describe.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from families_first.governance.agreements.model import Agreement
from families_first.governance.vocabulary import DataClass, vocabulary

FileKey = tuple[str, str]
"""The id of an agreement, and of a file in it."""


@dataclass(frozen=True, slots=True)
class CarriedClass:
    """A kind of data that is carried: what of it, in plain words, and under which agreements, by title."""

    term: DataClass
    holds: tuple[str, ...]
    agreements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """What agreements carry on a day.

    Attributes
    ----------
    on
        The day.
    agreements
        Those in force on it; what follows is of them alone.
    classes
        The kinds of data, in the order of the vocabulary.
    undescribed
        Files, each with its agreement's title, of which the home has no mapping, so that it is not known
        which kinds they hold.
    """

    on: date
    agreements: tuple[Agreement, ...]
    classes: tuple[CarriedClass, ...]
    undescribed: tuple[tuple[str, str], ...]


def carried_on(on: date, agreements: Iterable[Agreement], given: Mapping[FileKey, frozenset[str]]) -> Carried:
    """Return what agreements carry on a day.

    Parameters
    ----------
    given
        For each agreed file that a mapping reads, the canonical fields and kinds that it gives; the words of
        ``holds`` in the vocabulary.
    """
    in_force = tuple(each for each in agreements if each.in_force(on))
    words: dict[str, dict[str, None]] = {}
    undescribed = []
    for agreement in in_force:
        for file_id, file in agreement.files.items():
            if (agreement.id, file_id) not in given:
                undescribed.append((file.title or file_id, agreement.title))
            for word in given.get((agreement.id, file_id), ()):
                words.setdefault(word, {})[agreement.title] = None
    return Carried(on, in_force, tuple(_classes(words)), tuple(undescribed))


def _classes(words: Mapping[str, Mapping[str, None]]) -> Iterable[CarriedClass]:
    for term in vocabulary().data_classes.values():
        held = {word: said for word, said in term.holds.items() if word in words}
        if held:
            titles = dict.fromkeys(title for word in held for title in words[word])
            yield CarriedClass(term, tuple(held.values()), tuple(titles))
