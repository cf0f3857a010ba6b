"""A made-up key service, as an organisation might keep behind a program: `made_up_key_service.py STORE`.

It answers the requests that docs/explanation/keys.md lists. The masters lie in STORE, which stands for the
service; a real one keeps them in hardware. Nothing of the project is used, as nothing would be there.
"""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def name_of(master: str) -> str:
    return hashlib.sha256(b"made-up service\n" + bytes.fromhex(master)).hexdigest()[:16]


def answer(request: dict[str, str], classes: dict[str, list[str]]) -> dict[str, object]:
    masters = classes.setdefault(request["class"], [])
    operation = request["operation"]
    if operation in ("make", "add") and (operation == "add" or not masters):
        masters.append(os.urandom(32).hex())
    elif operation == "retire":
        del masters[:-1]
    elif operation == "destroy":
        masters.clear()
    elif operation == "wrap":
        nonce = os.urandom(12)
        key, context = base64.b64decode(request["key"]), base64.b64decode(request["context"])
        sealed = nonce + AESGCM(bytes.fromhex(masters[-1])).encrypt(nonce, key, context)
        return {"master": name_of(masters[-1]), "sealed": base64.b64encode(sealed).decode()}
    elif operation == "unwrap":
        [master] = [each for each in masters if name_of(each) == request["master"]]
        sealed, context = base64.b64decode(request["sealed"]), base64.b64decode(request["context"])
        try:
            key = AESGCM(bytes.fromhex(master)).decrypt(sealed[:12], sealed[12:], context)
        except (InvalidTag, ValueError):
            return {"refused": True}
        return {"key": base64.b64encode(key).decode()}
    return {"masters": [name_of(each) for each in masters]}


def main() -> None:
    store = Path(sys.argv[1])
    classes = json.loads(store.read_text()) if store.exists() else {}
    json.dump(answer(json.load(sys.stdin), classes), sys.stdout)
    store.write_text(json.dumps(classes))


if __name__ == "__main__":
    main()
