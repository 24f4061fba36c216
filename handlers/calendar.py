"""The button that sends a date of a petition for one's own calendar."""

from io import BytesIO

from telegram import InputFile, Update
from telegram.error import BadRequest, Forbidden

from bot.messages.buttons import CALENDAR, CalendarDate, Press
from bot.messages.chat.errors import no_files, old_button
from bot.messages.i18n import tr
from bot.messages.petition.calendar_file import calendar_file
from bot.messages.petition.parts import short_title
from bot.telegram.errors import is_no_media
from handlers.context import Context, answer, on_press, topic_of

_DATES: dict[str, CalendarDate] = {"debate": "debate", "closing": "closing"}


async def calendar_pressed(update: Update, context: Context, press: Press) -> str | None:
    """Send the date as it is known now, which may be another than when the alert was sent."""
    what, chat = _DATES.get(press.extra), update.effective_chat
    if press.petition is None or what is None or chat is None:
        return old_button()
    known = await context.services.storage.known(press.petition)
    file = known and calendar_file(known.petition, what, context.services.now())
    if not known or not file:
        return tr("There's no date to add at the moment.")
    try:
        await context.bot.send_document(
            chat.id,
            InputFile(BytesIO(file), f"petition-{press.petition.id}-{what}.ics"),
            caption=tr(
                "Open this file to add the date to your calendar: “{title}”.",
                title=short_title(known.petition),
            ),
            message_thread_id=topic_of(update.effective_message),
        )
    except (BadRequest, Forbidden) as error:
        if not is_no_media(error.message):
            raise
        await answer(update, no_files())
    return None


HANDLERS = [on_press(CALENDAR, calendar_pressed)]
