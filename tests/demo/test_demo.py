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
from typing import TYPE_CHECKING, Literal

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "tests" / "pictures"
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

# Where `make test` puts it: npm's package axe-core, which looks for what shuts people out.
AXE = Path(sys.prefix) / "axe-core" / "axe.min.js"
SCREENS = ((320, 640), (390, 844), (844, 390), (1280, 800), (1920, 1080))
AXE_LOOKS_AT = {320, 1280}  # the two layouts; each look takes most of a second

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium here: `apt-get install chromium` (or your system's package) brings it",
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    """The address that `demo` prints, for as long as it runs."""
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--port", "0", cwd=ROOT, stdout=PIPE
    )
    assert demo.stdout is not None
    line = (await asyncio.wait_for(demo.stdout.readline(), 20)).decode()
    found = re.search(r"http://localhost:\d+/", line)
    assert found, line
    try:
        yield found[0]
    finally:
        demo.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(demo.wait(), 20) == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator["Browser"]:
    from playwright.async_api import async_playwright  # noqa: PLC0415 - a second, for this file

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(
    address: str, browser: "Browser", request: pytest.FixtureRequest
) -> AsyncIterator["Page"]:
    """The chat page before the story begins, in a browser that reaches nothing but this machine."""
    # What moves is painted sixty times a second, and waited for; one test sees it move.
    page = await browser.new_page(
        viewport={"width": 1120, "height": 860},
        reduced_motion="no-preference" if "newcomer" in request.node.name else "reduce",
    )
    page.set_default_timeout(20_000)
    strangers: list[str] = []
    page.on("request", lambda r: strangers.append(r.url) if address not in r.url else None)
    await page.goto(address)
    await page.get_by_test_id("restart").click()
    await page.get_by_test_id("suggestion").wait_for()
    yield page
    await page.close()
    assert [url for url in strangers if not url.startswith(("ws://localhost", "data:"))] == []


def said(page: "Page", words: str) -> "Locator":
    return page.get_by_test_id("message").filter(has_text=words).last


def key(message: "Locator", label: str) -> "Locator":
    return message.get_by_test_id("key").filter(has_text=label)


async def say(page: "Page", text: str) -> None:
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("send").click()


async def test_a_newcomer_subscribes_sees_the_story_and_unsubscribes(page: "Page") -> None:
    await say(page, "/follow 300239")
    await key(said(page, "I need to keep"), "Follow it").click()
    await said(page, "You're now following").wait_for()

    await page.get_by_test_id("pause").click()
    for words in BEATS:
        await page.get_by_test_id("step").click()
        await said(page, words).wait_for()
        if words == PICTURED and os.environ.get("DRAW_PICTURES"):
            PICTURES.mkdir(exist_ok=True)
            await page.screenshot(path=PICTURES / "chat.png", animations="disabled")

    await key(said(page, "Closed with"), "Unfollow").click()
    ended = said(page, "You've unfollowed")
    await ended.wait_for()
    await key(ended, "Undo").click()
    await said(page, "You're now following").wait_for()
    alerts = page.get_by_test_id("message").filter(has_text="a government response is now due")
    assert await alerts.count() == 1


async def test_the_end_says_so_and_offers_to_begin_again_with_an_empty_memory(page: "Page") -> None:
    await follow(page)
    assert not await page.get_by_test_id("end").is_visible()
    for _ in range(20):  # more often than there are events
        await page.get_by_test_id("step").dispatch_event("click")
    end = page.get_by_test_id("end")
    await end.get_by_text("This is where the story ends").wait_for()
    await end.get_by_role("button", name="Start over").click()
    await page.get_by_test_id("message").first.wait_for(state="detached")
    await end.wait_for(state="hidden")
    await say(page, "/mydata")
    await said(page, "I don't keep anything about this chat").wait_for()


async def follow(page: "Page") -> None:
    await say(page, "/follow 300239")
    await key(said(page, "I need to keep"), "Follow it").click()
    await said(page, "You're now following").wait_for()
    await page.get_by_test_id("pause").click()


