"""What every handler works with: the typed context, the services behind it, and how to answer."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar

import structlog
from cachetools import LRUCache, TTLCache
from telegram import (
    Bot,
    CallbackQuery,
    ForceReply,
    ReplyParameters,
    Update,
    User,
)
from telegram import (
    Chat as TelegramChat,
)
from telegram import (
    Message as TelegramMessage,
)
from telegram.constants import ChatAction, ChatType
from telegram.error import BadRequest, TelegramError
from telegram.ext import (
    BaseHandler,
    CallbackContext,
    CallbackQueryHandler,
    CommandHandler,
    ExtBot,
    filters,
)

from bot.charts import Charts
from bot.config import LimitsConfig
from bot.messages.buttons import Button, Keyboard, Press
from bot.messages.chat import groups
from bot.messages.chat.about import CommandHelp
from bot.messages.chat.conversation import Question, cancel_button
from bot.messages.chat.errors import old_button
from bot.messages.i18n import ENGLISH, LANGUAGES, tr
from bot.messages.message import Message, compose, split
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.reference import find_reference
from bot.polling.lookup import Looker
from bot.polling.members_api import Members
from bot.polling.petitions_api import PetitionsApi
from bot.polling.postcodes_api import Postcodes
from bot.polling.status_reports import StatusReports
from bot.subscriptions.subscription import Chat
from bot.telegram import render
from bot.telegram.errors import is_lost, is_no_topic, is_unchanged
from handlers.open_questions import Heard, OpenQuestion, OpenQuestions
from handlers.permissions import Rights
from storage import Storage

log = structlog.get_logger(__name__)

_CARDS = 2_000
_MOST_NAMES, _DAY = 32, 86_400.0


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers may use; the composition root fills it in."""

    storage: Storage
    look: Looker
    reports: StatusReports
    sites: Mapping[str, Site]
    now: Callable[[], datetime]
    woken: Callable[[], None]
    admins: Collection[int]
    alerts: Callable[[], Mapping[str, int]]
    version: str
    parliaments: Mapping[str, PetitionsApi]
    members: Members
    postcodes: Postcodes
    charts: Charts
    limits: LimitsConfig
    rest_days: int
    rights: Rights = field(default_factory=Rights)
    # By chat and message: what a card showed but for its age, and when that was read.
    cards: LRUCache[tuple[int, int], tuple[str, datetime]] = field(
        default_factory=lambda: LRUCache(_CARDS)
    )
    questions: OpenQuestions = field(default_factory=OpenQuestions)
    heard: Heard = field(default_factory=Heard)
    # What a site calls its topics and its departments changes once in years.
    names: TTLCache[str, Mapping[str, str]] = field(
        default_factory=lambda: TTLCache(_MOST_NAMES, _DAY)
    )

    def reference(self, text: str) -> PetitionRef | None:
        """The petition a text names, if it names one."""
        return find_reference(text, tuple(self.sites.values()))


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """python-telegram-bot's context, with our services."""

    @property
    def services(self) -> Services:
        services: Services = self.bot_data["services"]
        return services

    @property
    def text(self) -> str:
        """What was typed after the command."""
        return " ".join(self.args or ())


PATIENCE = 2.0  # seconds in which a press is answered, whatever it takes to do what it asks for
_SILENT_FOR = 1.0  # seconds that nothing may be seen to happen
_TYPES_FOR = 5.0  # as long as Telegram shows it

_GROUPS = {ChatType.GROUP, ChatType.SUPERGROUP}

Action: TypeAlias = Callable[[Update, Context], Coroutine[Any, Any, None]]
Pressed: TypeAlias = Callable[[Update, Context, Press], Coroutine[Any, Any, str | None]]
AnyHandler: TypeAlias = BaseHandler[Update, Context, None]
_Buttons = TypeVar("_Buttons", Keyboard | None, Keyboard | ForceReply | None)


@dataclass(frozen=True, slots=True)
class Target:
    """The group or channel that an admin manages from their own chat with the bot."""

    id: int
    kind: str
    title: str


# A list that a press begins and what it leads to adds to, in whichever task that runs.
_asides: ContextVar[list[str] | None] = ContextVar("asides", default=None)
_target: ContextVar[Target | None] = ContextVar("target", default=None)


def act_on(target: Target | None) -> None:
    """Have the rest of this update be about that chat instead of the one it was said in."""
    _target.set(target)


def target() -> Target | None:
    """The other chat that this update is about, if it is about another."""
    return _target.get()


