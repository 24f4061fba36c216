"""What a press has changed is said by the message too, not by a note that passes alone."""

from bell import TEA, Json, Village

from bot.demo.messenger import buttons_of

SILENT = "🔕 This petition's alerts arrive without sound from now on."
AGAIN = "🔔 This petition's alerts arrive with sound again."


def links_in(message: Json) -> list[str]:
    return [each["url"] for each in message["entities"] if each["type"] == "text_link"]


async def test_a_message_says_beneath_what_it_said_that_its_petition_is_silent(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        began = await reader.subscribes()
        reader.tap(began, "Make silent")
        silent = await reader.sees_edit(began, SILENT)
        assert silent["text"] == f"{began['text']}\n\n{SILENT}"
        assert links_in(silent) == links_in(began) != []
        reader.tap(silent, "Turn sound on")
        again = await reader.sees_edit(silent, AGAIN)
        assert again["text"] == f"{began['text']}\n\n{AGAIN}"
        assert "Make silent" in [key["text"] for key in buttons_of(again)]


async def test_a_card_shows_it_in_its_own_line_and_an_answer_in_its_own_words(
    village: Village,
) -> None:
    reader = village.reader
    async with village.bell():
        await reader.subscribes()
        card = await reader.ask(f"/petition {TEA}", "✅ You're following this petition.")
        reader.tap(card, "Make silent")
        card = await reader.sees_edit(card, "You're following this petition .silent.")
        assert SILENT not in card["text"]
        said = await reader.ask(f"/unmute {TEA}", "Sound is on again for")
        reader.tap(said, "Make silent")
        said = await reader.sees_edit(said, "will arrive silently")
        assert "Sound is on" not in said["text"]


async def test_a_message_whose_petition_is_not_followed_says_nothing_new(village: Village) -> None:
    reader = village.reader
    async with village.bell():
        began = await reader.subscribes()
        await reader.ask(f"/unfollow {TEA}", "You've unfollowed")
        note = await reader.sees_note(reader.tap(began, "Make silent"))
        assert note == "You're not following this petition."
        assert began in village.api.messages(reader.chat_id)
