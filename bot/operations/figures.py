"""`petition-bell stats`: how much is kept, read beside a running bot."""

from datetime import datetime

from bot.config import StorageConfig
from bot.errors import StorageError
from bot.messages.chat.admin_alerts import totals
from storage.opening import read_storage


async def kept_figures(config: StorageConfig, now: datetime) -> str:
    """Counts over the whole store, small ones hidden; StorageError if there is none."""
    storage = await read_storage(config)
    if storage is None:
        raise StorageError("there is no store yet, so there is nothing to count")
    try:
        tally = await storage.tally()
    finally:
        await storage.close()
    kept = {
        "chats": tally.chats,
        "subscriptions": tally.subscriptions,
        "petitions": tally.petitions,
    }
    return totals(kept, tally.waiting, tally.oldest_waiting, now).text
