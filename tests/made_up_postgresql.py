"""A PostgreSQL server of a test's own, on a socket in a private folder."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ACCOUNT = "postgres"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return folders[0] if folders else None


class Server:
    """A server in ``folder``: it can be stopped, killed and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data = folder / "data"
        self.folder = folder
        self._run(
            "initdb", "--no-sync", "--auth=trust", f"--username={ACCOUNT}", "--encoding=UTF8", str(self._data)
        )

    def conninfo(self, **more: str) -> str:
        """Return a connection text for the server's socket."""
        parts = {"host": str(self.folder), "dbname": "postgres", "user": ACCOUNT, **more}
        return " ".join(f"{key}={value}" for key, value in parts.items())

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=20"
        log = str(self.folder / "server.log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """Stop the server; ``immediate`` is as a power cut."""
        self._run("pg_ctl", "-D", str(self._data), "-m", how, "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        # initdb and the server refuse to run as root.
        user = ACCOUNT if os.geteuid() == 0 else None
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            cwd=self.folder,
        )


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Start a server and stop it at the end; skips the test where there is no PostgreSQL."""
    programs = _programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL on this machine")
    # A socket's path has at most 107 characters, which a test's own folder may exceed.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        if os.geteuid() == 0:
            os.chown(name, pwd.getpwnam(ACCOUNT).pw_uid, -1)
        server = Server(programs, Path(name))
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop("immediate")
