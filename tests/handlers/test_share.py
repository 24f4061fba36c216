"""Cards and links for other chats: inline mode, the Share button, mentions, files sent back."""

import json
from dataclasses import replace

import pytest
from bell import READER, TEA, Village, open_petition

from bot.app import running
from bot.config import LimitsConfig

CLUB = -100_777


async def _offered(village: Village, query: str) -> list[dict[str, object]]:
    asked = village.api.ask_inline(READER, query)
    answer = await village.api.wait_for(
        lambda api: next((a for a in api.answers if a.get("inline_query_id") == asked), None)
    )
    results: list[dict[str, object]] = answer["results"]
    return results


def _links(result: object) -> list[str]:
    assert isinstance(result, dict)
    rows = result["reply_markup"]["inline_keyboard"]
    return [button["url"] for row in rows for button in row]


async def test_a_number_typed_after_the_bots_name_offers_the_card_with_a_way_to_follow(
    village: Village,
) -> None:
    async with village.bell():
        (card,) = await _offered(village, str(TEA))
    assert card["title"] == "Free tea in every library"
    content = card["input_message_content"]
    assert isinstance(content, dict)
    assert "84" in content["message_text"]
    subscribe, opened = _links(card)
    assert subscribe.endswith(f"?start=p_uk_{TEA}")
    assert opened.endswith(f"/petitions/{TEA}")


async def test_the_link_of_a_shared_card_begins_a_subscription(village: Village) -> None:
    async with village.bell():
        (card,) = await _offered(village, str(TEA))
        payload = _links(card)[0].rpartition("start=")[2]
        asked = await village.reader.ask(f"/start {payload}", "I need to keep")
        assert "You're now following" in (await village.reader.consents(asked))["text"]


async def test_words_offer_what_the_site_finds_and_nothing_offers_what_one_follows(
    village: Village,
) -> None:
    village.site.put(700001, open_petition(action="Coffee in every school"))
    async with village.bell():
        assert [card["id"] for card in await _offered(village, "coffee")] == ["uk:700001"]
        assert await _offered(village, "") == []
        await village.reader.subscribes()
        assert [card["id"] for card in await _offered(village, "")] == [f"uk:{TEA}"]


async def test_nonsense_after_the_bots_name_offers_nothing_and_harms_nothing(
    village: Village,
) -> None:
    async with village.bell():
        for typed in ("zzzzzz", "9" * 200, "|<b>&", "x"):
            assert await _offered(village, typed) == []


@pytest.mark.parametrize("typed", ["SW1A 1AA", "sw1a1aa", "SW1A 1A"])
async def test_a_postcode_after_the_bots_name_is_not_searched_for(
    village: Village, typed: str
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        assert await _offered(village, typed) == []
        assert not [seen for seen in village.site.requests if "1a" in seen.path_qs.lower()]


async def test_the_share_button_offers_links_to_copy_and_the_card_for_another_chat(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        card = await village.reader.ask(f"/petition {TEA}")
        village.reader.tap(card, "Share")
        shared = await village.reader.hears("Share")
        buttons = [b for row in shared["reply_markup"]["inline_keyboard"] for b in row]
        copied = [b["copy_text"]["text"] for b in buttons if "copy_text" in b]
        assert any(f"p_uk_{TEA}" in text for text in copied)
        (chosen,) = [b for b in buttons if "switch_inline_query_chosen_chat" in b]
        assert chosen["switch_inline_query_chosen_chat"]["query"] == f"uk:{TEA}"


async def test_a_mention_where_the_bot_is_a_guest_is_answered_with_the_card(
    village: Village,
) -> None:
    async with village.bell():
        village.api.mention_as_guest(CLUB, READER, f"look at {TEA}")
        answer = await village.api.wait_for(
            lambda api: next((a for a in api.answers if "guest_query_id" in a), None)
        )
    assert answer["result"]["id"] == f"uk:{TEA}"


async def test_a_mention_without_a_petition_says_how_to_name_one(village: Village) -> None:
    async with village.bell():
        village.api.mention_as_guest(CLUB, READER, "")
        answer = await village.api.wait_for(
            lambda api: next((a for a in api.answers if "guest_query_id" in a), None)
        )
    assert "number" in answer["result"]["input_message_content"]["message_text"]


# --- the file of /mydata -------------------------------------------------------------------------


async def _taken(village: Village) -> bytes:
    village.reader.say("/mydata")
    message = await village.api.wait_for(
        lambda api: next((m for m in reversed(api.messages(READER)) if m.get("document")), None)
    )
    village.reader.read = message["message_id"]
    upload = village.api.file(message["document"]["file_id"])
    assert upload is not None
    return upload.content


async def test_what_was_forgotten_comes_back_with_the_file_after_a_new_consent(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        await reader.ask("/settings quiet 22:00-07:00")
        file = await _taken(village)
        asked = await reader.ask("/forget", "Delete everything I keep")
        reader.tap(asked, "Delete everything")
        await reader.sees_edit(asked, "Deleted")

        village.api.send_file(READER, "petition-bell-data.json", file)
        consent = await reader.hears("I need to keep")
        await reader.hears("send the file again")
        reader.agrees(consent)
        await reader.hears()
        village.api.send_file(READER, "petition-bell-data.json", file)
        await reader.hears("1 petition followed")
        assert "tea" in (await reader.ask("/subscriptions"))["text"]
        again = json.loads(await _taken(village))
        assert again["settings"] == json.loads(file)["settings"] != {}


async def test_a_file_that_is_none_of_ours_or_was_spoilt_changes_nothing(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        file = json.loads(await _taken(village))
        village.api.send_file(READER, "holiday.json", b'{"beach": true}')
        await reader.hears("I can't read this file")
        spoilt = json.dumps({**file, "settings": {"quiet": {"start": -5, "end": 0}}}).encode()
        village.api.send_file(READER, "petition-bell-data.json", spoilt)
        await reader.hears("Nothing has changed")
        assert json.loads(await _taken(village))["subscriptions"] == file["subscriptions"]


async def test_a_file_of_more_than_may_be_followed_is_taken_up_that_far(village: Village) -> None:
    reader, few = village.reader, LimitsConfig(subscriptions=2)
    async with running(replace(village.config(), limits=few)):
        await reader.subscribes()
        wanted = [{"petition": f"uk:{number}"} for number in range(TEA, TEA + 50)]
        file = json.dumps({"format": "petition-bell/1", "chat": READER, "subscriptions": wanted})
        village.api.send_file(READER, "petition-bell-data.json", file.encode())
        await reader.hears("49 petitions couldn't be followed")
        assert not village.site.seen(f"/petitions/{TEA + 2}.json")


async def test_a_file_that_was_tampered_with_keeps_nobody_else_from_hearing(
    village: Village,
) -> None:
    reader, other = village.reader, village.chat(5000)
    file = {"format": "petition-bell/1", "settings": {"snoozed_until": "2999-01-01T00:00:00"}}
    async with village.bell():
        await reader.subscribes()
        await other.subscribes()
        document = json.dumps({**file, "chat": READER}).encode()
        village.api.send_file(READER, "petition-bell-data.json", document)
        await reader.hears("Restored")
        village.site.edit(TEA, signature_count=10_002)
        await other.hears("🔔 10,002 signatures")
        await reader.hears("🔔 10,002 signatures")


async def test_a_petition_can_be_handed_on_by_command(village: Village) -> None:
    async with village.bell():
        shared = await village.reader.ask(f"/share {TEA}", "📤 Share Free tea")
        assert f"start=p_uk_{TEA}" in shared["text"]
