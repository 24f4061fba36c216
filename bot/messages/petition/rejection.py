"""Words why a petition was rejected, for the codes that sites give."""

from collections.abc import Mapping

from bot.messages.i18n import marked, tr
from bot.messages.petition.institutions import parliament, responder
from bot.messages.petition.parts import is_too_few, too_few
from bot.petitions.parliaments.description import Responder
from bot.petitions.petition import Petition, Rejection

_REASONS = {
    "bad-address": marked("It was started with an address that isn't valid."),
    "duplicate": marked("There's already a petition about this."),
    "fake-name": marked("It was started with a fake or incomplete name."),
    "foi": marked(
        "It asks for information. For that, make a freedom of information (FOI) request."
    ),
    "honours": marked("It's about honours or appointments, which have a separate process."),
    "insufficient": marked("It didn't get enough support to go ahead."),
    "withdrawn": marked("Whoever started it has withdrawn it."),
}
# Those about what is whose business, by who answers: the parliament alone where nobody does.
_IRRELEVANT: Mapping[Responder | None, str] = {
    "government": marked(
        "It's about something the Government or Parliament isn't responsible for."
    ),
    "ministers": marked("It's about something Ministers and {parliament} aren't responsible for."),
    None: marked("It's about something {parliament} isn't responsible for."),
}
_NO_ACTION: Mapping[Responder | None, str] = {
    "government": marked("It isn't clear what it asks the Government or Parliament to do."),
    "ministers": marked("It isn't clear what it asks Ministers or {parliament} to do."),
    None: marked("It isn't clear what it asks {parliament} to do."),
}


def reason(petition: Petition, rejection: Rejection | None) -> str | None:
    """Word the reason in a sentence; None for a code that nobody foresaw."""
    if rejection is None:
        return None
    if is_too_few(petition) and (needed := too_few(petition)):
        return needed
    who, name = responder(petition), parliament(petition)
    match rejection.code:
        case "irrelevant":
            return tr(_IRRELEVANT[who], parliament=name)
        case "no-action":
            return tr(_NO_ACTION[who], parliament=name)
        case code:
            known = _REASONS.get(code)
            return tr(known) if known else None
