"""Which constituencies a picture shows."""

from bot.petitions.petition import Petition, Place

TOP = 10


def top_places(petition: Petition, highlight: str | None) -> list[tuple[int, Place]]:
    """The places shown, with their ranks: the first ten, and the reader's own (by ONS code)."""
    signed = (place for place in petition.signatures_by_constituency if place.signature_count > 0)
    ranked = enumerate(sorted(signed, key=lambda p: (-p.signature_count, p.name)), 1)
    return [(rank, p) for rank, p in ranked if rank <= TOP or (highlight and p.code == highlight)]
