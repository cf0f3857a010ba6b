"""What may be asked of an extract."""

from dataclasses import dataclass

from families_first.errors import ExitCode, UserError
from families_first.research.extract.features import variables_of
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol import fields as names

ARM = "arm"
MOST_FIELDS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """How many people there are, or what the mean of a variable is, in each group.

    ``mean_of`` is the id of a variable of the protocol, empty for a count; ``by`` are the fields that make
    the groups, ``arm`` among them where those who take part and the others are told apart.
    """

    by: tuple[str, ...] = ()
    mean_of: str = ""


def check_question(question: Question, protocol: StudyProtocol, *, outcomes_open: bool) -> None:
    """Refuse a question about what the protocol does not name, or of too many fields at once.

    Raises
    ------
    UserError
        USAGE, with what may be asked; REFUSED, when it is of outcomes that are not opened.
    """
    fields = (ARM, *protocol.word_fields())
    if unknown := [each for each in question.by if each not in fields]:
        raise _not_asked(f"The extract has no field '{unknown[0]}'", f"Ask by: {', '.join(fields)}.")
    if len(set(question.by)) < len(question.by) or len(question.by) > MOST_FIELDS:
        raise _not_asked(
            f"A question is by up to {MOST_FIELDS} fields, each once",
            "Ask by fewer, several times if need be.",
        )
    if not question.mean_of:
        return
    known = variables_to_ask(protocol)
    if question.mean_of not in known:
        raise _not_asked(
            f"The protocol has no variable '{question.mean_of}'", f"Ask for: {', '.join(known)}."
        )
    after = {each.id for each in variables_of(protocol) if each.is_after_time_zero}
    if question.mean_of in after and not outcomes_open:
        raise UserError(
            "Outcomes have not been opened",
            where=question.mean_of,
            fix="They are opened when the protocol's release has come; until then ask about what was before.",
            code=ExitCode.REFUSED,
        )


def variables_to_ask(protocol: StudyProtocol) -> tuple[str, ...]:
    """Return the ids of the variables of which a mean may be asked."""
    return (
        *(each for each in names.NUMBERS if each in protocol.number_fields()),
        *(each.id for each in variables_of(protocol)),
    )


def _not_asked(what: str, fix: str) -> UserError:
    return UserError(what, where="question", fix=fix, code=ExitCode.USAGE)
