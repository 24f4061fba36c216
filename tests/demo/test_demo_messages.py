"""What a bot sends to the demo's Bot API: texts, buttons, edits, files."""

import pytest
from demo_bot_api import GROUP, ME, NOW, keys, png
from demo_bot_api import api as api
from demo_bot_api import bot as bot
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReplyParameters,
)
from telegram.error import BadRequest
from telegram_stand_in import BotApi

from bot.demo.formatting import Unparsable, found_in, parse_html

# Sending


async def test_a_message_arrives_as_it_was_sent(api: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(
        ME,
        "<b>10,000 signatures</b> &amp; more\n<blockquote expandable>All of it</blockquote>",
        parse_mode="HTML",
        disable_notification=True,
        protect_content=True,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        reply_markup=keys([("Open", "o"), ("Mute", "m")]),
    )
    assert isinstance(sent, Message)
    assert sent.date == NOW
    message = await api.next_message(ME)
    assert message["text"] == "10,000 signatures & more\nAll of it"
    assert message["entities"] == [
        {"type": "bold", "offset": 0, "length": 17},
        {"type": "expandable_blockquote", "offset": 25, "length": 9},
    ]
    assert message["has_protected_content"]
    assert api.is_silent(ME, sent.message_id)
    assert api.calls_to("sendMessage")[0]["disable_notification"] is True


async def test_an_ordinary_message_makes_a_sound(api: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ME, "Hello")
    assert not api.is_silent(ME, sent.message_id)
    assert "has_protected_content" not in api.messages(ME)[0]


async def test_text_is_trimmed_and_its_entities_move_along(api: BotApi, bot: Bot) -> None:
    bold = MessageEntity("bold", 2, 4)
    sent = await bot.send_message(ME, "\n\nBell  \n", entities=[bold])
    assert sent.text == "Bell"
    assert (sent.entities[0].offset, sent.entities[0].length) == (0, 4)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Message text is empty"),
        (" \n ", "Text must be non-empty"),
        ("x" * 4097, "Message is too long"),
        ("🔔" * 2049, "Message is too long"),
    ],
)
async def test_a_text_of_the_wrong_length_is_refused(bot: Bot, text: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        await bot.send_message(ME, text)


@pytest.mark.parametrize("text", ["x" * 4096, "🔔" * 2048])
async def test_the_longest_text_is_accepted(bot: Bot, text: str) -> None:
    assert (await bot.send_message(ME, text)).text == text


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        (MessageEntity("bold", 0, 1), "ends in a middle of a utf-16 symbol at byte offset 4"),
        (MessageEntity("bold", 1, 2), "begins in a middle of a utf-16 symbol"),
        (MessageEntity("bold", 9, 1), "begins after the end of the text"),
        (MessageEntity("bold", 2, 99), "ends after the end of the text"),
    ],
)
async def test_an_entity_beside_the_characters_is_refused(
    bot: Bot, entity: MessageEntity, reason: str
) -> None:
    with pytest.raises(BadRequest, match=reason):
        await bot.send_message(ME, "🔔 bell", entities=[entity])


