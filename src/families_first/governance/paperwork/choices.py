"""The choices of a form, from the vocabulary; the shape is what Django's ``choices`` takes."""

from families_first.governance.vocabulary import Term, vocabulary


def choices(section: str) -> list[tuple[str, str]]:
    """Return (id, label) of each term of a section of the vocabulary, such as ``roles``, in its order.

    Raises
    ------
    KeyError
        When the vocabulary has no such section.
    """
    words = vocabulary()
    if section not in words.__dataclass_fields__:
        raise KeyError(section)
    terms: dict[str, Term] = dict(getattr(words, section))
    return [(term.id, term.label) for term in terms.values()]
