"""Which provider holds the masters of a home."""

from families_first.governance.home import Home
from families_first.governance.keys.ceremony import Ceremony
from families_first.governance.keys.command_keys import CommandKeys
from families_first.governance.keys.custodian_keys import CustodianKeys
from families_first.governance.keys.master_files import KeyFiles
from families_first.governance.keys.passphrase_keys import PassphraseKeys
from families_first.governance.keys.unlocking import forbid_core_dumps, opening_of
from families_first.governance.keys.wrapping import KeyProvider


def provider_of(home: Home, ceremony: Ceremony | None = None) -> KeyProvider:
    """Return who holds the masters of a home: what ``[keys]`` of its zone file names.

    Nothing is asked and no key is read until one is needed. ``ceremony`` names the custodians, where they are
    gathered to make a master in a home of custodians. From here on the process leaves no core dump, which
    would hold whatever is in its memory.
    """
    forbid_core_dumps()
    section = home.settings.keys
    match section.provider:
        case "files":
            return KeyFiles(home.keys, home.kind)
        case "passphrase":
            return PassphraseKeys(home.keys, opening_of(home), home.kind)
        case "custodians":
            return CustodianKeys(home.keys, opening_of(home), ceremony, home.kind)
        case "command":
            return CommandKeys(section.command, home.keys, home.kind)
