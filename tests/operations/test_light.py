"""A bot is light: it loads what it needs to start, and the rest when somebody asks for it."""

import asyncio
import subprocess
import sys
from pathlib import Path

from petitions import NOW, petition

from bot.charts import Charts

ROOT = Path(__file__).parents[2]
LARGE = {
    "PIL",
    "aiohttp.web",
    "asyncpg",
    "icalendar",
    "matplotlib",
    "numpy",
    "pydantic",
    "pygments",
    "rich",
}
CODE = """
import sys
from bot.cli import _loaded_lightly
with _loaded_lightly():
    import bot.app
print(*sorted(sys.modules))
import gc, rich, rich.console
assert gc.isenabled()
"""


def test_what_is_large_and_seldom_needed_is_not_loaded_at_the_start() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "telegram" in loaded
    assert not loaded & LARGE


async def until_gone(charts: Charts) -> None:
    async with asyncio.timeout(10):
        while charts.pid is not None:  # noqa: ASYNC110 - nobody is told of its end
            await asyncio.sleep(0.01)


async def test_the_drawing_process_ends_when_nothing_was_drawn_for_a_while() -> None:
    async with Charts(idle=0.05) as charts:
        assert await charts.curve(petition(), [], NOW) is not None
        await until_gone(charts)
        assert await charts.curve(petition(signature_count=85), [], NOW) is not None
        await until_gone(charts)


def test_what_is_wrong_with_the_configuration_is_told_though_another_process_reads_it(
    tmp_path: Path,
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[telegram]\ntoken = ""\n[poll]\ninterval = "soon"\n')
    done = subprocess.run(
        [sys.executable, "-m", "bot", "run", "--config", config],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["telegram.token", "poll.interval"]
