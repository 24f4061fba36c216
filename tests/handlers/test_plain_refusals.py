"""What a chat does not take is said in words, and nothing is edited into what it is already."""

from bell import READER, TEA, Village

FORBIDDEN = "Bad Request: not enough rights to send {} to the chat"
CLUB, ADMIN = -100, 7


async def test_a_chat_without_pictures_is_told_in_words_what_the_chart_shows_and_no_other(
    village: Village,
) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.api.refuse(READER, 400, FORBIDDEN.format("photos"), method="sendPhoto")
        village.reader.say(f"/chart {TEA}")
        told = await village.reader.hears("doesn't let me send pictures", timeout=40)
        assert "went wrong" not in told["text"]
        assert "signatures" in told["text"]
        # Another refusal of the same picture is not taken for that.
        village.api.refuse(READER, 400, "Bad Request: PHOTO_INVALID_DIMENSIONS", method="sendPhoto")
        village.reader.say(f"/chart {TEA}")
        await village.reader.hears("went wrong", timeout=40)


async def test_a_chat_without_files_is_told_so(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        village.api.refuse(READER, 400, FORBIDDEN.format("documents"), method="sendDocument")
        await village.reader.ask("/mydata", "doesn't let me send files")


async def test_a_chat_without_files_is_told_so_of_a_table(village: Village) -> None:
    seats = [{"name": "Holborn", "ons_code": "E14001290", "mp": "A", "signature_count": 12}]
    village.site.edit(TEA, signatures_by_constituency=seats)
    async with village.bell():
        table = await village.reader.ask(f"/constituencies {TEA}", "Holborn")
        village.api.refuse(READER, 400, FORBIDDEN.format("documents"), method="sendDocument")
        village.reader.tap(table, "Download CSV")
        await village.reader.hears("doesn't let me send files")
        village.reader.tap(table, "Download CSV")
        await village.api.wait_for(
            lambda api: any("document" in each for each in api.messages(READER)) or None
        )


async def test_choosing_what_is_chosen_already_edits_nothing_and_says_so(village: Village) -> None:
    async with village.bell():
        await village.reader.subscribes()
        page = await village.reader.ask("/settings quiet off")
        chosen = next(
            key
            for row in page["reply_markup"]["inline_keyboard"]
            for key in row
            if "✓" in key["text"]
        )
        edits = len(village.api.calls_to("editMessageText"))
        query = village.api.press(READER, page["message_id"], chosen["callback_data"])
        assert "already" in await village.reader.sees_note(query)
        assert len(village.api.calls_to("editMessageText")) == edits


async def test_who_follows_in_another_topic_is_told_that_alerts_come_there(
    village: Village,
) -> None:
    village.api.add_chat(CLUB, "supergroup", title="Club")
    village.api.add_member(CLUB, ADMIN, "administrator")
    for topic in (11, 12):
        village.api.add_topic(CLUB, topic)
    club = village.chat(CLUB)
    async with village.bell():
        await club.ask(f"/subscribe {TEA}", "is now following", user_id=ADMIN, thread_id=11)
        there = await club.ask(f"/subscribe {TEA}", "another topic", user_id=ADMIN, thread_id=12)
        here = await club.ask(f"/subscribe {TEA}", "since", user_id=ADMIN, thread_id=11)
        assert "another topic" not in here["text"]
        assert there["message_thread_id"] == 12