SPOKEN = filters.UpdateType.MESSAGE | filters.UpdateType.CHANNEL_POST


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its names, what it takes and does, and the action behind it.

    People are told of it by the name that is `shown`, which may be one of its aliases.
    One that `changes` something is for admins alone in groups and channels. One that is `here` is
    about the chat it is said in even while another one is managed from there. Menus and help leave
    out one that is not `listed`.
    """

    name: str
    takes: str
    does: str
    action: Action
    aliases: tuple[str, ...] = ()
    shown: str = ""
    changes: bool = False
    here: bool = False
    listed: bool = True

    @property
    def handler(self) -> AnyHandler:
        """The handler that python-telegram-bot runs; edited messages are no new commands."""
        return CommandHandler((self.name, *self.aliases), self._typed, filters=SPOKEN)

    async def _typed(self, update: Update, context: Context) -> None:
        async with leaving_questions(update, context):
            await self.run(update, context)

    async def run(self, update: Update, context: Context) -> None:
        """Do it, if whoever asks for it may."""
        if self.here:
            act_on(None)
        if not self.changes or await allowed(update, context):
            await self.action(update, context)

    @property
    def help(self) -> CommandHelp:
        """The line of `/help` about it."""
        return CommandHelp(self.shown or self.name, self.takes, self.does)


@asynccontextmanager
async def leaving_questions(update: Update, context: Context) -> AsyncIterator[None]:
    """Who does something else than answer leaves what they were asked, save for a new question."""
    chat, user, services = update.effective_chat, update.effective_user, context.services
    whose = (chat.id, user.id) if chat and user else (0, 0)
    asked = services.questions.to(*whose, services.now())
    try:
        yield
    finally:
        if asked is not None and services.questions.to(*whose, services.now()) is asked:
            services.questions.close(*whose)


class PressHandler(CallbackQueryHandler[Context, None]):
    """Runs what a button with its verb does, and knows whether that changes anything."""

    def __init__(self, verb: str, pressed: Action, pattern: str, *, changes: bool) -> None:
        super().__init__(pressed, pattern=pattern)
        self.verb = verb
        self.changes = changes


def on_press(verb: str, action: Pressed, *, changes: bool = False) -> AnyHandler:
    """Runs `action` when a button with that verb is pressed, and answers every press.

    The action's result is shown as a passing note; None shows nothing. A button that `changes`
    something does so for admins alone in groups and channels; others are told why it does not. In
    a channel every button is theirs alone, since what it brings is posted there.
    """

    async def pressed(update: Update, context: Context) -> None:
        query = update.callback_query
        if query is None or query.data is None:
            return
        note: str | None = old_button()
        refusal: str | None = None
        asides: list[str] = []
        _asides.set(asides)
        try:
            press = Press.read(groups.pressed_for(query.data)[0])
            if _is_ours(update, context, press):
                note = None
                refusal = await _refused_press(update, context, changes=changes)
                if refusal is None:
                    async with leaving_questions(update, context):
                        note = await _in_time(query, action(update, context, press))
                note = refusal or note
                note = note or next(iter(asides), None)
        finally:
            await acknowledge(query, note, alert=refusal is not None)

    carried = r"(?:[a-z0-9]+:[0-9]{1,18})?\|[^|]*(?:\|~[0-9a-z]{1,13})?"
    return PressHandler(verb, pressed, rf"^{verb}\|{carried}$", changes=changes)


async def _in_time(query: CallbackQuery, action: Coroutine[Any, Any, str | None]) -> str | None:
    """The note of an action. One that takes long has its press answered before it is done, for
    Telegram forgets a press soon; its note is then said aloud.
    """
    work = asyncio.create_task(action)
    try:
        await asyncio.wait({work}, timeout=PATIENCE)
        if not work.done():
            await acknowledge(query, None)
        return await work
    finally:
        work.cancel()


async def _refused_press(update: Update, context: Context, *, changes: bool) -> str | None:
    chat = update.effective_chat
    if changes:
        return await refused(update, context)
    if chat is None or chat.type != ChatType.CHANNEL or not await refused(update, context):
        return None
    return groups.only_posters()


def _is_ours(update: Update, context: Context, press: Press) -> bool:
    is_known = press.petition is None or press.petition.site in context.services.sites
    return is_known and update.effective_chat is not None


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
        await query.answer(note[:200] if note else None, show_alert=alert)
    except TelegramError as error:
        log.debug("a press could not be acknowledged", error=type(error).__name__)
        if note and is_lost(error):
            with suppress(TelegramError):
                await _say_aloud(query, note)


_acknowledged: ContextVar[str] = ContextVar("acknowledged", default="")


def was_acknowledged(update: Update) -> None:
    """The press of this update had its answer while it waited for its turn."""
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


async def allowed(update: Update, context: Context) -> bool:
    """Whether who said this may change what the chat hears; if not, they are told why."""
    refusal = await refused(update, context)
    if refusal is None:
        return True
    named = context.services.reference(context.text) if context.args else None
    buttons = groups.private_button(context.bot.username, named)
    await whisper(update, compose(refusal), buttons)
    return False


async def refused(update: Update, context: Context) -> str | None:
    """Why who speaks may not change what the chat hears; None if they may.

    In a channel only an admin who may post there may. What is said in the chat's own name (a
    channel's post, an anonymous admin) an admin said who may. Who
    manages another chat was found to be its admin before anything else was done.
    """
    chat, user = update.effective_chat, update.effective_user
    if chat is None or chat.type == ChatType.PRIVATE or _speaks_for(chat, update):
        return None
    if user is None:
        return groups.only_admins(chat.type)
    services = context.services
    is_admin = await services.rights.is_admin(
        context.bot, chat.id, user.id, services.now(), posts=chat.type == ChatType.CHANNEL
    )
    if is_admin is None:
        return groups.rights_unknown()
    return None if is_admin else groups.only_admins(chat.type)


def _speaks_for(chat: TelegramChat, update: Update) -> bool:
    said = update.message or update.channel_post
    return said is not None and said.sender_chat is not None and said.sender_chat.id == chat.id


async def answer(
    update: Update, message: Message, buttons: Keyboard | ForceReply | None = None
) -> TelegramMessage | None:
    """Say something where the person spoke: same chat, same topic; in parts if it is long."""
    chat, source = update.effective_chat, update.effective_message
    if chat is None:
        return None
    sent = None
    message, buttons = _addressed(message, buttons)
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


async def whisper(update: Update, message: Message, buttons: Keyboard | None = None) -> None:
    """Say something that in a group only the person who asked sees, where Telegram can do that.

    Its buttons must be addresses: nobody can press any other under such a message for long.
    """
    chat, person, source = update.effective_chat, update.effective_user, update.effective_message
    if chat is None or person is None or chat.type not in _GROUPS:
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


async def rewrite_buttons(update: Update, buttons: Keyboard) -> None:
    """Change only the buttons beneath the message that was pressed; a note says the rest."""
    if update.callback_query:
        other = target()
        with suppress(TelegramError):
            await update.callback_query.edit_message_reply_markup(
                render.keyboard(groups.for_chat(buttons, other.id) if other else buttons)
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
    """The forum topic a message was written in, if it was in one of the chat it is about."""
    return None if target() else _topic(message)


def _topic(message: object) -> int | None:
    if isinstance(message, TelegramMessage) and message.is_topic_message:
        return message.message_thread_id
    return None


def _reply_to(update: Update, source: object) -> ReplyParameters | None:
    """In a group, answers hang on the question; in private that would be noise."""
    chat = update.effective_chat
    in_group = chat is not None and chat.type in _GROUPS
    if in_group and isinstance(source, TelegramMessage) and update.message is not None:
        return ReplyParameters(source.message_id, allow_sending_without_reply=True)
    return None


async def chat_of(update: Update, context: Context) -> Chat:
    """What is kept of the chat this is about, or a fresh record of it that is not kept yet."""
    here = update.effective_chat
    if here is None:
        raise ValueError("an update without a chat")
    other = target()
    chat_id, kind = (other.id, other.kind) if other else (here.id, str(here.type))
    stored = await context.services.storage.chat(chat_id)
    if stored:
        return stored
    language = "" if other else first_language(update)
    now = context.services.now()
    return Chat(chat_id, kind, created_at=now, language="" if language == ENGLISH else language)


def first_language(update: Update) -> str:
    """The language of whoever has not chosen one: a person's own, English in groups."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or (chat is not None and chat.type != ChatType.PRIVATE):
        return ENGLISH
    return spoken_by(user)


def spoken_by(user: User) -> str:
    """The language of a person's Telegram, if the bot has it."""
    code = (user.language_code or ENGLISH).partition("-")[0]
    return code if code in LANGUAGES else ENGLISH


def asks_first(chat: Chat) -> bool:
    """Whether a person has to agree before anything is kept of this chat."""
    return chat.kind == ChatType.PRIVATE and chat.consented_at is None


def is_private(update: Update) -> bool:
    """Whether this is a conversation with one person."""
    return update.effective_chat is not None and update.effective_chat.type == ChatType.PRIVATE


def helps(commands: Sequence[Command]) -> list[CommandHelp]:
    """The help lines of commands."""
    return [command.help for command in commands if command.listed]


def bot_name(bot: Bot) -> str:
    """What the bot is called in its chat."""
    return bot.first_name or "Petition Bell"
