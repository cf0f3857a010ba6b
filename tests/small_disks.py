"""Disks so small that a test can fill them, where the account may mount a file system."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted_disk(place: Path, *, size: str) -> Iterator[Path]:
    """Give a file system of ``size`` (as mount has it: ``4m``) in a new folder, or skip the test."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs an account that may mount")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill_disk(path: Path) -> None:
    """Write a file until the disk takes no more."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while os.write(handle, bytes(512)):
            pass
    os.close(handle)
