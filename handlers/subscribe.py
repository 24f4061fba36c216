"""`/follow`: follow a petition, after the reader's consent in a private chat."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from msgspec import structs
from telegram import Update

from bot.messages.buttons import CONSENT, SETTINGS, SUBSCRIBE, Keyboard, Press, consent_buttons
from bot.messages.chat.about import agreed, consent_request, not_now
from bot.messages.following.subscriptions import (
    Followed,
    Place,
    already_subscribed,
    no_room,
    subscribed,
)
from bot.messages.i18n import marked
from bot.messages.message import Message
from bot.messages.petition.parts import title
from bot.messages.settings.context import SettingsContext
from bot.messages.settings.pages import in_a_sentence
from bot.petitions.petition import PetitionRef
from bot.petitions.postcode import is_postcode
from bot.subscriptions.subscription import Chat, Subscription
from handlers.command import Command, on_press
from handlers.context import Context, asks_first, chat_of
from handlers.lookup import asked_for, look_up
from handlers.milestones import milestones
from handlers.mute import mute_named
from handlers.places import answer_who_asked, place_of
from handlers.reply import answer, ask_for_consent, rewrite, topic_of
from handlers.rules import offer_all
from handlers.settings import settings, typed_to
from handlers.snooze import snooze
from handlers.word_search import offer_words

_THEN: Mapping[str, Callable[[Update, Context], Awaitable[None]]] = {
    "mute": mute_named,
    "milestones": milestones,
    "settings": settings,
}


async def subscribe(update: Update, context: Context) -> None:
    """Answer `/follow 300239`; words lead to a rule, a postcode to the constituency.

    Alone it shows all that can be followed.
    """
    then = ""
    if len(context.words) == 2 and context.words[1] == "mute" and _names_any(context, 1):
        then, context.args = "mute", context.words[:1]
    if not context.text:
        await offer_all(update, context)
    elif not _names_any(context) and _are_words(context.text):
        await offer_words(update, context, context.text)
    elif ref := await asked_for(update, context, "subscribe"):
        await follow(update, context, ref, then)


def _names_any(context: Context, words: int | None = None) -> bool:
    services, text = context.services, " ".join(context.words[:words])
    return services.reference(text) is not None or bool(services.listed(text))


def _are_words(text: str) -> bool:
    """Return whether a text is neither an address nor a postcode nor meant for a number."""
    is_one_number = " " not in text and any(char.isdigit() for char in text)
    is_name = "/" in text or is_one_number or is_postcode(text)
    return not is_name and any(char.isalpha() for char in text)


async def follow(update: Update, context: Context, ref: PetitionRef, then: str = "") -> None:
    """Begin a subscription, or ask for consent first; the answer shows how the petition stands.

    `then` is a command about that petition, to be carried out once it is followed.
    """
    chat = await chat_of(update, context)
    if asks_first(chat):
        lookup = await look_up(
            update, context, ref, says_age=False, shows_unpublished=True, would_wait=True
        )
        if lookup and lookup.petition:
            asked = consent_request(title(lookup.petition))
            await ask_for_consent(update, context, asked, consent_buttons(ref, then))
        return
    if not await has_room(context, chat, ref):
        await answer(update, no_room(context.services.limits.subscriptions))
        return
    lookup = await look_up(update, context, ref, keep=True)
    if lookup is None or lookup.petition is None:
        return
    ref = lookup.petition.ref
    services = context.services
    await services.storage.save_chat(chat)
    subscription, is_new = await services.storage.subscribe(
        Subscription(chat.id, ref, services.now(), thread_id=topic_of(update.effective_message))
    )
    # Told from what the store held when the subscription began: whatever comes later rings.
    known = await services.storage.history(ref)
    if known is None:
        return
    followed = Followed(subscription, known.petition)
    place, is_posted = place_of(update, context, ref), update.channel_post is not None
    if is_new:
        shown = None if is_posted else place
        await answer_who_asked(
            update, context, lambda: confirmed(chat, followed, services.now(), shown)
        )
        await _go_on(update, context, ref, then)
        return
    told_in, thread = None, subscription.thread_id
    if place and thread != topic_of(update.effective_message):
        told_in = services.topics.get((chat.id, thread or 0), "")
    shown = None if is_posted else place
    await answer_who_asked(
        update, context, lambda: already_subscribed(followed, shown, told_in=told_in)
    )
    await _go_on(update, context, ref, then)


async def _go_on(update: Update, context: Context, ref: PetitionRef, then: str) -> None:
    """Do what else was asked of a petition, now that it is followed."""
    command, _, rest = then.partition(" ")
    if run := _THEN.get(command):
        context.args = [str(ref), *rest.split()]
        await run(update, context)


def confirmed(
    chat: Chat, followed: Followed, now: datetime, place: Place | None = None
) -> tuple[Message, Keyboard]:
    """Word the answer to a new follower: how the petition stands, and how it is told."""
    return subscribed(followed, now, in_a_sentence(SettingsContext(chat, now, followed)), place)


async def has_room(context: Context, chat: Chat, ref: PetitionRef) -> bool:
    """Return whether a chat may follow this petition: it does already, or has not too many yet."""
    followed = await context.services.storage.subscriptions(chat.id)
    return len(followed) < context.services.limits.subscriptions or any(
        each.petition == ref for each in followed
    )


async def consent(update: Update, context: Context, press: Press) -> str | None:
    """Keep that the reader agreed, and go on with what they asked for; or, if not, keep nothing."""
    chat, message = await chat_of(update, context), update.effective_message
    asked, go_on = context.services.waiting.pop(chat.id, (0, None))
    if press.extra == "no":
        await rewrite(update, not_now(has_agreed=chat.consented_at is not None))
        return None
    if chat.consented_at is None:
        now = context.services.now()
        await context.services.storage.save_chat(structs.replace(chat, consented_at=now))
    command, _, rest = press.extra.partition(" ")
    if press.petition:
        await follow(update, context, press.petition, press.extra)
    elif command == SETTINGS:
        await typed_to(update, context, None, rest.split())
    elif command == "snooze":
        context.args = rest.split()
        await snooze(update, context)
    else:
        await answer(update, agreed())
    if go_on and message and message.message_id == asked:
        await go_on(context)
    return None


async def subscribe_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Answer the Follow button of a card."""
    if press.petition:
        await follow(update, context, press.petition, press.extra)
    return None


COMMANDS = [
    Command(
        "subscribe",
        "300239",
        marked("follow a petition, topic, words or place"),
        subscribe,
        aliases=("follow",),
        shown="follow",
        changes=True,
    ),
]
HANDLERS = [
    *(command.handler for command in COMMANDS),
    on_press(CONSENT, consent, changes=True),
    on_press(SUBSCRIBE, subscribe_pressed, changes=True),
]
