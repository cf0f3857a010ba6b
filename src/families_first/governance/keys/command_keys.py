"""Masters in a key service of the organisation's own, behind a program that speaks JSON.

For each request the program is started anew in the home, gets one JSON object on its standard input, and
answers with one on its standard output; docs/explanation/keys.md lists the requests. A master never leaves
the service. What the program writes to standard error is not shown, because it may quote a key.
"""

import base64
import binascii
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from families_first.errors import ExitCode, UserError
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.wrapping import (
    KEY_BYTES,
    KeyContext,
    WrappedKey,
    another_master,
    does_not_open,
    no_master,
)

_SECONDS = 60


class CommandKeys:
    """Masters that a program of the organisation's own reaches.

    Parameters
    ----------
    command
        The program and its arguments, as the zone file names them; never a secret among them.
    folder
        The home's folder of keys, where the register lies.
    home
        The kind of the home.
    """

    def __init__(self, command: Sequence[str], folder: Path, home: str = "") -> None:
        if not command:
            raise UserError(
                "The zone file names no command that reaches the key service",
                where="zone.toml",
                fix='Give [keys] a command, such as command = ["/usr/local/bin/our-key-service"].',
                code=ExitCode.HOME,
            )
        self._command = tuple(command)
        self._folder = folder
        self._home = home
        self._register = MastersRegister(folder)

    def masters(self, retention_class: str) -> tuple[str, ...]:
        """Return the masters of a class, older first; empty when it has none."""
        return self._ask_masters("masters", retention_class)

    def make_master(self, retention_class: str) -> None:
        """Have a master made for a class that never had one."""
        if not self._register.knows(retention_class):
            for each in self.masters(retention_class) or self._ask_masters("make", retention_class):
                self._register.add(retention_class, each)

    def add_master(self, retention_class: str) -> str:
        """Have a newer master made beside the present one, or find the one made already; return it."""
        held = self.masters(retention_class)
        if not held:
            raise no_master(retention_class, where="key service")
        newest = held[-1] if len(held) > 1 else self._ask_masters("add", retention_class)[-1]
        self._register.add(retention_class, newest)
        return newest

    def retire_masters(self, retention_class: str) -> tuple[str, ...]:
        """Have every master of a class destroyed but the newest; return those destroyed."""
        before = self.masters(retention_class)
        after = self._ask_masters("retire", retention_class)
        if not before or after != before[-1:]:
            raise self._refused("it did not keep the newest master alone")
        return tuple({*before[:-1], *self._register.end(retention_class, "retired", but=after[0])})

    def destroy_masters(self, retention_class: str) -> tuple[str, ...]:
        """Have every master of a class destroyed for good; return those destroyed. May be repeated."""
        for each in self.masters(retention_class):
            self._register.add(retention_class, each)
        if self._ask_masters("destroy", retention_class):
            raise self._refused("it still holds a master that was to be destroyed")
        return self._register.end(retention_class, "destroyed")

    def wrap(self, key: bytes, context: KeyContext) -> WrappedKey:
        """Have a key wrapped under the newest master of the context's class."""
        answer = self._ask("wrap", context.retention_class, context, key=base64.b64encode(key).decode())
        try:
            return WrappedKey.from_json(answer)
        except (KeyError, ValueError):
            raise self._refused("its answer is not a wrapped key") from None

    def unwrap(self, wrapped: WrappedKey, context: KeyContext) -> bytes:
        """Return the key.

        Raises
        ------
        UserError
            VAULT, when the service does not hold the master or the key does not open there; RESOURCE, when
            the service cannot be reached.
        """
        held = self.masters(context.retention_class)
        if not held:
            raise no_master(context.retention_class, where="key service")
        if wrapped.master not in held:
            raise another_master(context)
        answer = self._ask("unwrap", context.retention_class, context, **wrapped.as_json())
        if answer.get("refused"):
            raise does_not_open(context)
        try:
            key = base64.b64decode(str(answer["key"]), validate=True)
        except (KeyError, binascii.Error):
            key = b""
        if len(key) != KEY_BYTES:
            raise self._refused("its answer is not a key") from None
        return key

    def _ask_masters(self, operation: str, retention_class: str) -> tuple[str, ...]:
        answer = self._ask(operation, retention_class)
        masters = answer.get("masters")
        if not isinstance(masters, list):
            raise self._refused("its answer lists no masters")
        return tuple(map(str, masters))

    def _ask(
        self, operation: str, retention_class: str, context: KeyContext | None = None, **more: str
    ) -> dict[str, Any]:
        request = {"version": 1, "operation": operation, "class": retention_class, **more}
        if context is not None:
            request["context"] = base64.b64encode(context.in_home(self._home).bound()).decode()
        try:
            done = subprocess.run(  # noqa: S603 - the organisation's own program, named in its zone file
                self._command,
                input=json.dumps(request).encode(),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
                cwd=self._folder.parent,
            )
            answer = json.loads(done.stdout) if done.returncode == 0 else None
        except OSError:
            raise self._refused("it could not be started") from None
        except subprocess.TimeoutExpired:
            raise self._refused(f"it did not answer within {_SECONDS} seconds") from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise self._refused("it gave no answer in JSON, or failed")
        return answer

    def _refused(self, why: str) -> UserError:
        return UserError(
            f"The key service did not do what was asked: {why}",
            where=Path(self._command[0]).name,
            fix="Ask whoever runs the key service; nothing was changed here.",
            code=ExitCode.RESOURCE,
        )
