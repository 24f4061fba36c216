"""What was read while the store failed is read again once it does not."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from bell import stamp
from looking import START, Bench, _bench

from bot.errors import StorageError

LETTER = {
    "subject": "A letter",
    "body": "",
    "occurred_on": "2026-03-02",
    "created_at": stamp(START),
    "url": "",
}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with _bench(tmp_path) as made:
        yield made


@pytest.mark.parametrize("fails", [True, False], ids=["failing", "well"])
async def test_what_could_not_be_kept_is_told_once_the_store_is_well_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    await bench.follow(1)
    await bench.pass_time(120)
    # Dated well back, so that the site would say that nothing has changed since.
    dated = stamp(bench.hours.now() - timedelta(seconds=200))
    bench.site.edit(1, other_parliamentary_business=[LETTER], updated_at=dated)
    if fails:
        refused: list[object] = []

        async def refuse(*args: object) -> int:
            refused.append(args)
            raise StorageError("the disk is full")

        with monkeypatch.context() as while_full:
            while_full.setattr(bench.storage, "commit_poll", refuse)
            await bench.pass_time(180)
        assert refused
        assert await bench.owed() == []
    await bench.pass_time(180)
    (key,) = await bench.owed()
    assert ":business:" in key