async def test_only_the_first_hundred_entities_are_kept(bot: Bot) -> None:
    entities = [MessageEntity("bold", 2 * index, 1) for index in range(120)]
    assert len((await bot.send_message(ME, "x " * 120, entities=entities)).entities) == 100


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<b>bold", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<h1>big</h1>", 'Unsupported start tag "h1" at byte offset 0'),
        ("é</b>", "Unexpected end tag at byte offset 2"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("1 < 2", "Unclosed start tag at byte offset 2"),
        ("<span>x</span>", 'Unsupported start tag "span"'),
    ],
)
async def test_broken_html_is_refused(bot: Bot, source: str, reason: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await bot.send_message(ME, source, parse_mode="HTML")
    assert str(refused.value).startswith(f"Can't parse entities: {reason.lower()}")


def test_html_becomes_text_and_entities() -> None:
    text, entities = parse_html(
        '🔔 <a href="https://x.uk?a=1&amp;b=2">a<i>b</i></a> <tg-spoiler>c</tg-spoiler>'
        "<s>d</s><u>e</u> <pre><code class='language-py'>f</code></pre> &lt;&#33;&quot; &nope;"
    )
    assert text == '🔔 ab cde f <!" &nope;'
    assert [(entity["type"], entity["offset"], entity["length"]) for entity in entities] == [
        ("text_link", 3, 2),
        ("italic", 4, 1),
        ("spoiler", 6, 1),
        ("strikethrough", 7, 1),
        ("underline", 8, 1),
        ("pre", 10, 1),
    ]
    assert entities[0]["url"] == "https://x.uk?a=1&b=2"


def test_a_tag_without_end_is_unparsable() -> None:
    with pytest.raises(Unparsable):
        parse_html("<b")


def test_commands_and_links_are_recognised_where_they_stand_alone() -> None:
    text = "🔔 /petition@Bell_bot 3, see petition.parliament.uk/x. Not a/b nor 1/2 nor x@y.uk"
    spotted = [
        (entity["type"], text.encode("utf-16-le")[entity["offset"] * 2 :][: entity["length"] * 2])
        for entity in found_in(text, [])
    ]
    assert [(kind, piece.decode("utf-16-le")) for kind, piece in spotted] == [
        ("bot_command", "/petition@Bell_bot"),
        ("url", "petition.parliament.uk/x"),
    ]


async def test_a_stranger_cannot_be_written_to(bot: Bot) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(999, "Hello")


async def test_replies_quote_a_message_that_is_there(api: BotApi, bot: Bot) -> None:
    first = await bot.send_message(ME, "First")
    reply = await bot.send_message(
        ME, "Second", reply_parameters=ReplyParameters(first.message_id, quote="Fir")
    )
    assert reply.reply_to_message is not None
    assert reply.reply_to_message.text == "First"
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(ME, "Third", reply_parameters=ReplyParameters(77))
    lenient = ReplyParameters(77, allow_sending_without_reply=True)
    assert (await bot.send_message(ME, "Third", reply_parameters=lenient)).reply_to_message is None


async def test_a_topic_takes_messages_until_it_is_gone(api: BotApi, bot: Bot) -> None:
    api.add_chat(GROUP, "supergroup", title="Group")
    api.say(GROUP, "hello", thread_id=7)
    assert (await bot.send_message(GROUP, "x", message_thread_id=7)).message_thread_id == 7
    api.remove_topic(GROUP, 7)
    with pytest.raises(BadRequest, match="Message thread not found"):
        await bot.send_message(GROUP, "x", message_thread_id=7)


# Buttons


@pytest.mark.parametrize("data", ["x" * 65, "é" * 33])
async def test_button_data_above_64_bytes_is_refused(bot: Bot, data: str) -> None:
    with pytest.raises(BadRequest, match="Button_data_invalid"):
        await bot.send_message(ME, "x", reply_markup=keys([("Key", data)]))


async def test_button_data_of_64_bytes_is_accepted(bot: Bot) -> None:
    assert (await bot.send_message(ME, "x", reply_markup=keys([("Key", "é" * 32)]))).reply_markup


async def test_a_button_s_address_must_be_one(bot: Bot) -> None:
    def markup(url: str) -> InlineKeyboardMarkup:
        return InlineKeyboardMarkup([[InlineKeyboardButton("Open", url=url)]])

    with pytest.raises(BadRequest, match="wrong http url"):
        await bot.send_message(ME, "x", reply_markup=markup("not an address"))
    sent = await bot.send_message(ME, "x", reply_markup=markup("http://127.0.0.1:80/petitions/1"))
    assert sent.reply_markup is not None


async def test_a_pressed_button_reaches_the_bot_and_is_answered_once(api: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ME, "x", reply_markup=keys([("Mute it", "mute:1")]))
    api.tap(ME, sent.message_id, "Mute it")
    (update,) = await bot.get_updates()
    query = update.callback_query
    assert query is not None
    assert (query.data, query.from_user.id) == ("mute:1", ME)
    assert isinstance(query.message, Message)
    await bot.answer_callback_query(query.id, "will arrive silently", show_alert=True)
    assert [(answer["text"], answer["show_alert"]) for answer in api.answers] == [
        ("will arrive silently", True)
    ]
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(query.id)


async def test_a_press_left_too_long_cannot_be_answered(api: BotApi, bot: Bot) -> None:
    query_id = api.press(ME, 1, "x")
    api.expire_queries()
    with pytest.raises(BadRequest, match="Query is too old"):
        await bot.answer_callback_query(query_id)


async def test_a_button_under_a_deleted_message_can_still_be_pressed(api: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ME, "x", reply_markup=keys([("Key", "k")]))
    await bot.delete_message(ME, sent.message_id)
    api.press(ME, sent.message_id, "k")
    (update,) = await bot.get_updates()
    assert update.callback_query is not None
    assert update.callback_query.message is not None
    assert not update.callback_query.message.is_accessible


def test_there_is_no_tapping_a_button_that_is_not_there() -> None:
    api = BotApi()
    message_id = api.say(ME, "x")
    with pytest.raises(LookupError):
        api.tap(ME, message_id, "Key")


# Editing


async def test_an_edit_replaces_text_and_keyboard(api: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ME, "Before", reply_markup=keys([("Key", "k")]))
    await bot.edit_message_text("After", ME, sent.message_id)
    (message,) = api.messages(ME)
    assert message["text"] == "After"
    assert "reply_markup" not in message
    assert message["edit_date"] == int(NOW.timestamp())


async def test_a_new_keyboard_alone_does_not_mark_the_message_as_edited(
    api: BotApi, bot: Bot
) -> None:
    sent = await bot.send_message(ME, "x")
    await bot.edit_message_reply_markup(ME, sent.message_id, reply_markup=keys([("Key", "k")]))
    (message,) = api.messages(ME)
    assert message["reply_markup"]["inline_keyboard"][0][0]["text"] == "Key"
    assert "edit_date" not in message


async def test_an_edit_that_changes_nothing_is_refused(bot: Bot) -> None:
    sent = await bot.send_message(
        ME, "<b>x</b>", parse_mode="HTML", reply_markup=keys([("K", "k")])
    )
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text(
            "<b>x</b>", ME, sent.message_id, parse_mode="HTML", reply_markup=keys([("K", "k")])
        )
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_reply_markup(ME, sent.message_id, reply_markup=keys([("K", "k")]))


async def test_what_is_not_there_or_not_the_bot_s_cannot_be_edited(api: BotApi, bot: Bot) -> None:
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("x", ME, 77)
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("x", ME, api.say(ME, "mine"))
    sent = await bot.send_message(ME, "x")
    with pytest.raises(BadRequest, match="Message_too_long"):
        await bot.edit_message_text("x" * 4097, ME, sent.message_id)
    with pytest.raises(BadRequest, match="no caption in the message"):
        await bot.edit_message_caption(ME, sent.message_id, caption="x")


async def test_a_deleted_message_is_gone(api: BotApi, bot: Bot) -> None:
    sent = await bot.send_message(ME, "x")
    await bot.delete_message(ME, sent.message_id)
    assert api.messages(ME) == []
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(ME, sent.message_id)


# Files


async def test_a_picture_keeps_its_size_and_caption_and_can_be_sent_again(
    api: BotApi, bot: Bot
) -> None:
    sent = await bot.send_photo(ME, png(640, 300), caption="<i>A curve</i>", parse_mode="HTML")
    assert (sent.photo[0].width, sent.photo[0].height) == (640, 300)
    assert sent.caption == "A curve"
    again = await bot.send_photo(ME, sent.photo[0].file_id)
    assert again.photo[0].width == 640
    await bot.edit_message_caption(ME, sent.message_id, caption="Another")
    assert api.messages(ME)[0]["caption"] == "Another"
    with pytest.raises(BadRequest, match="no text in the message"):
        await bot.edit_message_text("x", ME, sent.message_id)


@pytest.mark.parametrize(
    ("content", "caption", "reason"),
    [
        (b"no picture", "", "Image_process_failed"),
        (png(3000, 10), "", "Photo_invalid_dimensions"),
        (png(6000, 5000), "", "Photo_invalid_dimensions"),
        (png(64, 64), "x" * 1025, "Message caption is too long"),
    ],
)
async def test_a_bad_picture_is_refused(
    bot: Bot, content: bytes, caption: str, reason: str
) -> None:
    with pytest.raises(BadRequest, match=reason):
        await bot.send_photo(ME, content, caption=caption)


async def test_a_document_can_be_fetched_back(api: BotApi, bot: Bot) -> None:
    sent = await bot.send_document(ME, b'{"a":1}', filename="mydata.json", caption="x" * 1024)
    assert sent.document is not None
    assert (sent.document.file_name, sent.document.file_size) == ("mydata.json", 7)
    file = await bot.get_file(sent.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b'{"a":1}'
    with pytest.raises(BadRequest, match="Invalid file_id"):
        await bot.get_file("nonsense")


async def test_a_person_s_file_reaches_the_bot(api: BotApi, bot: Bot) -> None:
    api.send_file(ME, "list.csv", b"1\n2\n")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None
    file = await update.message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"1\n2\n"
