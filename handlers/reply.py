"""Answers a person: with a message where they spoke, an edit, a note, a question, a file."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import TypeVar

import structlog
from telegram import CallbackQuery, ForceReply, InputFile, ReplyParameters, Update
from telegram import Message as TelegramMessage
from telegram.constants import ChatAction, ChatType
from telegram.error import BadRequest, Forbidden, TelegramError

from bot.messages.buttons import Button, Keyboard
from bot.messages.chat import groups
from bot.messages.chat.conversation import Question, cancel_button
from bot.messages.chat.errors import no_files, no_pictures
from bot.messages.i18n import tr
from bot.messages.message import Message, clean, split
from bot.telegram import render
from bot.telegram.errors import is_lost, is_no_media, is_no_topic, is_unchanged
from handlers.context import GROUPS, Context, is_private, target
from handlers.open_questions import OpenQuestion

log = structlog.get_logger(__name__)

_SILENT_FOR = 1.0  # seconds that nothing may be seen to happen
_TYPES_FOR = 5.0  # as long as Telegram shows it

_Buttons = TypeVar("_Buttons", Keyboard | None, Keyboard | ForceReply | None)

# A list that a press begins and what it leads to adds to, in whichever task that runs.
_asides: ContextVar[list[str] | None] = ContextVar("asides", default=None)


# By chat: the last answer that can be undone.
_undoable: ContextVar[MutableMapping[int, tuple[Message, Keyboard]] | None] = ContextVar(
    "undoable", default=None
)


def note_what_can_be_undone(kept: MutableMapping[int, tuple[Message, Keyboard]]) -> None:
    """Has the answers of this update that have an Undo kept in `kept`, for `/undo`."""
    _undoable.set(kept)


def note_undo(update: Update, message: Message, buttons: Keyboard | ForceReply | None) -> None:
    """Keep an answer with a way back for whoever says "undo"; what is undone has none."""
    kept, chat, query = _undoable.get(), update.effective_chat, update.callback_query
    if kept is None or chat is None:
        return
    _, shown = kept.get(chat.id, (None, ()))
    if query and any(key.press == query.data for row in shown for key in row):
        del kept[chat.id]  # it is being undone
    if buttons is None or isinstance(buttons, ForceReply):
        return
    ways_back = [key for row in buttons for key in row if key.text == tr("Undo")]
    if ways_back:
        kept[chat.id] = message, [ways_back]


def collect_asides() -> list[str]:
    """Return a list that gathers what is said in passing from now on, for the press's note."""
    asides: list[str] = []
    _asides.set(asides)
    return asides


async def acknowledge(query: CallbackQuery, note: str | None, *, alert: bool = False) -> None:
    """Stop the button's spinner; a press that can't be answered is nobody's loss.

    An alert stays until it is closed; any other note passes by. Telegram takes one answer to a
    press: where it had one without a note, or none arrives, the note is said aloud. That the press
    is too old to be answered is no failure.
    """
    if _acknowledged.get() == query.id:
        if note:
            await _say_aloud(query, note)
        return
    _acknowledged.set(query.id)
    try:
        await query.answer(clean(note)[:200] if note else None, show_alert=alert)
    except TelegramError as error:
        log.debug("a press could not be acknowledged", error=type(error).__name__)
        if note and is_lost(error):
            with suppress(TelegramError):
                await _say_aloud(query, note)


_acknowledged: ContextVar[str] = ContextVar("acknowledged", default="")


def was_acknowledged(update: Update) -> None:
    """Note that this update's press had its answer while it waited for its turn."""
    if update.callback_query:
        _acknowledged.set(update.callback_query.id)


async def _say_aloud(query: CallbackQuery, note: str) -> None:
    if query.message and query.message.chat.type == ChatType.CHANNEL:
        return  # everybody would read it
    update = Update(0, callback_query=query)
    update.set_bot(query.get_bot())
    await answer(update, Message(note))


@asynccontextmanager
async def typing(update: Update) -> AsyncIterator[None]:
    """Show that something is under way, once a second has passed in which nothing was seen."""
    task = asyncio.create_task(_type(update))
    try:
        yield
    finally:
        task.cancel()


