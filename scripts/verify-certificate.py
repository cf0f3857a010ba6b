#!/usr/bin/env python3
"""Verify a certificate of destruction with nothing but Python (3.11 or later) and public keys.

    verify-certificate.py CERTIFICATE KEY... [--statement FILE]...

A KEY is a public signing key, name+id+base64, or a file that holds some (an identity.toml will do). Give
that of the home and that of its senior responsible owner, got by another way than the certificate. A
statement is a custodian's, for a share of the destroyed key; it must be one that the certificate lists.

Sources: C2SP signed-note, https://c2sp.org/signed-note; Ed25519, RFC 8032, section 5.1.
"""

import base64
import hashlib
import re
import sys
import tomllib
from pathlib import Path

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
KEY = re.compile(r"[^\s+\"']{1,128}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}")


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(s, p):
    q = (0, 1, 1, 0)
    while s:
        q, p, s = add(q, p) if s & 1 else q, add(p, p), s >> 1
    return q


def point(encoded):
    y, sign = int.from_bytes(encoded, "little") & (2**255 - 1), encoded[31] >> 7
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - xx) % P or (x == 0 and sign):
        raise ValueError("not a point")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_good(public, text, signature):
    try:
        a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    except (ValueError, IndexError):
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    same = all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))
    return len(signature) == 64 and s < L and same


def keys_in(argument):
    text = Path(argument).read_text("utf-8") if Path(argument).is_file() else argument
    found = []
    for each in KEY.findall(text):
        name, key_id, encoded = each.split("+", 2)
        public = base64.b64decode(encoded)
        digest = hashlib.sha256(name.encode() + b"\n" + public).hexdigest()
        if public[:1] != b"\x01" or digest[:8] != key_id:
            refuse("a key's id is not that of the key")
        found.append((name, bytes.fromhex(key_id), public[1:]))
    return found or refuse("no public key in " + Path(argument).name[:40])


def signers(note, keys):
    body, _, tail = note.rpartition("\n\n")
    good = set()
    for line in tail.splitlines():
        name, _, encoded = line.removeprefix("\N{EM DASH} ").partition(" ")
        raw = base64.b64decode(encoded, validate=True)
        for key in keys:
            if key[:2] == (name, raw[:4]):
                if not is_good(key[2], (body + "\n").encode(), raw[4:]):
                    refuse(f"the signature of {name} does not belong to this text")
                good.add(key)
    return good, tomllib.loads(body)


def refuse(why):
    sys.exit(f"REFUSED: {why}")


def main(arguments):
    statements = []
    while "--statement" in arguments:
        at = arguments.index("--statement")
        statements.append(Path(arguments[at + 1]).read_bytes())
        del arguments[at : at + 2]
    keys = {key for argument in arguments[1:] for key in keys_in(argument)}
    good, said = signers(Path(arguments[0]).read_bytes().decode(), keys)
    if said.get("record") != "certificate":
        refuse("this is not a certificate of destruction")
    if said["home"] not in {key[0] for key in good} or len({key[2] for key in good}) < 2:
        refuse("the home that it names, and a second of the keys given, must have signed it")
    shares = said.get("shares", [])
    listed = {each["statement"]: each["id"] for each in shares if each["statement"]}
    for content in statements:
        share = listed.get(hashlib.sha256(content).hexdigest())
        by, statement = signers(content.decode(), keys)
        if share is None or statement["share"] != share or not by:
            refuse("a statement is not one that the certificate lists, or none of the keys signed it")
    told = ["VERIFIED. Signed by: " + ", ".join(sorted(key[0] for key in good))]
    lists = ("datasets", "derived", "shares", "means")
    told += [f"{key}: {value}" for key, value in said.items() if key not in lists]
    derived = said.get("derived", [])
    told += [f"datasets: {len(said['datasets'])}; {len(derived)} of other classes, made from this one"]
    told += [f"shares stated destroyed: {len(listed)} of {len(shares)}; {len(statements)} checked here"]
    sys.stdout.write("\n".join([*told, *said["means"], ""]))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        main(sys.argv[1:])
    except (OSError, ValueError, KeyError, IndexError):
        refuse("this cannot be read as a certificate, a key or a statement")
