"""Several petitions sites at once: whatever is found says where, and one's silence is its own."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from bell import TEA, Conversation, Json, open_petition, utc_now
from parliaments import Parliaments, four_sites
from site_stand_in import Fault

from bot.app import running
from bot.demo.sister_shapes import jersey_petition
from bot.demo.world import PostcodesApi


@pytest.fixture
async def village(tmp_path: Path) -> AsyncIterator[Parliaments]:
    async with four_sites(tmp_path) as made:
        made.site.put(TEA, open_petition(action="Bees in every library"))
        yield made


async def test_a_search_finds_in_every_site_and_says_where(village: Parliaments) -> None:
    async with village.bell():
        found = await village.reader.ask("/search bees")
    lines = found["text"].splitlines()
    for title, site in (
        ("Bees in every library", "UK Parliament"),
        ("Bees in every Welsh park", "Senedd"),
        ("Bees in the glens", "Scottish Parliament"),
        ("Bees on every headland", "States Assembly"),
    ):
        assert any(title in line and f"· {site}" in line for line in lines), found["text"]


async def test_a_site_that_says_nothing_is_named_and_the_others_are_shown(
    village: Parliaments,
) -> None:
    village.senedd.fail("/petitions.json", Fault(status=503))
    async with village.bell():
        found = await village.reader.ask("/search bees", "Bees on every headland")
    assert "No answer at the moment from: Senedd." in found["text"]
    assert "Welsh park" not in found["text"]


async def test_what_is_signed_most_is_told_by_site_and_for_how_long(village: Parliaments) -> None:
    village.site.hourly = lambda: {TEA: 12}
    village.senedd.hourly = lambda: {245600: 34}
    async with village.bell():
        told = await village.reader.ask("/trending", "UK Parliament: Most signatures in the last")
    assert "Senedd: Most signatures in the last 24 hours" in told["text"]
    assert "+34  Bees in every Welsh park" in told["text"]
    assert not village.jersey.seen("/trending")


async def test_a_number_that_several_sites_have_is_asked_about(village: Parliaments) -> None:
    village.site.put(245600, open_petition(action="Bees at Westminster"))
    async with village.bell():
        asked = await village.reader.ask("/petition 245600", "Which petition do you want to see?")
        assert "Senedd" in asked["text"]
        assert "Bees at Westminster" in asked["text"]
        village.reader.tap(asked, "Senedd: Bees in every Welsh park")
        await village.reader.hears("Bees in every Welsh park")

        again = await village.reader.ask("follow 245600", "Which petition do you want to follow?")
        village.reader.tap(again, "Senedd: Bees in every Welsh park")
        await village.reader.consents(await village.reader.hears("I need to keep"))
        card = await village.reader.ask("245600", "Bees in every Welsh park")
        assert "Westminster" not in card["text"]
        await village.reader.ask("/milestones 245600 300", "300")


async def test_a_number_that_one_site_has_is_that_sites(village: Parliaments) -> None:
    async with village.bell():
        await village.reader.ask("/petition 200500", "Bees on every headland")
        await village.reader.ask("245600", "Bees in every Welsh park")
        await village.reader.ask(f"/petition {TEA}", "Bees in every library")
        await village.reader.ask("/petition 999999", "There's no petition 999999 on")


async def test_several_numbers_are_asked_about_at_every_site_that_has_them(
    village: Parliaments,
) -> None:
    village.site.put(245600, open_petition(action="Bees at Westminster"))
    village.site.put(200, open_petition(action="An early one"))
    village.jersey.put(200, jersey_petition(utc_now(), action="An early island"))
    for asked in ("follow 245600 and 200500", "/follow 245600, 200500"):
        async with village.bell():
            told = await village.reader.ask(asked, "Which petition do you want to follow?")
        found = {*labels(told)}
        assert "Senedd: Bees in every Welsh park" in found
        assert "UK Parliament: Bees at Westminster" in found
        assert "States Assembly: Bees on every headland" in found
        assert len(found) == 3
    async with village.bell():
        both = {"UK Parliament: An early one", "States Assembly: An early island"}
        for asked in ("/petition 200", "/mute 200", "/milestones 200 300", "/snooze 200 7d"):
            told = await village.reader.ask(asked, "Which petition")
            assert {*labels(told)} == both, asked
        told = await village.reader.ask("/settings 200 response off", "Which petition")
        told = await village.reader.ask("unsubscribe 200, 300", "do you want to unfollow")
        assert {*labels(told)} == both
        told = await village.reader.ask("/unfolow 200", "Did you mean")
        assert [label.rpartition(" · ")[2] for label in labels(told)] == [
            "UK Parliament",
            "Senedd",
            "States Assembly",
        ]
        told = await village.reader.ask("/petition 999999", "There's no petition 999999 on")
        assert village.jersey.url.split("://")[1] in told["text"]


async def test_what_is_followed_is_listed_with_its_site_and_is_meant_before_others(
    village: Parliaments,
) -> None:
    village.site.put(245600, open_petition(action="Bees at Westminster"))
    async with village.bell():
        await village.reader.consents(await village.reader.ask("/follow senedd:245600"))
        village.reader.unread()
        listed = await village.reader.ask("/list", "Bees in every Welsh park")
        assert "Senedd" in listed["text"]
        await village.reader.ask("/mute 245600", "will arrive silently")
        await village.reader.ask("/milestones 245600 300", "300")
        await village.reader.ask("/unfollow 245600", "Bees in every Welsh park")


async def test_a_number_in_another_chat_shows_the_petition_of_each_site(
    village: Parliaments,
) -> None:
    village.site.put(245600, open_petition(action="Bees at Westminster"))
    async with village.bell():
        asked = village.api.ask_inline(village.reader.chat_id, "245600")
        found = await village.api.wait_for(
            lambda api: next((a for a in api.answers if a.get("inline_query_id") == asked), None)
        )
        assert {each["title"] for each in found["results"]} == {
            "Bees at Westminster",
            "Bees in every Welsh park",
        }


def labels(message: Json) -> list[str]:
    return [key["text"] for row in message["reply_markup"]["inline_keyboard"] for key in row]


async def test_a_rule_names_its_site_and_can_be_made_for_another(village: Parliaments) -> None:
    async with village.bell():
        draft = await found_words(village.reader, "bees")
        assert "petitions mentioning bees (UK Parliament)" in draft["text"]
        assert {"Senedd instead", "Scottish Parliament instead"} <= {*labels(draft)}
        village.reader.tap(draft, "Senedd instead")
        moved = await village.reader.sees_edit(draft, r"bees \(Senedd\)")
        assert "Responses" not in labels(moved)
        assert "UK Parliament instead" in labels(moved)
        village.reader.tap(moved, "Save")
        agreed = await village.reader.sees_edit(draft, "I need to keep")
        village.reader.tap(agreed, "Follow it")
        await village.reader.sees_edit(draft, r"now following .*bees \(Senedd\)")


async def found_words(reader: Conversation, words: str) -> Json:
    """The draft of the rule about words, by the button beneath what is found."""
    found = await reader.ask(f"/follow {words}")
    reader.tap(found, "Follow these words")
    return await reader.hears("Follow")


async def test_what_can_be_followed_is_what_a_site_has(village: Parliaments) -> None:
    async with village.bell():
        at_westminster = await village.reader.ask("/follow", "UK Parliament")
        assert {"Department", "All responses", "Passing 100,000"} <= {*labels(at_westminster)}
        village.reader.tap(at_westminster, "Senedd")
        welsh = await village.reader.hears("Senedd")
        assert {"Topic", "Passing 250", "All debates"} <= {*labels(welsh)}
        assert not {"Department", "All responses"} & {*labels(welsh)}
        village.reader.tap(welsh, "States Assembly")
        jersey = await village.reader.hears("States Assembly")
        assert {"All responses", "Passing 1,000"} <= {*labels(jersey)}
        assert not {"Topic", "My constituency"} & {*labels(jersey)}
        village.reader.tap(jersey, "Passing 1,000")
        await village.reader.hears("petitions that pass 1,000 signatures (States Assembly)")


async def test_a_petition_is_told_in_the_readers_language_where_its_site_has_both(
    village: Parliaments,
) -> None:
    welsh, english = village.chat(61), village.chat(62)
    async with village.bell():
        for reader in (welsh, english):
            asked = await reader.ask("/follow senedd:245600")
            reader.agrees(asked)
            await reader.hears("Bees in every Welsh park")
        await welsh.ask("/settings language cy")
        card = await welsh.ask("/petition senedd:245600", "Gwenyn ym mhob parc")
        assert "Bees" not in card["text"]
        welsh_words = {"action": "Gwenyn ym mhob gardd"}
        village.senedd.edit(245600, action="Bees in every garden", cy=welsh_words)
        village.senedd.edit(245600, signature_count=255)
        await english.hears("Bees in every garden")
        await welsh.hears("Gwenyn ym mhob gardd")
    # Its words were read once, and once more when they had changed.
    assert len(village.senedd.seen("/deisebau/245600.json")) == 2


async def test_a_postcode_tells_its_seat_in_each_parliament(village: Parliaments) -> None:
    village.site.constituencies = {
        "W07000091": {
            "constituency": "Cardiff South and Penarth",
            "ons_code": "W07000091",
            "mp": "A. Member MP",
            "party": "Labour",
        }
    }
    sitting = [{"name": f"Aelod {n}", "party": "Plaid", "url": ""} for n in range(6)]
    penarth = {"id": "W09000053", "name": "Caerdydd Penarth", "region": None}
    village.senedd.places = [penarth | {"members": sitting}]
    region = {"id": "S17", "name": "North East", "members": [{"member": {"name": "B. Member MSP"}}]}
    donside = {"id": "S16000075", "name": "Aberdeen Donside", "region": region}
    village.scotland.places = [donside | {"member": {"name": "C. Member MSP", "party": "SNP"}}]
    placed = {"signatures_by_constituency": [{"name": "Aberdeen Donside", "signature_count": 3}]}
    village.scotland.edit(1450, **placed)
    async with (
        PostcodesApi(
            {"CF24 2BT": "W07000091", "AB22 8AA": "S14000060"},
            senedd={"CF24 2BT": "Caerdydd Penarth"},
            holyrood={"AB22 8AA": ("S16000075", "Aberdeen Donside")},
        ) as postcodes,
        village.bell(postcodes_api=postcodes.url),
    ):
        await village.reader.ask("CF24 2BT", "Cardiff South and Penarth")
        welsh = await village.reader.hears("Caerdydd Penarth")
        assert all(f"Aelod {n}, Plaid" in welsh["text"] for n in range(6))
        assert "signatures" not in welsh["text"]
        village.reader.tap(welsh, "Follow this constituency")
        await village.reader.hears("Caerdydd Penarth (Senedd)")

        scottish = await village.reader.ask("AB22 8AA", "Aberdeen Donside")
        assert "C. Member MSP, SNP" in scottish["text"] or "C. Member, SNP" in scottish["text"]
        assert "For the region North East:" in scottish["text"]
        assert "3  Bees in the glens" in scottish["text"]


async def test_a_parish_shows_what_is_signed_there_and_nobody_who_sits_for_it(
    village: Parliaments,
) -> None:
    village.jersey.places = [{"name": "St. Helier"}, {"name": "Trinity"}]
    here = {"signatures_by_parish": [{"name": "St. Helier", "signature_count": 4}]}
    village.jersey.edit(200500, **here)
    config = village.config()
    async with running(replace(config, sites=config.sites[3:])):
        for asked in ("/constituency St Helier", "st. helier", "/constituency St Hellier"):
            told = await village.reader.ask(asked)
            if "Did you mean" in told["text"]:
                village.reader.tap(told, "St. Helier")
                told = await village.reader.hears()
            assert "4  Bees on every headland" in told["text"], told["text"]
            assert "vacant" not in told["text"]
            assert "Follow this constituency" not in labels(told)
        await village.reader.ask("/constituency", "Which parish?")
        told = await village.reader.ask("Nowhere at all", "I can't find a parish")
        assert "postcode" not in told["text"]
        await village.reader.ask("JE2 3QA", "Try its name: /constituency St. Helier")


async def test_a_name_that_two_parliaments_have_shows_the_seat_of_each(
    village: Parliaments,
) -> None:
    name = "Airdrie and Shotts"
    village.site.constituencies = {
        "S14000061": {"constituency": name, "ons_code": "S14000061", "mp": "A. Member MP"}
    }
    village.scotland.places = [{"id": "S16000079", "name": name, "member": None, "region": None}]
    async with village.bell():
        for asked in (f"/constituency {name}", name, "/constituency Airdry and Shots"):
            first = await village.reader.ask(asked, name)
            other = await village.reader.hears(name)
            told = {each["text"].splitlines()[0] for each in (first, other)}
            assert told == {f"📍 {name} · UK Parliament", f"📍 {name} · Scottish Parliament"}


async def test_who_sits_for_a_place_is_told_in_the_readers_language(village: Parliaments) -> None:
    members = [{"name": f"Member {n}", "party": "Welsh Green Party", "url": ""} for n in range(6)]
    welsh = [{"name": f"Aelod {n}", "party": "Plaid Werdd Cymru", "url": ""} for n in range(6)]
    clwyd = {"id": "W09000056", "name": "Clwyd", "region": None, "members": members}
    village.senedd.places = [clwyd | {"cy": {"members": welsh}}]
    signed = [{"id": "W09000056", "name": "Clwyd", "signature_count": 3}]
    village.senedd.edit(245600, signatures_by_constituency=signed)
    async with village.bell():
        told = await village.reader.ask("/constituencies senedd:245600 Clwyd", "1. Clwyd")
        assert all(f"Member {n}, Welsh Green Party" in told["text"] for n in range(6))
        await village.reader.consents(await village.reader.ask("/follow senedd:245600"))
        await village.reader.ask("/settings language cy")
        told = await village.reader.ask("/constituency Clwyd", "Clwyd")
        assert all(f"Aelod {n}, Plaid Werdd Cymru" in told["text"] for n in range(6))
        assert len(village.senedd.seen("/etholaethau.json")) == 1


async def test_what_is_found_and_what_trends_is_in_the_readers_language(
    village: Parliaments,
) -> None:
    village.senedd.hourly = lambda: {245600: 34}
    async with village.bell():
        await village.reader.consents(await village.reader.ask("/follow senedd:245600"))
        await village.reader.ask("/settings language cy")
        for asked in ("/search bees", "/search gwenyn", "/trending"):
            told = await village.reader.ask(asked, "Gwenyn ym mhob parc")
            assert "Bees in every Welsh park" not in told["text"]
        # The other host may be away; the site is not.
        village.senedd.fail("/deisebau.json", Fault(status=503))
        village.senedd.fail("/tueddiadau.json", Fault(status=503))
        await village.reader.ask("/search park", "Bees in every Welsh park")
        told = await village.reader.ask("/trending", "Bees in every Welsh park")
