"""A petition's texts in the other language of its site: asked for when they change, and seldom."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from looking import START, Bench, Hours, bench_at
from site_stand_in import Fault, SisterSite

from bot.demo.sister_shapes import SENEDD, senedd_petition
from bot.messages.alert import alert
from bot.messages.i18n import speaking
from bot.messages.petition.card import card
from bot.petitions.petition import Petition, PetitionRef

FERRY = PetitionRef("senedd", 245600)
OPENED = START - timedelta(days=9)
WELSH: dict[str, Any] = {"action": "Cadwch y fferi", "background": "Mae ei hangen arnom."}
PATH = f"/deisebau/{FERRY.id}.json"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    hours = Hours()
    site = SisterSite(hours.now, SENEDD)
    async with bench_at(site, hours, tmp_path, name="senedd", in_both=True) as bench:
        site.put(FERRY.id, ferry())
        yield bench


def ferry(**changes: Any) -> dict[str, Any]:
    return senedd_petition(OPENED, action="Keep the ferry", **({"cy": WELSH} | changes))


async def petition(bench: Bench) -> Petition:
    known = await bench.storage.history(FERRY)
    assert known is not None
    return known.petition


async def test_a_petition_is_told_in_the_readers_language(bench: Bench) -> None:
    await bench.begin(FERRY)
    kept = await petition(bench)
    english = card(kept, START, START)
    with speaking("cy"):
        welsh = card(kept, START, START)
    assert "Keep the ferry" in english.text
    assert "Cadwch y fferi" in welsh.text
    assert "Mae ei hangen arnom." in welsh.text
    assert "Keep the ferry" not in welsh.text
    assert any(f"/deisebau/{FERRY.id}" in (span.url or "") for span in welsh.spans)


async def test_what_does_not_change_is_asked_for_once(bench: Bench) -> None:
    await bench.begin(FERRY)
    await bench.pass_time(600)
    bench.site.edit(FERRY.id, signature_count=249)
    await bench.pass_time(600)
    assert bench.asked(PATH) == 1
    assert (await petition(bench)).worded("cy").action == "Cadwch y fferi"


async def test_what_is_written_anew_is_asked_for_again(bench: Bench) -> None:
    await bench.begin(FERRY)
    changed = {**WELSH, "action": "Cadwch y ddwy fferi"}
    bench.site.edit(FERRY.id, action="Keep both ferries", cy=changed)
    await bench.pass_time(180)
    assert bench.asked(PATH) == 2
    assert (await petition(bench)).worded("cy").action == "Cadwch y ddwy fferi"


@pytest.mark.parametrize("status", [404, 503])
async def test_a_silent_host_costs_a_request_in_ten_minutes_and_the_site_nothing(
    bench: Bench, status: int
) -> None:
    bench.site.fail("/deisebau", Fault(status=status))
    await bench.begin(FERRY)
    await bench.pass_time(900)
    assert bench.asked(PATH) == 2
    assert bench.asked(f"/petitions/{FERRY.id}.json") > 10
    assert bench.poller.failing_since("senedd") is None
    with speaking("cy"):
        assert "Keep the ferry" in card(await petition(bench), START, START).text


async def test_what_the_site_has_in_one_language_alone_is_told_in_that(bench: Bench) -> None:
    bench.site.put(FERRY.id, ferry(cy={"action": None, "background": "Mae ei hangen arnom."}))
    await bench.begin(FERRY)
    with speaking("cy"):
        told = card(await petition(bench), START, START).text
    assert "Keep the ferry" in told
    assert "Mae ei hangen arnom." in told


async def test_what_was_said_of_a_debate_is_told_in_the_readers_language(bench: Bench) -> None:
    await bench.begin(FERRY)
    debate = {
        "debated_on": "2025-03-12",
        "transcript_url": "https://record.senedd.wales/1",
        "video_url": None,
        "debate_pack_url": None,
        "overview": "They agreed.",
    }
    told = {**debate, "overview": "Cytunwyd.", "transcript_url": "https://cofnod.senedd.cymru/1"}
    when = START.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    bench.site.edit(FERRY.id, debate=debate, debate_outcome_at=when, cy={**WELSH, "debate": told})
    before = await bench.storage.history(FERRY)
    assert before is not None
    await bench.pass_time(180)
    claimed = await bench.storage.claim_deliveries(bench.hours.now(), 9, timedelta(minutes=1))
    (one,) = [each for each in claimed if "debated" in each.delivery.key]
    with speaking("cy"):
        message, _ = alert(one.known, one.occurrences, START, muted=False)
    assert "Cytunwyd." in message.text
    assert "They agreed." not in message.text
    assert any("cofnod.senedd.cymru" in (span.url or "") for span in message.spans)
