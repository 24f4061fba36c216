"""A date of a petition as a file for one's own calendar."""

from datetime import datetime, timedelta

from bot.messages.buttons import CalendarDate
from bot.messages.i18n import tr
from bot.messages.petition.parts import short_title
from bot.petitions.forecast import closes_at
from bot.petitions.petition import Petition

_TITLE = 120


def calendar_file(petition: Petition, what: CalendarDate, now: datetime) -> bytes | None:
    """The debate's day or the moment it closes as iCalendar; None if there is no such date.

    A debate has a day and no hour. The moment of closing is told in UTC, so that it is right in
    every zone and whenever the clocks change.
    """
    from icalendar import Calendar, Event  # noqa: PLC0415 - few ask, and it is large

    name = short_title(petition, _TITLE)
    event = Event()
    if what == "debate":
        if petition.scheduled_debate_date is None:
            return None
        event.add("summary", tr("Debate: {title}", title=name))
        event.add("dtstart", petition.scheduled_debate_date)
        event.add("dtend", petition.scheduled_debate_date + timedelta(days=1))
    else:
        moment = closes_at(petition)
        if moment is None:
            return None
        event.add("summary", tr("Last chance to sign: {title}", title=name))
        event.add("dtstart", moment)
        event.add("dtend", moment)
    # The same for whoever adds it twice, so that a date that was moved takes the other's place.
    event.add("uid", f"{petition.ref.site}-{petition.ref.id}-{what}@petition-bell")
    event.add("dtstamp", now)
    event.add("sequence", int(now.timestamp()) // 60)
    event.add("url", petition.url)
    event.add("transp", "TRANSPARENT")
    calendar = Calendar()
    calendar.add("prodid", "-//Petition Bell//petition-bell//EN")
    calendar.add("version", "2.0")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
