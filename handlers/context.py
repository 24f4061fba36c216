"""Gives every handler its typed context, the services behind it, and the chat."""

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cachetools import LRUCache, TTLCache
from telegram import Bot, Update, User
from telegram.constants import ChatType
from telegram.ext import CallbackContext, ExtBot

from bot.charts import Charts
from bot.config import LimitsConfig
from bot.messages.buttons import Keyboard
from bot.messages.i18n import ENGLISH, LANGUAGES
from bot.messages.message import Message
from bot.messages.petition.parts import site_name
from bot.messages.reader import address
from bot.petitions.parliaments import description_of
from bot.petitions.petition import PetitionRef, Site
from bot.petitions.reference import closed_up, find_list, find_reference
from bot.polling.lookup import LookUp
from bot.polling.members_api import Members
from bot.polling.petitions_api import PetitionsApi
from bot.polling.postcodes_api import Postcodes
from bot.polling.status_reports import StatusReports
from bot.subscriptions.subscription import Chat, Rule, Subscription
from handlers.open_questions import LASTS, Heard, OpenQuestions
from handlers.permissions import Permissions
from storage import Storage

_CARDS = 2_000
_TOPICS = 5_000
_ENDED, _HOUR = 1_000, 3_600.0
_MOST_NAMES, _DAY = 32, 86_400.0


@dataclass(frozen=True, slots=True)
class Services:
    """The services that handlers may use; the composition root fills them in."""

    storage: Storage
    look: LookUp
    reports: StatusReports
    known_as: Callable[[PetitionRef], PetitionRef]
    sites: Mapping[str, Site]
    now: Callable[[], datetime]
    wake_deliverer: Callable[[], None]
    admins: Collection[int]
    alerts: Callable[[], Mapping[str, int]]
    version: str
    parliaments: Mapping[str, PetitionsApi]
    members: Members
    postcodes: Postcodes
    charts: Charts
    limits: LimitsConfig
    rest_days: int
    permissions: Permissions = field(default_factory=Permissions)
    # By chat and message: what a card showed but for its age, and when that was read.
    cards: LRUCache[tuple[int, int], tuple[str, datetime]] = field(
        default_factory=lambda: LRUCache(_CARDS)
    )
    questions: OpenQuestions = field(default_factory=OpenQuestions)
    heard: Heard = field(default_factory=Heard)
    # By chat: the petition that was shown last, and when: what "it" means. Kept nowhere else.
    shown: TTLCache[int, tuple[PetitionRef, datetime]] = field(
        default_factory=lambda: TTLCache(_CARDS, LASTS.total_seconds())
    )
    # By chat: the last answer with a way back, for whoever says "undo".
    undoable: TTLCache[int, tuple[Message, Keyboard]] = field(
        default_factory=lambda: TTLCache(_ENDED, _HOUR)
    )
    # By chat: the question for consent asked last, and what else was asked for that waits for it.
    consent_asked: TTLCache[int, int] = field(default_factory=lambda: TTLCache(_ENDED, _HOUR))
    waiting: TTLCache[int, tuple[int, Callable[["Context"], Awaitable[None]]]] = field(
        default_factory=lambda: TTLCache(_ENDED, _HOUR)
    )
    # By chat: what was unfollowed all at once, to be had back for a while.
    stopped_at_once: TTLCache[int, tuple[tuple[Subscription, ...], tuple[Rule, ...]]] = field(
        default_factory=lambda: TTLCache(_ENDED, _HOUR)
    )
    # What a group's topics are called: Telegram says so only of those that somebody writes in.
    topics: LRUCache[tuple[int, int], str] = field(default_factory=lambda: LRUCache(_TOPICS))
    # What a site calls its topics and its departments changes once in years.
    names: TTLCache[str, Mapping[str, str]] = field(
        default_factory=lambda: TTLCache(_MOST_NAMES, _DAY)
    )

    def reference(self, text: str) -> PetitionRef | None:
        """Return the petition a text names, by the number that it is known by; None if none."""
        ref = find_reference(text, tuple(self.sites.values()))
        return self.known_as(ref) if ref else None

    def listed(self, text: str) -> list[PetitionRef]:
        """Return the petitions of a text that names several and says nothing else."""
        return [self.known_as(ref) for ref in find_list(text, tuple(self.sites.values()))]

    def called(self) -> Mapping[str, str]:
        """Return the sites' names by their ids, none where there is only one site."""
        sites = self.sites.values()
        return {each.id: site_name(each) for each in sites} if len(sites) > 1 else {}

    def last_shown(self, chat_id: int) -> PetitionRef | None:
        """Return the petition shown in a chat a moment ago, which "it" may mean there, or None."""
        ref, at = self.shown.get(chat_id, (None, self.now()))
        return ref if abs(self.now() - at) < LASTS else None

    def forget(self, chat_id: int) -> None:
        """Let go of what is known of a chat besides what the store keeps."""
        self.questions.forget(chat_id)
        by_id: tuple[MutableMapping[int, Any], ...] = (
            *(self.shown, self.undoable, self.stopped_at_once),
            *(self.consent_asked, self.waiting),
        )
        for kept in by_id:
            kept.pop(chat_id, None)
        by_chat: tuple[MutableMapping[tuple[int, int], Any], ...] = (self.cards, self.topics)
        for found in by_chat:
            for key in [each for each in found if each[0] == chat_id]:
                del found[key]

    def same_number(self, text: str) -> list[PetitionRef]:
        """Return the petitions of every site that a bare number may mean; none for other texts."""
        ref = None if any(map(str.isalpha, text)) else self.reference(text)
        if ref is None:
            return []
        sites = ((site, description_of(site).ids) for site in self.sites.values())
        return [PetitionRef(each.id, ref.id) for each, ids in sites if ids.read(str(ref.id))]


