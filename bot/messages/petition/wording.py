"""Puts a petition into the reader's language, where its site has it in that."""

from msgspec import structs

from bot.messages.i18n import language
from bot.petitions.events import Debated, DebateLink, Event, NotDebated, Rejected
from bot.petitions.petition import Petition


def spoken(petition: Petition) -> Petition:
    """Return the petition in the language that is spoken now, as far as its site has it in that."""
    return petition.worded(language())


def spoken_event(event: Event, petition: Petition) -> Event:
    """Return an event with its texts in the spoken language, if they are still the petition's."""
    read = spoken(petition)
    if petition.debate and read.debate:
        match event:
            case Debated() | NotDebated() if event.overview == petition.debate.overview:
                return structs.replace(event, overview=read.debate.overview or event.overview)
            case DebateLink() if event.url == petition.debate.link(event.name):
                return structs.replace(event, url=read.debate.link(event.name) or event.url)
    if isinstance(event, Rejected) and event.rejection == petition.rejection:
        return structs.replace(event, rejection=read.rejection)
    return event
