"""The rule of each class, entered in the retention register before anything of the class can be kept.

The zone file says how long a class is kept, and people edit it. So whoever first acts in a home with a class
has its rule entered, and from then on the stricter of the register and the zone file counts. Nothing is kept
without an act, so no rule is younger than what is kept under it.
"""

from collections.abc import Sequence

from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity
from families_first.governance.keys.register import MastersRegister
from families_first.governance.retention.classes import Rule
from families_first.governance.retention.register import (
    Register,
    read_register,
    sha256_of,
    write_copies,
)

_HASH_CHARACTERS = 16


def enter_rules(home: Home) -> Register:
    """Enter the rule of each class of the zone file that has none in the register yet; return the register.

    Raises
    ------
    UserError
        PROMISE, when the register cannot be relied upon; RESOURCE, when the disk is full or another command
        is writing.
    """
    register = read_register(home)
    if not _wanting(home, register) and not register.rules_cut_short:
        return register
    with home.locked():
        register = read_register(home)
        ensure_identity(home)
        write_copies(home, register.lines, (*register.rules, *_wanting(home, register)))
        return read_register(home)


def rules_hash(rules: Sequence[Rule]) -> str:
    """Return a name for rules in their order (16 hexadecimal digits), by which the audit log knows them."""
    text = "".join(f"{each.id} {each.years} {each.counted_from}\n" for each in rules)
    return sha256_of(text.encode())[:_HASH_CHARACTERS]


def classes_known(home: Home, register: Register | None = None) -> tuple[str, ...]:
    """Return every retention class of a home: those of its zone file, then those taken out of it.

    A class that the zone file no longer names is known by its masters and by the retention register, so that
    it can be destroyed and nobody's key stays in it unseen.

    Raises
    ------
    UserError
        PROMISE, when the retention register cannot be relied upon; VAULT, when that of the masters is
        damaged.
    """
    register = read_register(home) if register is None else register
    named = dict.fromkeys(each.id for each in home.retention_classes)
    others = {each.retention_class for each in MastersRegister(home.keys).masters()}
    others.update(each.id for each in register.rules)
    for line in register.lines:
        others.update(line.days, line.receipt_years, line.destroys)
    return (*named, *sorted(others - named.keys()))


def check_known(home: Home, class_id: str) -> None:
    """Refuse a class that neither the zone file nor a register of the home knows.

    Raises
    ------
    UserError
        HOME.
    """
    if class_id not in classes_known(home):
        home.retention_class(class_id)


def _wanting(home: Home, register: Register) -> list[Rule]:
    entered = {each.id for each in register.rules}
    return [
        Rule(id=each.id, years=each.destroy_after.years, counted_from=each.destroy_after.counted_from)
        for each in home.retention_classes
        if each.id not in entered
    ]
