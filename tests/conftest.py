"""The fixtures and options that tests of every room share."""

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bell import TEA, Village, open_petition
from forked import FORKS
from hypothesis import HealthCheck, settings
from site_stand_in import PetitionsSite
from telegram_stand_in import BotApi

from bot.app import utc_now
from bot.charts import worker

# How long an example takes says nothing on a busy machine; `--hypothesis-profile=thorough` tries
# many more of them.
for _profile, _examples in (("quick", 25), ("thorough", 1000)):
    settings.register_profile(
        _profile,
        deadline=None,
        max_examples=_examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("quick")


def pytest_collection_finish() -> None:
    """Keeps Python's search for garbage out of thousands of tests, which none of them leaves."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _forked_drawing() -> Iterator[None]:
    """Has what draws pictures forked, which would load matplotlib for a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "get_context", lambda _: FORKS)
        yield


_SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded bodies of real petitions, which do not travel with this repository."""
    if not _SHARED.is_dir():
        pytest.skip("the recorded petitions are not on this machine")
    return _SHARED


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Village]:
    """A petitions site with one open petition, and a Bot API, ready for the bot."""
    async with PetitionsSite(utc_now) as site, BotApi() as api:
        site.put(TEA, open_petition())
        yield Village(site, api, tmp_path)
