"""Cost of forgetting one subject among many: a rotation of all keys, beside re-encrypting all records.

Prints one JSON object: the best wall and CPU seconds of the rounds for `forget` (one subject's key erased,
every other key wrapped anew under a new master, the old master destroyed), for the plain peer (each subject's
record of 300 bytes decrypted and encrypted under another key, and their file replaced), and the ratio of
peer to ours (2 means that ours takes half as long). Both flush to disk. Rounds are interleaved so that a busy
machine slows both.
"""

import argparse
import json
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.keys import provider_of
from families_first.governance.keys.rotation import forget
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.retention import PROGRAMME_CLASS

RECORD_BYTES = 300
NONCE_BYTES = 12
ENTRY_BYTES = NONCE_BYTES + RECORD_BYTES + 16


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds of an action."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


class PlainPeer:
    """Records in one file under one key. To forget one, the rest is encrypted under another key."""

    def __init__(self, path: Path, records: int) -> None:
        self._path = path
        self._key = secrets.token_bytes(32)
        self._write(self._key, [secrets.token_bytes(RECORD_BYTES) for _ in range(records)])

    def forget(self, gone: int) -> None:
        """Replace the file by one without a record, under a new key."""
        cipher, content = AESGCM(self._key), self._path.read_bytes()
        entries = (content[i : i + ENTRY_BYTES] for i in range(0, len(content), ENTRY_BYTES))
        records = [cipher.decrypt(each[:NONCE_BYTES], each[NONCE_BYTES:], None) for each in entries]
        del records[gone]
        self._key = secrets.token_bytes(32)
        self._write(self._key, records)

    def _write(self, key: bytes, records: list[bytes]) -> None:
        cipher, written = AESGCM(key), []
        for record in records:
            nonce = secrets.token_bytes(NONCE_BYTES)
            written.append(nonce + cipher.encrypt(nonce, record, None))
        write_durably(self._path, b"".join(written))


def main() -> None:
    """Run the rounds and print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--subjects", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = Home.create(Path(place) / "home", zone="council", title="Exampleshire Council")
        people = [f"P{number:07d}" for number in range(chosen.subjects)]
        naming = timed(lambda: SubjectKeys(home, PROGRAMME_CLASS.id, provider_of(home)).of(people))
        peer = PlainPeer(Path(place) / "records", chosen.subjects)
        ours, plain = [], []
        for number in range(chosen.rounds):
            ours.append(timed(lambda who=people[number]: forget(home, [who])))
            plain.append(timed(lambda: peer.forget(0)))
        left = SubjectKeys(home, PROGRAMME_CLASS.id, provider_of(home)).count()
        assert left == chosen.subjects - chosen.rounds
    (wall, cpu), (plain_wall, plain_cpu) = (
        [min(each) for each in zip(*x, strict=True)] for x in (ours, plain)
    )
    figures = {
        "subjects": chosen.subjects,
        "record_bytes": RECORD_BYTES,
        "naming_all_seconds": round(naming[0], 2),
        "forget_one_wall_seconds": round(wall, 3),
        "forget_one_cpu_seconds": round(cpu, 3),
        "plain_wall_seconds": round(plain_wall, 3),
        "plain_cpu_seconds": round(plain_cpu, 3),
        "plain_over_ours_cpu": round(plain_cpu / cpu, 2),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
