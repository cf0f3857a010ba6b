"""Partners: whose keys a home trusts, once a person has compared a fingerprint with the partner."""

import hashlib
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.durable import write_durably
from families_first.governance.identity import Identity, partners_of, read_identity
from families_first.governance.policy import Resource
from families_first.governance.vocabulary import vocabulary

_GROUPS = 10
_GROUP_LETTERS = 4


def fingerprint_of(identity: Identity) -> str:
    """Return what two people read to each other to compare an identity: 160 bits in ten groups of four.

    It covers every line of the identity, not its keys alone.
    """
    digest = hashlib.sha256(identity.model_dump_json().encode()).hexdigest()
    return " ".join(
        digest[at : at + _GROUP_LETTERS] for at in range(0, _GROUPS * _GROUP_LETTERS, _GROUP_LETTERS)
    )


def add_partner(desk: Desk, path: Path, *, compared: str) -> Identity:
    """Trust a partner's keys from now on: an act on the home's ring of keys, decided and logged as such.

    Parameters
    ----------
    path
        The partner's ``identity.toml``, however it came.
    compared
        The fingerprint as the partner read it out, by telephone or in person.

    Raises
    ------
    UserError
        BAD_FILE, when the file does not tell who a home is; REFUSED, when the person does not keep the keys;
        PARCEL, when the fingerprint is another, it is this home's own, or the partner has other keys here.
    """
    home = desk.home
    identity = read_identity(path)
    fingerprint = fingerprint_of(identity)
    told = {"partner": identity.name, "fingerprint": fingerprint}
    with desk.act("make-keys", Resource("KeyRing", "partners"), details=told), home.locked():
        known = partners_of(home).get(identity.name)
        if "".join(compared.split()).lower() != fingerprint.replace(" ", ""):
            raise _not_added("The fingerprint that the partner read out is not that of this file", path.name)
        if identity.name == home.name:
            raise _not_added("A home is no partner of its own", path.name)
        if identity.organisation_kind not in vocabulary().organisations:
            raise _not_added(f"There is no kind of organisation '{identity.organisation_kind}'", path.name)
        if known is not None and known != identity:
            raise _not_added(
                f"The partner '{identity.name}' is known here with other keys or by another description",
                path.name,
            )
        home.partners.mkdir(exist_ok=True)
        write_durably(home.partners / f"{identity.name}.toml", path.read_bytes(), mode=0o644)
    return identity


def _not_added(what: str, where: str) -> UserError:
    return UserError(
        what,
        where=where,
        fix="Nothing was added. Ring the partner by a number that you know and find out why; where its keys "
        "have changed, take its old file out of partners/ first.",
        code=ExitCode.PARCEL,
    )
