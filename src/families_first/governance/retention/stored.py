"""Reading back a record that was entered."""

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.notes import Verifier, read_note
from families_first.governance.retention.records import Record, read_record
from families_first.governance.retention.register import Line, home_verifier, sha256_of


def read_entered(home: Home, line: Line) -> Record:
    """Return a record of the register, its hash and every signature that counted checked again.

    Raises
    ------
    UserError
        PROMISE, when it is gone or is not as it was entered.
    """
    try:
        content = (home.retention / line.file).read_bytes()
        note = content.decode("utf-8")
        if sha256_of(content) != line.sha256:
            raise ValueError("another file")
        known = [home_verifier(home), *(Verifier.parse(key, where=line.file) for key in line.keys)]
        text = read_note(note, known, where=line.file, at_least=len({each.name for each in known})).text
        return read_record(text, where=line.file)
    except (OSError, ValueError, UserError):
        raise UserError(
            "A signed record of retention is gone or is not as it was entered",
            where=line.file,
            fix="Put the record back as it was: from a backup, from where it is published, or by "
            "entering the same "
            "signed file again. Find out who changed it.",
            code=ExitCode.PROMISE,
        ) from None
