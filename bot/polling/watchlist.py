"""The petitions of a site that are watched: followed ones, and others where rules listen."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from bot.petitions.history import PetitionHistory
from bot.petitions.petition import PetitionId
from bot.petitions.thresholds import CustomMilestones, is_settled
from storage import Storage

# What happened longer ago to a petition that is met for the first time is no news any more.
_NEWS_FOR = timedelta(days=1)


class Watchlist:
    """The watched petitions of one site, by their ids.

    `followers` is how many follow each, `custom_milestones` what they have set themselves, and
    `ruled_since` since when rules have been listening to the site, None while none do. Of what
    rules alone are about, `_awaited` holds all that may still ring, and `_settled` what is known
    and will not.
    """

    def __init__(self) -> None:
        self.followers: Mapping[PetitionId, int] = {}
        self.custom_milestones: Mapping[PetitionId, Collection[CustomMilestones]] = {}
        self.ruled_since: datetime | None = None
        self._awaited: dict[PetitionId, None] = {}
        self._settled: set[PetitionId] = set()

    @property
    def is_ruled(self) -> bool:
        """True while any rule listens to this site."""
        return self.ruled_since is not None

    def watched(self, followed: Iterable[PetitionId]) -> set[PetitionId]:
        """Return all that is to be watched, given what somebody follows."""
        return {*followed, *self._awaited}

    def since(self, now: datetime) -> datetime | None:
        """Return from when on news of a petition met for the first time rings; None for never."""
        return max(self.ruled_since, now - _NEWS_FOR) if self.ruled_since else None

    def is_newly_met(self, id_: PetitionId, known: PetitionHistory | None) -> bool:
        """Return whether it was not watched when rules began to listen, and has not been since."""
        if self.ruled_since is None:
            return False
        return known is None or (known.read_at < self.ruled_since and id_ not in self.followers)

    def leaves_out(self, known: PetitionHistory) -> bool:
        """Take note of a petition; return whether nothing is expected of it any more."""
        self.note(known)
        return known.petition.ref.id in self._settled

    def note(self, known: PetitionHistory) -> None:
        """Take note of a petition as it is known now."""
        if self.ruled_since is None:
            return
        id_ = known.petition.ref.id
        if known.removed or is_settled(known.petition):
            self._settled.add(id_)
            self._awaited.pop(id_, None)
        else:
            self._settled.discard(id_)
            self._awaited[id_] = None

    def listen(self, since: datetime, known: Iterable[PetitionId]) -> None:
        """Take note that rules listen since then; these are all the petitions that are known."""
        if self.ruled_since != since:
            self._settled.clear()
        self.ruled_since = since
        self._awaited = dict.fromkeys(id_ for id_ in known if id_ not in self._settled)

    def rest(self) -> None:
        """Take note that no rule listens any longer."""
        self.ruled_since = None
        self._awaited, self._settled = {}, set()


async def survey(storage: Storage, watchlists: Mapping[str, Watchlist], now: datetime) -> None:
    """Have each site's watchlist take note of who follows what, and of whether rules listen."""
    followers, ruled = await storage.followers(), await storage.ruled_sites()
    custom_milestones = await storage.custom_milestones()
    known = await storage.petitions() if ruled else ()
    for site, watchlist in watchlists.items():
        watchlist.followers = {ref.id: many for ref, many in followers.items() if ref.site == site}
        watchlist.custom_milestones = {
            ref.id: some for ref, some in custom_milestones.items() if ref.site == site
        }
        if site in ruled:
            since = await _listening_since(storage, site, now)
            watchlist.listen(since, [ref.id for ref in known if ref.site == site])
        else:
            # What happens while no rule listens is not to ring when one does again.
            watchlist.rest()
            if await storage.note(_note(site)):
                await storage.save_note(_note(site), "")


async def _listening_since(storage: Storage, site: str, now: datetime) -> datetime:
    """Return since when rules have been listening; from now on, if they have not."""
    if kept := await storage.note(_note(site)):
        since = datetime.fromisoformat(kept)
        if since <= now:  # else the clock was ahead then
            return since
    await storage.save_note(_note(site), now.isoformat())
    return now


def _note(site: str) -> str:
    return f"rules listen to {site} since"