async def test_it_fits_every_screen_in_light_and_dark_and_shuts_nobody_out(page: "Page") -> None:
    await say(page, "/follow 300239")
    await said(page, "I need to keep").wait_for()
    assert "begins when you follow" in await page.get_by_test_id("state").inner_text()
    await key(said(page, "I need to keep"), "Follow it").click()
    await said(page, "You're now following").wait_for()
    await say(page, "/constituency")
    await said(page, "Which constituency?").wait_for()
    await page.get_by_text("Waiting for your answer").wait_for()
    await say(page, "/map 300239")
    await page.get_by_alt_text("Picture: Map for").wait_for()
    await page.get_by_test_id("room-petitions").click()
    await page.get_by_test_id("join").click()
    await said(page, "can tell this group").wait_for()
    await page.get_by_test_id("room-petitions").click()
    await page.get_by_role("button", name="/follow 300239").click()
    await said(page, "This group is now following").wait_for()
    await key(said(page, "This group is now following"), "Follow it yourself").click()
    await said(page, "You've been following this petition").wait_for()  # which is told in private
    assert "127.0.0.1" not in await page.content()
    if AXE.is_file():
        await page.evaluate(AXE.read_text())
    for width, height in SCREENS:
        await page.set_viewport_size({"width": width, "height": height})
        for room in ("petitions", "private"):
            await page.get_by_test_id(f"room-{room}").click()
            assert await page.evaluate(OVERFLOWING) == [], (width, height)
        for name in ("story-clock", "story-count", "pause", "step", "composer"):
            box = await page.get_by_test_id(name).bounding_box()
            assert box is not None, name
            assert box["x"] >= 0 and box["x"] + box["width"] <= width, name  # noqa: PT018 - one side each
            assert box["y"] >= 0 and box["y"] + box["height"] <= height, name  # noqa: PT018 - one side each
        for scheme in SCHEMES if AXE.is_file() and width in AXE_LOOKS_AT else ():
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert await page.evaluate(VIOLATIONS) == [], (width, scheme)
    if not AXE.is_file():
        pytest.skip("axe-core isn't here: `make test` fetches it where npm is; the rest fits")


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# What stands beyond the page's edge, or is wider than its box and is not meant to scroll.
OVERFLOWING = """() => [...document.querySelectorAll("body *")].filter((each) => {
  const box = each.getBoundingClientRect();
  const inScroller = each.parentElement.closest("pre, svg, .unseen, .who, .shapes");
  if (!each.checkVisibility() || !box.width || inScroller) return false;
  const wider = each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1;
  const spills = wider && getComputedStyle(each).overflowX === "visible";
  return box.right > innerWidth + 1 || box.left < -1 || spills;
}).map((each) => `${each.tagName}.${each.className} ${each.textContent.slice(0, 40)}`)
  .concat(document.documentElement.scrollHeight > innerHeight ? ["the page scrolls"] : [])"""
VIOLATIONS = """async () => (await axe.run()).violations.map((each) =>
  `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`)"""


async def test_a_keyboard_alone_suffices(page: "Page") -> None:
    press = page.keyboard.press
    await page.get_by_test_id("composer").focus()
    await page.keyboard.type("/follow 300239")
    await press("Enter")
    await said(page, "I need to keep").wait_for()
    await press("ArrowUp")  # to the buttons of the newest message
    await press("Enter")
    await said(page, "You're now following").wait_for()
    focused = "document.activeElement.dataset.testid"
    for _ in range(40):  # and on with Tab, through the rest of the page, to what moves the story
        if await page.evaluate(focused) == "step":
            break
        await press("Tab")
    await press("Enter")
    await said(page, "a government response is now due").wait_for()
    await press("Tab")
    await press("Tab")
    await press("Space")  # unfolds or folds the events
    assert await page.evaluate(focused) in ("more", None)


async def test_a_file_of_mydata_sent_back_after_starting_over_is_restored(
    page: "Page", tmp_path: Path
) -> None:
    await follow(page)
    await say(page, "/mydata")
    async with page.expect_download() as download:
        await said(page, "petition-bell").get_by_role("link").first.click()
    file = await download.value
    kept = tmp_path / file.suggested_filename
    await file.save_as(kept)
    await page.get_by_test_id("restart").click()
    await page.get_by_test_id("message").first.wait_for(state="detached")
    await page.get_by_test_id("file").set_input_files(kept)
    await key(said(page, "I need to keep"), "I agree").click()
    await said(page, "You can now follow petitions").wait_for()
    await page.get_by_test_id("file").set_input_files(kept)
    await said(page, "1 petition followed").wait_for()


@pytest.mark.skipif(not os.environ.get("DRAW_PICTURES"), reason="`make picture` draws README's")
@pytest.mark.timeout(180)
async def test_the_readme_has_its_pictures_of_phones_and_of_drawings(page: "Page") -> None:
    await follow(page)
    for words in BEATS[:6]:
        await page.get_by_test_id("step").click()
        await said(page, words).wait_for()
    await page.set_viewport_size({"width": 390, "height": 844})
    drawn = page.get_by_test_id("message").filter(has=page.locator("img"))
    for name, words in (("curve", "/chart 300239"), ("map", "/map 300239")):
        await say(page, words)
        await drawn.nth(0 if name == "curve" else 1).wait_for()
        await keep(page, name)
    await say(page, "/constituencies 300239")
    await key(said(page, "Constituencies with most"), "Chart").click()
    await drawn.nth(2).wait_for()
    await keep(page, "bars")
    await page.screenshot(path=PICTURES / "phone-bars.png", animations="disabled")
    await page.emulate_media(color_scheme="dark")
    await say(page, "/settings")
    await said(page, "Quiet hours").wait_for()
    await page.screenshot(path=PICTURES / "phone-settings.png", animations="disabled")
    await page.emulate_media(color_scheme="light")
    await page.get_by_test_id("room-petitions").click()
    await page.get_by_test_id("join").click()
    await page.get_by_test_id("room-petitions").click()
    await page.get_by_role("button", name="/follow 300239").click()
    await said(page, "This group is now following").wait_for()
    await page.get_by_test_id("step").click()
    await said(page, "Closes in").wait_for()
    await page.screenshot(path=PICTURES / "phone-group.png", animations="disabled")


async def keep(page: "Page", name: str) -> None:
    """The newest picture in the chat, as the bot sent it."""
    address = await page.locator("img").last.get_attribute("src")
    sent = await page.request.get(f"{page.url.rstrip('/')}{address}")
    (PICTURES / f"{name}.png").write_bytes(await sent.body())
