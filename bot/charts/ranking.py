"""Which constituencies a picture shows."""

from bot.messages.petition.constituencies import Ranked, ranked
from bot.petitions.petition import Petition

TOP = 10


def top_places(petition: Petition, highlight: str | None) -> list[Ranked]:
    """The places shown, with their ranks: the first ten, and the reader's own (by ONS code)."""
    signed = [entry for entry in ranked(petition) if entry.place.signature_count > 0]
    own = [entry for entry in signed[TOP:] if highlight and entry.place.code == highlight]
    return signed[:TOP] + own
