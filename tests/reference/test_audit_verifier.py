"""The stand-alone verifier checks Ed25519 signatures as RFC 8032 and a well-kept library do."""

import importlib.util
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify-log.py"

# Public key, message and signature: RFC 8032, section 7.1, tests 1 to 3.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

Signed = Callable[[bytes, bytes, bytes], bool]


@pytest.fixture(scope="module")
def signed() -> Signed:
    spec = importlib.util.spec_from_file_location("verify_log", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Signed = module.signed
    return found


@pytest.mark.parametrize(("key", "text", "signature"), VECTORS, ids=["test 1", "test 2", "test 3"])
def test_the_published_signatures_hold_and_no_other_text_has_them(
    signed: Signed, key: str, text: str, signature: str
) -> None:
    assert signed(bytes.fromhex(key), bytes.fromhex(text), bytes.fromhex(signature))
    assert not signed(bytes.fromhex(key), bytes.fromhex(text) + b"x", bytes.fromhex(signature))


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (b"\xff" * 32, bytes(64)),
        (bytes.fromhex(VECTORS[0][0]), bytes.fromhex(VECTORS[0][2])[:63]),
        (bytes.fromhex(VECTORS[0][0]), b""),
        (
            bytes.fromhex(VECTORS[0][0]),
            bytes.fromhex(VECTORS[0][2])[:32]
            + (int.from_bytes(bytes.fromhex(VECTORS[0][2])[32:], "little") + GROUP_ORDER).to_bytes(
                32, "little"
            ),
        ),
    ],
    ids=["no point", "short", "empty", "a second form of the same signature"],
)
def test_what_the_standard_forbids_is_refused(signed: Signed, key: bytes, signature: bytes) -> None:
    assert not signed(key, b"", signature)


def test_it_agrees_with_the_library_on_signatures_sound_and_spoilt(signed: Signed) -> None:
    chance = random.Random(20260930)
    for _ in range(40):
        private = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        key = private.public_key().public_bytes_raw()
        text = chance.randbytes(chance.randrange(200))
        signature = bytearray(private.sign(text))
        assert signed(key, text, bytes(signature))
        signature[chance.randrange(64)] ^= 1 << chance.randrange(8)
        with pytest.raises(InvalidSignature):
            private.public_key().verify(bytes(signature), text)
        assert not signed(key, text, bytes(signature))
