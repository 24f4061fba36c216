"""Asks Telegram who is an admin of a group or channel, and remembers it for a moment."""

from datetime import datetime, timedelta
from typing import NamedTuple

from telegram import Bot, ChatMember, ChatMemberAdministrator
from telegram.error import BadRequest, Forbidden

ADMINS = frozenset({ChatMember.OWNER, ChatMember.ADMINISTRATOR})
# Just long enough for a burst: nobody tells a bot without rights that somebody was demoted.
_KEPT = {True: timedelta(seconds=2), False: timedelta(seconds=10)}
_MANY = 1000


class _Place(NamedTuple):
    """The place of somebody in a chat: an admin or not, and of a channel one who may post.

    Its owner always may.
    """

    is_admin: bool = False
    may_post: bool = False


class _Told(NamedTuple):
    place: _Place
    until: datetime


class Permissions:
    """Remembers answers for a moment, and forgets those about whoever is said to have changed."""

    def __init__(self) -> None:
        self._told: dict[tuple[int, int], _Told] = {}

    async def is_admin(
        self, bot: Bot, chat_id: int, user_id: int, now: datetime, *, posts: bool = False
    ) -> bool | None:
        """Return whether a person is an admin of a chat; None if Telegram cannot say.

        With `posts`, they must also have the right to post, which there is in channels alone.
        """
        told = self._told.get((chat_id, user_id))
        place = told.place if told and _is_fresh(told, now) else None
        if place is None:
            place = await _asked(bot, chat_id, user_id)
            if place is None:
                return None
            kept_for = _KEPT[place.is_admin]
            if len(self._told) >= _MANY:
                self._told = {k: each for k, each in self._told.items() if _is_fresh(each, now)}
            self._told[(chat_id, user_id)] = _Told(place, now + kept_for)
        return place.may_post if posts else place.is_admin

    def forget(self, chat_id: int, user_id: int | None = None) -> None:
        """Ask anew about a person in a chat, or about everybody there."""
        self._told = {
            key: told
            for key, told in self._told.items()
            if key[0] != chat_id or user_id not in {None, key[1]}
        }


def _is_fresh(told: _Told, now: datetime) -> bool:
    """Return whether an answer is recent enough, however the clock was set meanwhile."""
    return timedelta(0) < told.until - now <= _KEPT[told.place.is_admin]


async def _asked(bot: Bot, chat_id: int, user_id: int) -> _Place | None:
    try:
        return _place(await bot.get_chat_member(chat_id, user_id))
    except (BadRequest, Forbidden):
        return await _listed(bot, chat_id, user_id)  # where members are hidden, admins are not
    except Exception:  # an answer that cannot be decoded tells nothing, in many shapes
        return None


async def _listed(bot: Bot, chat_id: int, user_id: int) -> _Place | None:
    try:
        admins = await bot.get_chat_administrators(chat_id)
    except Exception:
        return None
    return next((_place(admin) for admin in admins if admin.user.id == user_id), _Place())


def _place(member: ChatMember) -> _Place:
    if member.status == ChatMember.OWNER:
        return _Place(is_admin=True, may_post=True)
    # Permissions that a server does not name are not held.
    may_post = isinstance(member, ChatMemberAdministrator) and bool(member.can_post_messages)
    return _Place(member.status in ADMINS, may_post)