class Context(CallbackContext[ExtBot[None], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """The context that python-telegram-bot gives handlers, with our services."""

    @property
    def services(self) -> Services:
        services: Services = self.bot_data["services"]
        return services

    @property
    def text(self) -> str:
        """The text that was typed after the command."""
        return closed_up(" ".join(self.args or ()), tuple(self.services.sites.values()))

    @property
    def words(self) -> list[str]:
        """The words of that text."""
        return self.text.split()


GROUPS = {ChatType.GROUP, ChatType.SUPERGROUP}


@dataclass(frozen=True, slots=True)
class Target:
    """The group or channel that an admin manages from their own chat with the bot."""

    id: int
    kind: str
    title: str


_target: ContextVar[Target | None] = ContextVar("target", default=None)


def act_on(target: Target | None) -> None:
    """Make the rest of this update be about that chat, or with None the one it was said in."""
    if target or _target.get():
        address(is_shared=target is not None)  # another chat is managed from a private one only
    _target.set(target)


def target() -> Target | None:
    """Return the other chat that this update is about, None if it is about its own."""
    return _target.get()


async def chat_of(update: Update, context: Context) -> Chat:
    """Return what is kept of the chat this is about, or a fresh record that is not kept yet."""
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
    """Return the language of whoever has not chosen one: a person's own, English in groups."""
    user, chat = update.effective_user, update.effective_chat
    if user is None or (chat is not None and chat.type != ChatType.PRIVATE):
        return ENGLISH
    return spoken_by(user)


def spoken_by(user: User) -> str:
    """Return the language of a person's Telegram if the bot has it, else English."""
    code = (user.language_code or ENGLISH).partition("-")[0]
    return code if code in LANGUAGES else ENGLISH


def asks_first(chat: Chat) -> bool:
    """Return whether a person has to agree before anything is kept of this chat."""
    return chat.kind == ChatType.PRIVATE and chat.consented_at is None


def is_private(update: Update) -> bool:
    """Return whether this is a conversation with one person."""
    return update.effective_chat is not None and update.effective_chat.type == ChatType.PRIVATE


def bot_name(bot: Bot) -> str:
    """Return the bot's name in its chat."""
    return bot.first_name or "Petition Bell"
