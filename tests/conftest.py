"""What several test modules share."""

from pathlib import Path

import pytest


@pytest.fixture
def shared_data() -> Path:
    """Recorded data that is not part of this repository; tests of it are skipped without it."""
    path = Path(__file__).parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip("the recorded series are not at hand")
    return path
