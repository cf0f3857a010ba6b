"""Who a home is to others: a key with which it signs, and a key to which others encrypt.

The private halves lie in ``keys/``; the public halves in ``identity.toml``, which is handed to partners. A
partner's ``identity.toml`` goes into ``partners/``, after somebody has compared its keys with the partner by
another way than the one by which the file came.
"""

import tomllib
from pathlib import Path
from typing import Annotated

import pyrage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from families_first.errors import ExitCode, UserError
from families_first.governance import home as homes
from families_first.governance.durable import PRIVATE_FILE, write_durably
from families_first.governance.faults import faults_in_words
from families_first.governance.home import Home
from families_first.governance.keys import make_key_file, read_key_file
from families_first.governance.notes import Signer, Verifier
from families_first.governance.zone_file import Zone, quoted

IDENTITY_FILE = homes.IDENTITY_FILE

_SIGNING = "home signing"
_SIGNING_FILE = "_home-signing.key"  # no retention class can be called so
_RECEIVING_FILE = "_home-receiving.age"


class Identity(BaseModel):
    """The public half of a home's identity, as ``identity.toml`` holds it.

    ``signing`` is a signed-note verifier key, ``receiving`` an age recipient (X25519).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,126}$")]
    title: Annotated[str, Field(min_length=1)]
    organisation: Annotated[str, Field(min_length=1)]
    organisation_kind: Annotated[str, Field(min_length=1)]
    zone: Annotated[Zone, Field(strict=False)]
    signing: str
    receiving: Annotated[str, Field(pattern=r"^age1[0-9a-z]+$")]

    @property
    def verifier(self) -> Verifier:
        """The key that checks this home's signatures."""
        return Verifier.parse(self.signing, where=self.name)


def ensure_identity(home: Home) -> Identity:
    """Return the identity of a home, making its keys the first time.

    Raises
    ------
    UserError
        VAULT, when a key file is damaged or readable by others.
    """
    with home.locked():
        make_key_file(home.keys / _SIGNING_FILE, belongs_to=_SIGNING)
        receiving = home.keys / _RECEIVING_FILE
        if not receiving.exists():
            write_durably(receiving, f"{pyrage.x25519.Identity.generate()}\n".encode(), mode=PRIVATE_FILE)
        identity = Identity(
            name=home.name,
            title=home.title,
            organisation=home.organisation,
            organisation_kind=home.organisation_kind,
            zone=home.zone,
            signing=str(signer_of(home).verifier),
            receiving=str(receiver_of(home).to_public()),
        )
        text = _text(identity).encode()
        public = home.root / IDENTITY_FILE
        if not public.exists() or public.read_bytes() != text:
            write_durably(public, text, mode=0o644)
    return identity


def signer_of(home: Home) -> Signer:
    """Return the key with which a home signs. Raises as :func:`ensure_identity`."""
    return Signer.from_seed(home.name, read_key_file(home.keys / _SIGNING_FILE, belongs_to=_SIGNING))


def receiver_of(home: Home) -> pyrage.x25519.Identity:
    """Return the key with which a home opens what was encrypted to it."""
    try:
        return pyrage.x25519.Identity.from_str(
            (home.keys / _RECEIVING_FILE).read_text(encoding="ascii").strip()
        )
    except (OSError, UnicodeDecodeError, pyrage.IdentityError):
        raise UserError(
            "The key with which this home opens parcels is gone or damaged",
            where=_RECEIVING_FILE,
            fix="Put the key file back from the copy of keys/; parcels sent to it cannot be opened without.",
            code=ExitCode.VAULT,
        ) from None


def read_identity(path: Path) -> Identity:
    """Read an ``identity.toml``.

    Raises
    ------
    UserError
        BAD_FILE, when the file is not one.
    """
    try:
        found = Identity.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        faults = "it is not a file of that form"
    except ValidationError as fault:
        faults = "; ".join(faults_in_words(fault))
    else:
        if found.verifier.name == found.name:
            return found
        faults = "its signing key has another name"
    raise UserError(
        f"This does not tell who a home is: {faults}",
        where=path.name,
        fix="Ask the partner for its identity.toml again.",
        code=ExitCode.BAD_FILE,
    ) from None


def partners_of(home: Home) -> dict[str, Identity]:
    """Return the partners of a home by name. Raises as :func:`read_identity`."""
    found = (read_identity(path) for path in sorted(home.partners.glob("*.toml")))
    return {each.name: each for each in found}


def _text(identity: Identity) -> str:
    lines = [
        "# Who this home is. Hand it to partners; it holds nothing secret.",
        "# Compare the keys with the partner by telephone or in person before either side relies on them.",
    ]
    values = identity.model_dump(mode="json")
    return "\n".join([*lines, *(f"{key} = {quoted(str(value))}" for key, value in values.items()), ""])
