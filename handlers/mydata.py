"""`/mydata`: everything kept about this chat, as a readable file."""

import json
from datetime import datetime
from io import BytesIO

from telegram import InputFile, Update

from bot.text.about import data_caption, nothing_kept
from handlers.context import Command, Context, answer, chat_of, topic_of
from storage import ChatData


async def mydata(update: Update, context: Context) -> None:
    """`/mydata`."""
    chat = await chat_of(update, context)
    data = await context.services.storage.chat_data(chat.id)
    if data is None:
        await answer(update, nothing_kept())
        return
    await context.bot.send_document(
        chat.id,
        InputFile(BytesIO(_readable(data, context)), "petition-bell-data.json"),
        caption=data_caption(len(data.subscriptions)),
        message_thread_id=topic_of(update.effective_message),
    )


def _readable(data: ChatData, context: Context) -> bytes:
    sites = context.services.sites
    chat = data.chat
    document = {
        "format": "petition-bell/1",
        "chat": chat.id,
        "known_since": _time(chat.created_at),
        "consented_at": _time(chat.consented_at),
        "subscriptions": [
            {
                "petition": str(subscription.petition),
                "link": f"{sites[subscription.petition.site].url}/petitions/"
                f"{subscription.petition.id}"
                if subscription.petition.site in sites
                else None,
                "since": _time(subscription.created_at),
                "muted": subscription.muted,
                "topic": subscription.thread_id,
                "card_message": subscription.card_id,
            }
            for subscription in data.subscriptions
        ],
        "alerts_waiting": data.waiting,
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def _time(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None


COMMANDS = [Command("mydata", "", "get everything I keep about this chat", mydata)]
HANDLERS = [command.handler for command in COMMANDS]
