"""Declares commands and button presses: who may use them, and what runs when they are used."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from telegram import CallbackQuery, Update
from telegram import Chat as TelegramChat
from telegram.constants import ChatType
from telegram.ext import BaseHandler, CallbackQueryHandler, CommandHandler, filters

from bot.messages.buttons import Press
from bot.messages.chat import groups
from bot.messages.chat.about import CommandHelp
from bot.messages.chat.errors import old_button
from bot.messages.message import compose
from bot.petitions.parliaments.description import SiteDescription
from bot.petitions.reference import as_written
from handlers.context import Context, act_on
from handlers.reply import acknowledge, collect_asides, whisper

PATIENCE = 2.0  # seconds in which a press is answered, whatever it takes to do what it asks for

Action: TypeAlias = Callable[[Update, Context], Coroutine[Any, Any, None]]
Pressed: TypeAlias = Callable[[Update, Context, Press], Coroutine[Any, Any, str | None]]
AnyHandler: TypeAlias = BaseHandler[Update, Context, None]

SPOKEN = filters.UpdateType.MESSAGE | filters.UpdateType.CHANNEL_POST


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its names, what it takes and does, and the action behind it.

    People are told of it by the name that is `shown`, which may be one of its aliases. One that
    `changes` something is for admins alone in groups and channels. One that is `here` is about the
    chat it is said in even while another one is managed from there. Menus and help leave out one
    that is not `listed`, or that `needs` what no site has.
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
    needs: Callable[[SiteDescription], bool] | None = None

    def is_offered(self, sites: Iterable[SiteDescription]) -> bool:
        """Return whether any of these sites has what the command is about."""
        return self.needs is None or any(self.needs(site) for site in sites)

    @property
    def handler(self) -> AnyHandler:
        """The handler that python-telegram-bot runs; edited messages are no new commands."""
        return CommandHandler((self.name, *self.aliases), self._typed, filters=SPOKEN)

    async def _typed(self, update: Update, context: Context) -> None:
        async with leaving_questions(update, context):
            await self.run(update, context)

    async def run(self, update: Update, context: Context) -> None:
        """Do what the command does, if whoever asks for it may."""
        if self.here:
            act_on(None)
        if not self.changes or await allowed_or_told(update, context):
            await self.action(update, context)

    @property
    def help(self) -> CommandHelp:
        """The line of `/help` about it."""
        return CommandHelp(self.shown or self.name, self.takes, self.does)


@asynccontextmanager
async def leaving_questions(update: Update, context: Context) -> AsyncIterator[None]:
    """Close the question that was open to a person once this is done, unless it asked a new one.

    Who does something else than answer leaves what they were asked.
    """
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
        asides = collect_asides()
        try:
            try:
                press = Press.read(groups.pressed_for(query.data)[0])
            except ValueError:  # nothing at all gets past the pattern, too
                return
            named, sites = press.petition, context.services.sites
            is_known = named is None or as_written(named, sites) == named
            if is_known and update.effective_chat is not None:
                note = None
                refusal = await _refused_press(update, context, changes=changes)
                if refusal is None:
                    async with leaving_questions(update, context):
                        note = await _in_time(query, action(update, context, press))
                note = refusal or note
                note = note or next(iter(asides), None)
        finally:
            await acknowledge(query, note, alert=refusal is not None)

    carried = r"(?:[a-z0-9]+:(?:[A-Z]{2})?[0-9]{1,18})?\|[^|]*(?:\|~[0-9a-z]{1,13})?"
    return PressHandler(verb, pressed, rf"^{verb}\|{carried}$", changes=changes)


async def _in_time(query: CallbackQuery, action: Coroutine[Any, Any, str | None]) -> str | None:
    """Return the note of an action; None if nothing is to be noted.

    One that takes long has its press answered before it is done, for Telegram forgets a press soon;
    its note is then sent as a message.
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
        return await why_refused(update, context)
    if chat is None or chat.type != ChatType.CHANNEL or not await why_refused(update, context):
        return None
    return groups.only_posters()


async def allowed_or_told(update: Update, context: Context) -> bool:
    """Return whether the speaker may change what the chat is told; if not, they are told why."""
    refusal = await why_refused(update, context)
    if refusal is None:
        return True
    services, text = context.services, context.text
    is_one = bool(text) and len(services.same_number(text)) < 2
    named = services.reference(text) if is_one else None
    buttons = groups.private_button(context.bot.username, named)
    await whisper(update, compose(refusal), buttons)
    return False


async def why_refused(update: Update, context: Context) -> str | None:
    """Return why the speaker may not change what the chat is told; None if they may.

    In a channel only an admin who may post there may. What is said in the chat's own name (a
    channel's post, an anonymous admin) was said by an admin who may. A person who manages another
    chat was found to be its admin before anything else was done.
    """
    chat, user = update.effective_chat, update.effective_user
    if chat is None or chat.type == ChatType.PRIVATE or _speaks_for(chat, update):
        return None
    if user is None:
        return groups.only_admins(chat.type)
    services = context.services
    is_admin = await services.permissions.is_admin(
        context.bot, chat.id, user.id, services.now(), posts=chat.type == ChatType.CHANNEL
    )
    if is_admin is None:
        return groups.permissions_unknown()
    return None if is_admin else groups.only_admins(chat.type)


def _speaks_for(chat: TelegramChat, update: Update) -> bool:
    said = update.message or update.channel_post
    return said is not None and said.sender_chat is not None and said.sender_chat.id == chat.id


def helps(commands: Sequence[Command]) -> list[CommandHelp]:
    """Return the help lines of commands, but of those that are not listed."""
    return [command.help for command in commands if command.listed]
