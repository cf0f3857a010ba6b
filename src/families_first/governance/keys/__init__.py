"""Keys: a master for each retention class, a key of its own for each dataset, and one for each subject."""

from families_first.governance.keys.key_file import KEY_SUFFIX, make_key_file, read_key_file
from families_first.governance.keys.master_files import KeyFiles
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.wrapping import (
    KEY_BYTES,
    NONCE_BYTES,
    KeyContext,
    KeyProvider,
    WrappedKey,
    derived_key,
    fingerprint,
    new_key,
)

__all__ = [
    "KEY_BYTES",
    "KEY_SUFFIX",
    "NONCE_BYTES",
    "KeyContext",
    "KeyFiles",
    "KeyProvider",
    "WrappedKey",
    "derived_key",
    "fingerprint",
    "make_key_file",
    "new_key",
    "provider_of",
    "read_key_file",
]
