"""The memory of what the bot's own messages say, as far as it wrote them lately.

An edit that changes nothing is refused here without asking Telegram. Only digests are kept, and
only in memory.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from cachetools import LRUCache
from telegram.error import BadRequest

from bot.telegram.errors import is_unchanged, not_modified

_NEWEST = 20_000  # messages
_WORDS, _BUTTONS = "editMessageText", "editMessageReplyMarkup"

_T = TypeVar("_T")
_Message: TypeAlias = tuple[Any, Any]  # chat and message


class _Content(NamedTuple):
    """The digests of a message's text with its formatting, and of the buttons beneath."""

    words: int
    buttons: int


class SentMessages:
    """The newest messages; those that two requests edit at the same time are forgotten."""

    def __init__(self) -> None:
        self._known: LRUCache[_Message, _Content] = LRUCache(_NEWEST)
        self._edits: dict[_Message, object] = {}  # the last one begun and not ended, of each

    async def written(
        self, endpoint: str, data: Mapping[str, Any], request: Callable[[], Awaitable[_T]]
    ) -> _T:
        """Make the request, and remember what the message says then.

        Raises what Telegram answers to an edit into what is there already, where that is known.
        """
        if endpoint == "sendMessage":
            result = await request()
            if isinstance(result, dict) and (number := result.get("message_id")):
                self._known[data.get("chat_id"), number] = _content(data)
            return result
        if endpoint in (_WORDS, _BUTTONS) and data.get("message_id"):
            return await self._edited(endpoint, data, request)
        return await request()

    async def _edited(
        self, endpoint: str, data: Mapping[str, Any], request: Callable[[], Awaitable[_T]]
    ) -> _T:
        message = data.get("chat_id"), data.get("message_id")
        known = self._known.get(message)
        wanted: _Content | None = _content(data)
        if wanted and endpoint == _BUTTONS:
            wanted = known and known._replace(buttons=wanted.buttons)
        if known and known == wanted:
            raise not_modified()
        # Until it is taken nobody knows what the message says, nor if another edit is under way.
        self._known.pop(message, None)
        edit, is_alone = object(), message not in self._edits
        self._edits[message] = edit
        is_there = False
        try:
            result = await request()
        except BadRequest as error:
            is_there = is_unchanged(error.message)
            raise
        else:
            is_there = True
            return result
        finally:
            if self._edits.get(message) is edit:
                del self._edits[message]
                if is_there and is_alone and wanted:
                    self._known[message] = wanted


def _content(data: Mapping[str, Any]) -> _Content:
    entities = [entity.to_dict() for entity in data.get("entities") or ()]
    markup = data.get("reply_markup")
    words = json.dumps([data.get("text"), entities], sort_keys=True)
    buttons = json.dumps(markup.to_dict() if markup else None, sort_keys=True)
    return _Content(hash(words), hash(buttons))
