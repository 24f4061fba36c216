"""What every handler works with: the typed context, the services behind it, and how to answer."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from telegram import (
    Bot,
    CallbackQuery,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
    Update,
)
from telegram import (
    Message as TelegramMessage,
)
from telegram.constants import ChatType
from telegram.error import BadRequest
from telegram.ext import (
    BaseHandler,
    CallbackContext,
    CallbackQueryHandler,
    CommandHandler,
    ExtBot,
    filters,
)

from bot.charts import Charts
from bot.members import Members
from bot.parliament import Parliament
from bot.petitions.model import Chat, PetitionRef, Site
from bot.petitions.reference import find_reference
from bot.sight import Looker
from bot.text.about import CommandHelp
from bot.text.buttons import Press
from bot.text.rich import Message, split
from bot.text.status import SiteHealth
from bot.text.trouble import old_button
from storage import Storage


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers may use; the composition root fills it in."""

    storage: Storage
    look: Looker
    health: Callable[[Iterable[PetitionRef]], list[SiteHealth]]
    sites: Mapping[str, Site]
    now: Callable[[], datetime]
    woken: Callable[[], None]
    admins: Collection[int]
    alerts: Callable[[], Mapping[str, int]]
    version: str
    parliaments: Mapping[str, Parliament]
    members: Members
    charts: Charts

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


Action: TypeAlias = Callable[[Update, Context], Coroutine[Any, Any, None]]
Pressed: TypeAlias = Callable[[Update, Context, Press], Awaitable[str | None]]
AnyHandler: TypeAlias = BaseHandler[Update, Context, None]


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its names, what it takes and does, and the action behind it."""

    name: str
    takes: str
    does: str
    action: Action
    aliases: tuple[str, ...] = ()

    @property
    def handler(self) -> AnyHandler:
        """The handler that python-telegram-bot runs; edited messages are no new commands."""
        return CommandHandler(
            (self.name, *self.aliases), self.action, filters=filters.UpdateType.MESSAGE
        )

    @property
    def help(self) -> CommandHelp:
        """The line of `/help` about it."""
        return CommandHelp(self.name, self.takes, self.does)


def on_press(verb: str, action: Pressed) -> AnyHandler:
    """Runs `action` when a button with that verb is pressed, and answers every press.

    The action's result is shown as a passing note; None shows nothing.
    """

    async def pressed(update: Update, context: Context) -> None:
        query = update.callback_query
        if query is None or query.data is None:
            return
        note: str | None = old_button()
        try:
            press = Press.read(query.data)
            if press.petition is None or press.petition.site in context.services.sites:
                note = None
                note = await action(update, context, press)
        finally:
            await acknowledge(query, note)

    return CallbackQueryHandler(pressed, pattern=rf"^{verb}\|(?:[a-z0-9]+:\d+)?\|[^|]*$")


async def acknowledge(query: CallbackQuery, note: str | None) -> None:
    """Stop the button's spinner; a press too old to be answered is nobody's loss."""
    with suppress(BadRequest):
        await query.answer(note[:200] if note else None)


async def answer(
    update: Update, message: Message, buttons: InlineKeyboardMarkup | None = None
) -> TelegramMessage | None:
    """Say something where the person spoke: same chat, same topic; in parts if it is long."""
    chat, source = update.effective_chat, update.effective_message
    if chat is None:
        return None
    sent = None
    parts = split(message)
    for part in parts:
        sent = await update.get_bot().send_message(
            chat.id,
            part.text,
            entities=part.entities,
            reply_markup=buttons if part is parts[-1] else None,
            message_thread_id=topic_of(source),
            reply_parameters=_reply_to(update, source) if part is parts[0] else None,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
    return sent


async def rewrite(
    update: Update, message: Message, buttons: InlineKeyboardMarkup | None = None
) -> None:
    """Change the message whose button was pressed; if it is gone or unchanged, nothing is lost."""
    query = update.callback_query
    if query is None:
        return
    try:
        await query.edit_message_text(
            message.text,
            entities=message.entities,
            reply_markup=buttons,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
    except BadRequest as error:
        if "not modified" not in error.message.lower():
            await answer(update, message, buttons)


async def rewrite_buttons(update: Update, buttons: InlineKeyboardMarkup) -> None:
    """Change only the buttons beneath the message that was pressed."""
    if update.callback_query:
        with suppress(BadRequest):
            await update.callback_query.edit_message_reply_markup(buttons)


def topic_of(message: object) -> int | None:
    """The forum topic a message was written in, if it was in one."""
    if isinstance(message, TelegramMessage) and message.is_topic_message:
        return message.message_thread_id
    return None


def _reply_to(update: Update, source: object) -> ReplyParameters | None:
    """In a group, answers hang on the question; in private that would be noise."""
    chat = update.effective_chat
    in_group = chat is not None and chat.type in {ChatType.GROUP, ChatType.SUPERGROUP}
    if in_group and isinstance(source, TelegramMessage) and update.message is not None:
        return ReplyParameters(source.message_id, allow_sending_without_reply=True)
    return None


async def chat_of(update: Update, context: Context) -> Chat:
    """What is kept of the chat, or a fresh record of it that is not kept yet."""
    chat = update.effective_chat
    if chat is None:
        raise ValueError("an update without a chat")
    stored = await context.services.storage.chat(chat.id)
    return stored or Chat(id=chat.id, kind=str(chat.type), created_at=context.services.now())


def is_private(update: Update) -> bool:
    """Whether this is a conversation with one person."""
    return update.effective_chat is not None and update.effective_chat.type == ChatType.PRIVATE


def helps(commands: Sequence[Command]) -> list[CommandHelp]:
    """The help lines of commands."""
    return [command.help for command in commands]


def bot_name(bot: Bot) -> str:
    """What the bot is called in its chat."""
    return bot.first_name or "Petition Bell"
