"""Names the institutions that have a part in a petition as its readers know them.

The texts about a petition are the same everywhere but for these names and for what a number of
signatures brings; a sentence that is built otherwise for another institution is a text of its own.
"""

from collections.abc import Collection, Mapping

from bot.messages.i18n import marked, tr
from bot.petitions.events import Threshold
from bot.petitions.parliaments import description_of
from bot.petitions.parliaments.description import DebatePromise, Responder, SiteDescription
from bot.petitions.petition import Petition

_RESPONSE: Mapping[Responder, str] = {
    "government": marked("government response"),
    "ministers": marked("response from Ministers"),
}
_RESPONSE_TITLE: Mapping[Responder, str] = {
    "government": marked("Government response"),
    "ministers": marked("Ministers' response"),
}

# What happens once a petition has reached a threshold, as the end of a sentence.
_DEBATE_AHEAD: Mapping[DebatePromise, str] = {
    "parliament": marked("{parliament} considers it for a debate"),
    "committee": marked("{committee} considers asking for a debate"),
    "possible": marked("it can be considered for a debate in {parliament}"),
}

# The same once it has, as a sentence.
_DEBATE_EARNED: Mapping[DebatePromise, str] = {
    "parliament": marked("{parliament} will now consider it for a debate."),
    "committee": marked("{committee} will consider asking for a debate."),
    "possible": marked("It can now be considered for a debate in {parliament}."),
}


def responder(petition: Petition) -> Responder | None:
    """Return the institution that answers a petition in writing, None if none does."""
    return description_of(petition).institutions.responder


def response_noun(petition: Petition) -> str:
    """Name a response within a sentence: government response."""
    return tr(_RESPONSE[responder(petition) or "government"])


def response_from(sites: Collection[SiteDescription]) -> str:
    """Name the response that these sites' petitions may get; "" where nobody responds."""
    responders = {who for site in sites if (who := site.institutions.responder)}
    if len(responders) > 1:
        return tr("response")
    return tr(_RESPONSE[responders.pop()]) if responders else ""


def response_title(petition: Petition) -> str:
    """Name a response as a heading has it: Government response."""
    return tr(_RESPONSE_TITLE[responder(petition) or "government"])


def parliament(petition: Petition) -> str:
    """Name the parliament it is addressed to, within a sentence."""
    return tr(description_of(petition).institutions.parliament)


def committee(petition: Petition) -> str:
    """Name the committee that considers it, within a sentence, or else the parliament."""
    institutions = description_of(petition).institutions
    return tr(institutions.committee or institutions.parliament)


def sentence(text: str, petition: Petition, **gaps: object) -> str:
    """Return a marked text with the petition's institutions in its gaps, its start capitalised."""
    return _at_start(_named(text, petition, **gaps))


def _named(text: str, petition: Petition, **gaps: object) -> str:
    return tr(
        text,
        parliament=parliament(petition),
        committee=committee(petition),
        response=response_noun(petition),
        **gaps,
    )


def _at_start(text: str) -> str:
    return text[:1].upper() + text[1:]


def ahead(threshold: Threshold, petition: Petition) -> str:
    """Word what a threshold will bring, as the end of a sentence: a government response is due."""
    match threshold:
        case "response":
            return _named(marked("a {response} is due"), petition)
        case "referral":
            return _named(marked("{committee} will consider it"), petition)
        case "debate":
            return _named(_DEBATE_AHEAD[description_of(petition).debate_promise], petition)


def debate_earned(petition: Petition) -> str:
    """Word what having reached the threshold for a debate means."""
    return sentence(_DEBATE_EARNED[description_of(petition).debate_promise], petition)
