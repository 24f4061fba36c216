"""Names the kinds of news, for the settings and for a rule's buttons."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from bot.messages.format import listed
from bot.messages.i18n import marked, tr
from bot.petitions.events import Kind
from bot.petitions.parliaments.description import Responder, SiteDescription
from bot.subscriptions.preferences import KINDS_IN_SETTINGS


class Label(NamedTuple):
    """The names of a kind among the settings of what is followed, and among a rule's choices."""

    in_settings: str = ""
    in_rules: str = ""


_OTHER_MILESTONES = marked("Other milestones")
_BUSINESS = marked("Other news from Parliament")
_CLOSING = marked("Closing")
_STATUS = marked("Rejection or removal")
_OVERDUE = marked("Overdue response or debate")
_SURGES = marked("Surges")
_COUNT_FELL = marked("Signatures removed")

LABELS: Mapping[Kind, Label] = {
    "threshold": Label(marked("Official thresholds"), marked("{number} signatures")),
    "milestone": Label(_OTHER_MILESTONES, _OTHER_MILESTONES),
    "custom_milestone": Label(marked("Your own milestones")),
    "response": Label(marked("Response"), marked("Responses")),
    "debate": Label(marked("Debate"), marked("Debates")),
    "business": Label(_BUSINESS, _BUSINESS),
    "closing": Label(_CLOSING, _CLOSING),
    "status": Label(_STATUS, _STATUS),
    "overdue": Label(_OVERDUE, _OVERDUE),
    "surge": Label(_SURGES, _SURGES),
    "count_fell": Label(_COUNT_FELL, _COUNT_FELL),
    "opened": Label(in_rules=marked("New petitions")),
    "top_ten": Label(in_rules=marked("Entering a top 10")),
}


_RESPONSES: Mapping[Responder, str] = {
    "government": marked("Government response"),
    "ministers": marked("Ministers' response"),
}


def kind_name(kind: Kind, sites: Collection[SiteDescription] = ()) -> str:
    """Name a kind of news for the settings.

    A response is named after whoever gives it on `sites`, if that is one institution alone.
    """
    responders = {who for site in sites if (who := site.institutions.responder)}
    if kind == "response" and len(responders) == 1:
        return tr(_RESPONSES[responders.pop()])
    return tr(LABELS[kind].in_settings)


def kinds_named(kinds: Iterable[Kind], sites: Collection[SiteDescription] = ()) -> str:
    """Name kinds within a sentence: government response, debate and closing."""
    names = [kind_name(kind, sites) for kind in KINDS_IN_SETTINGS if kind in set(kinds)]
    return listed([name[:1].lower() + name[1:] for name in names])
