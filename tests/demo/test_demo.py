"""The demo as a newcomer meets it: the command, a real browser, the story of petition 300239."""

import asyncio
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "tests" / "pictures" / "chat.png"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# What the reader hears at each event of the story, up to the closing.
BEATS = (
    "a government response is now due",
    "signatures, past 100,000",
    "21 days after 10,000 signatures, still no government response",
    "The Government has responded",
    "The Petitions Committee added a note",
    "Government response revised",
    "Closes in",
    "Closed with 131,625 signatures",
)
PICTURED = "The Government has responded"

needs_browser = pytest.mark.skipif(
    CHROMIUM is None,
    reason="there is no Chromium: `apt-get install chromium` (or your system's package) brings one",
)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """The address that `demo` prints, for as long as it runs."""
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--port", "0", cwd=ROOT, stdout=PIPE
    )
    assert demo.stdout is not None
    line = (await asyncio.wait_for(demo.stdout.readline(), 20)).decode()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    try:
        yield found[0]
    finally:
        demo.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(demo.wait(), 20) == 0


@pytest.fixture
async def page(address: str) -> AsyncIterator["Page"]:
    """The chat page in a browser that reaches nothing but this machine."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - a second, for one test

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        page = await browser.new_page(viewport={"width": 1120, "height": 860})
        page.set_default_timeout(20_000)
        strangers: list[str] = []
        page.on("request", lambda r: strangers.append(r.url) if address not in r.url else None)
        await page.goto(address)
        yield page
        await browser.close()
        assert [url for url in strangers if not url.startswith(("ws://127", "data:"))] == []


def said(page: "Page", words: str) -> "Locator":
    return page.get_by_test_id("message").filter(has_text=words).last


def key(message: "Locator", label: str) -> "Locator":
    return message.get_by_test_id("key").filter(has_text=label)


async def say(page: "Page", text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("send").click()


@needs_browser
async def test_a_newcomer_subscribes_sees_the_story_and_unsubscribes(page: "Page") -> None:
    await say(page, "/follow 300239")
    await key(said(page, "I need to keep"), "Follow it").click()
    await said(page, "You're now following").wait_for()

    await page.get_by_role("button", name="Pause").click()
    for words in BEATS:
        await page.get_by_role("button", name="Next event").click()
        await said(page, words).wait_for()
        if words == PICTURED and os.environ.get("DRAW_PICTURES"):
            PICTURE.parent.mkdir(exist_ok=True)
            await page.screenshot(path=PICTURE, animations="disabled")

    await key(said(page, "Closed with"), "Unfollow").click()
    ended = said(page, "You've unfollowed")
    await ended.wait_for()
    await key(ended, "Undo").click()
    await said(page, "You're now following").wait_for()
    alerts = page.get_by_test_id("message").filter(has_text="a government response is now due")
    assert await alerts.count() == 1


@needs_browser
async def test_the_story_can_begin_again_with_an_empty_memory(page: "Page") -> None:
    await say(page, "/follow 300239")
    await said(page, "I need to keep").wait_for()
    await page.get_by_role("button", name="Start over").click()
    await page.get_by_test_id("message").first.wait_for(state="detached")
    await say(page, "/mydata")
    await said(page, "I don't keep anything about this chat").wait_for()