async def _type(update: Update) -> None:
    chat, topic = update.effective_chat, _topic(update.effective_message)
    wait = _SILENT_FOR
    while chat is not None:
        await asyncio.sleep(wait)
        with suppress(TelegramError):
            await update.get_bot().send_chat_action(
                chat.id, ChatAction.TYPING, message_thread_id=topic
            )
        wait = _TYPES_FOR


async def answer(
    update: Update, message: Message, buttons: Keyboard | ForceReply | None = None
) -> TelegramMessage | None:
    """Say something where the person spoke: same chat, same topic; in parts if it is long."""
    chat, source = update.effective_chat, update.effective_message
    if chat is None:
        return None
    sent = None
    message, buttons = _addressed(message, buttons)
    note_undo(update, message, buttons)
    markup = buttons if isinstance(buttons, ForceReply) else render.keyboard(buttons)
    parts = split(message)
    for part in parts:
        send = partial(
            update.get_bot().send_message,
            chat.id,
            part.text,
            entities=render.entities(part),
            reply_markup=markup if part is parts[-1] else None,
            reply_parameters=_reply_to(update, source) if part is parts[0] else None,
            link_preview_options=render.NO_PREVIEW,
        )
        sent = await _in_topic(send, _topic(source))
    return sent


def expect(update: Update, context: Context, command: str, before: str = "") -> None:
    """Wait for an answer to what a page in a private chat asks; nothing else is taken for one."""
    chat, user, services = update.effective_chat, update.effective_user, context.services
    if chat and user and is_private(update):
        other = target()
        asked = OpenQuestion(command, before, services.now(), other.id if other else None, True)
        services.questions.open(chat.id, user.id, asked)


async def ask(
    update: Update,
    context: Context,
    question: Question,
    command: str,
    before: str = "",
    *,
    rows: Sequence[Sequence[Button]] = (),
) -> None:
    """Ask something: for ten minutes, what that person says next is read behind the command.

    `before` is what stands between the two; `rows` are answers that a press can give.
    """
    chat, user, services = update.effective_chat, update.effective_user, context.services
    if chat is None:
        return
    if user is not None:
        other = target()
        asked = OpenQuestion(command, before, services.now(), other.id if other else None)
        services.questions.open(chat.id, user.id, asked)
    if is_private(update):
        keys = [*rows, [cancel_button()]]
        await answer(update, question.message, keys)
        return
    if rows:
        await answer(update, question.message, list(rows))
        return
    reply = render.reply_field(question.example, selective=update.message is not None)
    await answer(update, question.message, reply if user else None)


async def ask_for_consent(
    update: Update, context: Context, message: Message, buttons: Keyboard
) -> None:
    """Ask whether anything may be kept; what else was asked for waits for that very question."""
    sent = await answer(update, message, buttons)
    if sent is not None:
        context.services.consent_asked[sent.chat_id] = sent.message_id


async def send_file(update: Update, name: str, content: bytes, *, caption: str) -> None:
    """Send a file where the person spoke; a chat that takes none is told so."""
    chat = update.effective_chat
    if chat is None:
        return
    try:
        await update.get_bot().send_document(
            chat.id,
            InputFile(content, name),
            caption=caption,
            message_thread_id=topic_of(update.effective_message),
        )
    except (BadRequest, Forbidden) as error:
        if not is_no_media(error.message):
            raise
        await answer(update, no_files())


async def send_picture(update: Update, png: bytes, *, caption: Message) -> None:
    """Send a picture where the person spoke; a chat that takes none is told what it shows."""
    chat = update.effective_chat
    if chat is None:
        return
    try:
        await update.get_bot().send_photo(
            chat.id,
            png,
            caption=caption.text,
            caption_entities=render.entities(caption),
            message_thread_id=topic_of(update.effective_message),
        )
    except (BadRequest, Forbidden) as error:
        if not is_no_media(error.message):
            raise
        await answer(update, no_pictures(caption.text))


async def point_at(update: Update, chat_id: int, message_id: int, words: str) -> bool:
    """Say something whose tap leads to an earlier message; False if that is there no more."""
    try:
        await update.get_bot().send_message(
            chat_id,
            words,
            message_thread_id=topic_of(update.effective_message),
            reply_parameters=ReplyParameters(message_id),
        )
    except BadRequest:
        return False  # somebody deleted it, which nobody tells a bot
    return True


