"""A lake in a temporary folder."""

from pathlib import Path

import pytest

from include.entra_logs.lake import Lake, open_lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return open_lake((tmp_path / "lake").as_uri())
