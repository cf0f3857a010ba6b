"""What several fault tests are given."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from small_disks import mounted_disk


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Give a file system of the size that the test module states as ``DISK_SIZE``."""
    with mounted_disk(tmp_path / "disk", size=request.module.DISK_SIZE) as place:
        yield place