async def whisper(update: Update, message: Message, buttons: Keyboard | None = None) -> None:
    """Say something that in a group only the person who asked sees, where Telegram can do that.

    Its buttons must be addresses: nobody can press any other under such a message for long.
    """
    chat, person, source = update.effective_chat, update.effective_user, update.effective_message
    if chat is None or person is None or chat.type not in GROUPS:
        await answer(update, message, buttons)
        return
    send = partial(
        update.get_bot().send_message,
        chat.id,
        message.text,
        entities=render.entities(message),
        reply_markup=render.keyboard(buttons),
        # Newer than what python-telegram-bot names; a server that does not know it ignores it.
        api_kwargs={"ephemeral_message_parameters": {"receiver_user_id": person.id}},
    )
    try:
        await _in_topic(send, _topic(source))
    except BadRequest:
        await answer(update, message, buttons)


async def _in_topic(
    send: Callable[..., Awaitable[TelegramMessage]], topic: int | None
) -> TelegramMessage:
    """Send it into the topic, or to the chat itself if the topic was closed meanwhile."""
    try:
        return await send(message_thread_id=topic)
    except BadRequest as error:
        if topic is None or not is_no_topic(error.message):
            raise
        return await send(message_thread_id=None)


async def rewrite(update: Update, message: Message, buttons: Keyboard | None = None) -> None:
    """Change the message whose button was pressed; what it cannot be made to say is said anew.

    By then what the press asked for is done, so that somebody who pressed must hear of it.
    """
    query = update.callback_query
    if query is None:
        return
    named, its_buttons = _addressed(message, buttons)
    note_undo(update, named, its_buttons)
    if render.says(query.message, named, its_buttons):
        if (asides := _asides.get()) is not None:
            asides.append(tr("It's like that already."))
        return
    try:
        await query.edit_message_text(
            named.text,
            entities=render.entities(named),
            reply_markup=render.keyboard(its_buttons),
            link_preview_options=render.NO_PREVIEW,
        )
    except TelegramError as error:
        if is_unchanged(error.message):
            return  # pressed twice, or an edit that was taken once its answer was lost
        log.debug("a message could not be rewritten", error=type(error).__name__)
        await answer(update, message, buttons)


async def add_to(
    update: Update, add: Callable[[Message], Message], buttons: Keyboard | None
) -> None:
    """Add to the message that was pressed what the press has changed; a note says it as well."""
    query, other = update.callback_query, target()
    shown = render.read_message(update.effective_message)
    if query is None or shown is None:
        return
    added = add(shown)
    if other and buttons is not None:
        buttons = groups.for_chat(buttons, other.id)
    with suppress(TelegramError):
        await query.edit_message_text(
            added.text,
            entities=render.entities(added),
            reply_markup=render.keyboard(buttons),
            link_preview_options=render.NO_PREVIEW,
        )


def _addressed(message: Message, buttons: _Buttons) -> tuple[Message, _Buttons]:
    """Say on whose behalf, where that is not plain; the buttons act on the same chat's behalf."""
    other = target()
    if other is None:
        return message, buttons
    if buttons is not None and not isinstance(buttons, ForceReply):
        buttons = groups.for_chat(buttons, other.id)
    return groups.on_behalf(other.title, message), buttons


def topic_of(message: object) -> int | None:
    """Return the forum topic a message was written in, None if none of the chat it is about."""
    return None if target() else _topic(message)


def _topic(message: object) -> int | None:
    if isinstance(message, TelegramMessage) and message.is_topic_message:
        return message.message_thread_id
    return None


def _reply_to(update: Update, source: object) -> ReplyParameters | None:
    """Return what an answer hangs on: the question in a group, nothing in a private chat."""
    chat = update.effective_chat
    in_group = chat is not None and chat.type in GROUPS
    if in_group and isinstance(source, TelegramMessage) and update.message is not None:
        return ReplyParameters(source.message_id, allow_sending_without_reply=True)
    return None
