"""A petition in the reader's language, where its site has it in that."""

from msgspec import structs

from bot.messages.i18n import language
from bot.petitions.events import Debated, DebateLink, Event, NotDebated, Rejected
from bot.petitions.petition import Petition


def spoken(petition: Petition) -> Petition:
    """The petition in the language that is spoken now, as far as its site has it in that."""
    return petition.worded(language())


def spoken_event(event: Event, petition: Petition) -> Event:
    """What happened, its texts in that language where they are still those of the petition."""
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
