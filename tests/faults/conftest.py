"""One furnished house for each test: it is broken in the test."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import House, furnished


@pytest.fixture
def folder(tmp_path) -> Iterator[Path]:
    """A folder that PostgreSQL's own user can enter; of it the log stays."""
    with tempfile.TemporaryDirectory(prefix="daybook-faults-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        yield folder
        shutil.copy(folder / "serve.log", tmp_path)


@pytest.fixture
def house(folder) -> Iterator[House]:
    with furnished(folder) as made:
        yield made
