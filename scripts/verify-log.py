#!/usr/bin/env python3
"""Verify an exported audit log, with nothing but Python's standard library.

    python verify-log.py EXPORT --key KEY [--witness FILE ...]

EXPORT is the folder that `families-first audit export` wrote. KEY is the public key of the home whose
log it is (name+id+key), or a file that holds it, as you got it from somebody else than whoever handed you the
log. Each FILE is what a witness holds: checkpoints, one after the other. Ends with 0 when all is well, with 1
when something is wrong, which it says, and with 2 when it could not look.

Sources: RFC 6962 (tree), C2SP signed-note and tlog-checkpoint, RFC 8032 section 6 (Ed25519).
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
NOTE = re.compile("((\\S+)\n(0|[1-9][0-9]*)\n([A-Za-z0-9+/]{43}=)\n)\n((?:\u2014 [^\n]+\n)+)\n*")


def add(a, b):
    """Add two points in extended coordinates."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, point):
    """Multiply a point."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def point_of(data):
    """Read a point from 32 bytes, None when it is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, text, signature):
    """Say whether an Ed25519 signature of 64 bytes is that of a public key."""
    a, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q or len(signature) != 64:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % Q
    left, right = times(s, BASE), add(r, times(h, a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def checkpoints(path, name, key_id, key):
    """Read the checkpoints of a file as (size, root), smallest first; what is wrong is raised."""
    text, at, found = path.read_text(encoding="utf-8"), 0, []
    while at < len(text):
        note = NOTE.match(text, at)
        if not note or note[2] != name:
            raise ValueError(f"{path.name}: this is not a file of checkpoints of {name}")
        lines = [line[2:].split(" ") for line in note[5].splitlines()]
        ours = [base64.b64decode(line[1]) for line in lines if line[0] == name]
        ours = [each[4:] for each in ours if each[:4] == key_id]
        if not ours or not all(signed(key, note[1].encode(), each) for each in ours):
            raise ValueError(f"{path.name}: a signature is not that of {name}")
        found.append((int(note[3]), base64.b64decode(note[4])))
        at = note.end()
    return sorted(found)


def roots_of(path, wanted):
    """Read the entries; return how many there are and the root at each size wanted."""
    peaks, size, roots = [], 0, {0: hashlib.sha256().digest()}
    with path.open("rb") as file:
        for size, line in enumerate(file, 1):
            if json.loads(line)["index"] != size - 1:
                raise ValueError(f"{path.name}: entry {size - 1} is missing or out of place")
            peaks.append(hashlib.sha256(b"\x00" + line.removesuffix(b"\n")).digest())
            full = size
            while not full & 1:
                right = peaks.pop()
                peaks[-1] = hashlib.sha256(b"\x01" + peaks[-1] + right).digest()
                full >>= 1
            if size in wanted:
                roots[size] = peaks[-1]
                for left in reversed(peaks[:-1]):
                    roots[size] = hashlib.sha256(b"\x01" + left + roots[size]).digest()
    return size, roots


def differences(held, size, roots):
    """Say in a sentence how the log differs from what a holder's checkpoints say of it."""
    agreed, differing, beyond = 0, 0, 0
    for its_size, root in held:
        if its_size > size:
            beyond = its_size
        elif not differing:
            agreed, differing = (its_size, 0) if roots[its_size] == root else (agreed, its_size)
    where = f"between entry {agreed} and entry {differing - 1}"
    if beyond and differing:
        return f"entries were deleted: {beyond - size} of {beyond} are gone, the first {where}"
    if beyond:
        return (
            f"the end was cut off: {beyond - size} of {beyond} entries are gone, none before entry {agreed}"
        )
    return f"entries were rewritten {where}: they are not those that were there" if differing else ""


def say(text):
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def main():
    """Verify, say what was found, and return the exit code."""
    raw = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    options.add_argument("export", type=Path)
    options.add_argument("--key", required=True)
    options.add_argument("--witness", type=Path, action="append", default=[])
    chosen = options.parse_args()
    try:
        is_file = Path(chosen.key).is_file()
        text = Path(chosen.key).read_text(encoding="utf-8") if is_file else chosen.key
        if not re.fullmatch(r"[^\s+]+\+[0-9a-f]+\+[A-Za-z0-9+/]+=*", text.strip()):
            say("COULD NOT LOOK: --key names no key and no key file, which is one line: name+id+key")
            return 2
        name, key_id, key = text.strip().split("+", 2)
        key = base64.b64decode(key)
        if hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] != key_id or key[:1] != b"\x01":
            raise ValueError("the public key is damaged")
        files = [chosen.export / "checkpoint.note", *chosen.witness]
        held = {path: checkpoints(path, name, bytes.fromhex(key_id), key[1:]) for path in files}
        wanted = {size for each in held.values() for size, _ in each}
        size, roots = roots_of(chosen.export / "entries.jsonl", wanted)
    except OSError as fault:
        say(f"COULD NOT LOOK: {Path(fault.filename or '').name}: {fault.strerror}")
        return 2
    except (ValueError, LookupError, TypeError) as fault:
        say(f"WRONG: {fault}")
        return 1
    wrong = witnessed = 0
    for path, its in held.items():
        difference = differences(its, size, roots)
        wrong += bool(difference)
        if path in chosen.witness and its and not difference:
            witnessed = max(witnessed, its[-1][0])
        verdict = f"WRONG: {path.name}: {difference}" if difference else f"right: {path.name} agrees"
        say(f"{verdict} ({len(its)} checkpoints)")
    say(f"{size} entries, of which nobody outside vouches for the last {size - witnessed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
