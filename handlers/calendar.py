"""The button that sends a date of a petition for one's own calendar."""

from telegram import Update

from bot.messages.buttons import CALENDAR, CalendarDate, Press
from bot.messages.chat.errors import old_button
from bot.messages.i18n import tr
from bot.messages.petition.parts import short_title
from bot.messages.petition.share import calendar_file
from handlers.command import on_press
from handlers.context import Context
from handlers.reply import send_file

_DATES: dict[str, CalendarDate] = {"debate": "debate", "closing": "closing"}


async def calendar_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Send the date as it is known now, which may be another than when the alert was sent."""
    what = _DATES.get(press.extra)
    if press.petition is None or what is None:
        return old_button()
    known = await context.services.storage.history(press.petition)
    file = known and calendar_file(known.petition, what, context.services.now())
    if not known or not file:
        return tr("There's no date to add at the moment.")
    await send_file(
        update,
        f"petition-{press.petition.id}-{what}.ics",
        file,
        caption=tr(
            "Open this file to add the date to your calendar: “{title}”.",
            title=short_title(known.petition),
        ),
    )
    return None


HANDLERS = [on_press(CALENDAR, calendar_pressed)]
