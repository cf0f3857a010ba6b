"""Putting shares together: to check them, or to bring back a master whose file was lost."""

from collections.abc import Iterable
from dataclasses import dataclass

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys.master_files import MasterFiles
from families_first.governance.keys.register import Master, MastersRegister, ShareHeld
from families_first.governance.keys.shares import recover, share_id
from families_first.governance.keys.wrapping import KeyProvider, fingerprint


@dataclass(frozen=True, slots=True)
class SharesChecked:
    """What shares turned out to be: the masters that they open, and each share as the register knows it."""

    masters: tuple[Master, ...]
    shares: tuple[ShareHeld, ...]


def check_shares(home: Home, shares: Iterable[tuple[str, str]]) -> SharesChecked:
    """Say which masters of a home shares open; the masters are forgotten at once.

    Parameters
    ----------
    shares
        Where each share came from (for messages), and its words.

    Raises
    ------
    UserError
        BAD_FILE, when a share is mistyped; VAULT, when there are too few, or they are of no master of this
        home.
    """
    given = list(shares)
    known = {each.fingerprint: each for each in MastersRegister(home.keys).masters()}
    opened = [known.get(fingerprint(each)) for each in recover(given)]
    found = tuple(each for each in opened if each is not None)
    if len(found) < len(opened):
        raise UserError(
            "These shares are of no master that this home has had",
            where="shares",
            fix="Compare the name of the home and the fingerprint of the master that are printed on each.",
            code=ExitCode.VAULT,
        )
    ids = {share_id(words) for _, words in given}
    return SharesChecked(found, tuple(s for each in found for s in each.shares if s.id in ids))


def recover_master(home: Home, shares: Iterable[tuple[str, str]], keys: KeyProvider) -> tuple[Master, ...]:
    """Bring back masters whose files were lost, from shares; in a home that keeps its masters in files.

    Raises
    ------
    UserError
        As :func:`check_shares`; VAULT, when a master was retired or destroyed; USAGE, when the home does not
        keep its masters in files.
    """
    given = list(shares)
    if not isinstance(keys, MasterFiles):
        raise UserError(
            "This home keeps no master in a file, so there is none to bring back",
            where="zone.toml",
            fix="Name the shares with --unlock-with when a command needs the master.",
            code=ExitCode.USAGE,
        )
    with home.locked():
        found = check_shares(home, given).masters
        for each, master in zip(found, recover(given), strict=True):
            if each.state != "in use":
                raise UserError(
                    f"The master that these shares open was {each.state}, and stays so",
                    where=each.fingerprint,
                    fix="Destroy these shares, and sign that you have: `families-first retention`.",
                    code=ExitCode.VAULT,
                )
            keys.restore_master(each.retention_class, master)
    return found
