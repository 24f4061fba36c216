"""The client of one petitions site (shell).

A look at a petition is answered with a value, whatever the network or the site does; lists and the
rest raise ParliamentUnavailable, ParliamentError or MalformedPetition. Nothing is tried twice here:
it is for the caller to decide when to try again.
"""

import copy
import re
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal, Self, TypeAlias
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver
from cachetools import LRUCache
from msgspec import Struct, structs

from bot.errors import MalformedPetition, ParliamentError, ParliamentUnasked, ParliamentUnavailable
from bot.outages import fault_of
from bot.petitions.parliaments import description_of, host_of
from bot.petitions.parse import (
    Page,
    PastParliament,
    Trending,
    parse_counts,
    parse_page,
    parse_parliaments,
    parse_petition,
    parse_topics,
    parse_trending,
    parse_wording,
    works_like,
)
from bot.petitions.parse_places import (
    Constituency,
    Local,
    parse_constituencies,
    parse_local,
    parse_parishes,
    slug,
)
from bot.petitions.petition import Counts, Petition, PetitionId, PetitionRef, Site, Wording
from bot.polling.bounded_body import TooLarge, read_body
from bot.polling.clocks import SiteClock

log = structlog.get_logger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)
_ELSEWHERE = "redirected elsewhere"
# Several times as much as the longest body that any site sends: it takes a moment to read.
MAX_BYTES = 2 * 1024 * 1024

# Bodies that are known by an ETag are kept, so that the site need not send them again.
_MOST_BODIES = 1_000


class Found(Struct, frozen=True):
    """The answer with a petition; `max_age` is how many seconds its body counts as fresh."""

    petition: Petition
    last_modified: datetime | None = None
    max_age: int | None = None


class NotModified(Struct, frozen=True):
    """The answer that nothing changed since the time asked about, in steps of ten seconds."""


class NotFound(Struct, frozen=True):
    """The answer that the site knows no such petition, or does not show it."""


class Gone(Struct, frozen=True):
    """The answer that the petition was published, and was taken off the site."""


class Unpublished(Struct, frozen=True):
    """The answer that the petition exists and is not published.

    `stopped` ones ran into the end of a parliament.
    """

    reason: Literal["gathering_support", "moderation", "stopped"]


class Unavailable(Struct, frozen=True):
    """No answer now; `retry_after` is for how many seconds the site asks us to wait.

    `whole_site` tells that it would be the same for every petition of the site.
    """

    reason: str
    retry_after: float | None = None
    whole_site: bool = False


class Unreadable(Struct, frozen=True):
    """An answer that makes no sense to us."""

    reason: str


# The bodies that a site sent lately, or its failures to send one, by the address that was asked.
Kept: TypeAlias = MutableMapping[str, bytes | ParliamentError]

Look: TypeAlias = Found | NotModified | NotFound | Gone | Unpublished | Unavailable | Unreadable


def open_session(version: str, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """Open a session for every site together; it is the caller's to close.

    `resolver` finds servers by their names in another way than this machine does.
    """
    return aiohttp.ClientSession(
        headers={
            "User-Agent": f"PetitionBell/{version} (petition alerts for Telegram)",
            "Accept": "application/json",
        },
        connector=aiohttp.TCPConnector(limit=8, limit_per_host=4, resolver=resolver),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=TIMEOUT,
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Answer(Struct, frozen=True):
    """An answer, read to its end; there is a body only with a status of 200."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class PetitionsApi:
    """The client of one petitions site."""

    def __init__(
        self,
        site: Site,
        session: aiohttp.ClientSession,
        *,
        max_bytes: int = MAX_BYTES,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.site = site
        self.description = description_of(site)
        # The host that a site is asked at, which decides the language of its paths.
        description, name = description_of(site), host_of(site.url)
        host = next((host for host in description.hosts if host.name == name), description.hosts[0])
        self._paths = host.paths
        self._base = site.url
        self._session = session
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._now = now
        self.clock = SiteClock()
        # Shared with the same site for people, as the clock is.
        self._seen_like: dict[str, str] = {}
        self._asks: Callable[[], None] = lambda: None
        self._hops: Callable[[], None] = lambda: None
        self._hears: Callable[[ParliamentUnavailable], None] = lambda _: None
        self._bodies: LRUCache[str, tuple[str, Found]] = LRUCache(_MOST_BODIES)
        self._kept: Kept = {}
        self._keeps = self._is_for_people = False

    @property
    def works_like(self) -> str:
        """The id of the described site that this one was seen to answer like, "" before that."""
        return self._seen_like.get("id", "")

    def _note_likeness(self, body: bytes) -> None:
        own, before = self.description.id, self.works_like
        if before != own and (found := works_like(body)):
            self._seen_like["id"] = found
            if found not in {own, before}:
                log.warning("this site works like another", site=self.site.id, like=found, set=own)

    def keep_lists(self, kept: Kept, hops: Callable[[], None]) -> None:
        """Keep what lists say in `kept`, for people who ask the same.

        `hops` is called for each second request that one look takes.
        """
        self._kept, self._hops, self._keeps = kept, hops, True

    def for_people(
        self, asks: Callable[[], None], hears: Callable[[ParliamentUnavailable], None]
    ) -> Self:
        """Return the same site for what people ask: what was kept lately is not asked for again.

        `asks` is called before each request and may raise ParliamentUnasked; `hears` is called with
        the error when there is no answer.
        """
        other = copy.copy(self)
        other._asks, other._hears, other._is_for_people = asks, hears, True
        return other

    def in_language(self, language: str) -> Self:
        """Return the same site on its host of that language, or itself if it has none.

        That other host may be away without the site being so.
        """
        host = self.description.hosts[-1]
        if not self.site.other_url or host.language != language:
            return self
        other = copy.copy(self)
        other._paths, other._base, other._hears = host.paths, self.site.other_url, lambda _: None
        return other

    async def archived_look(
        self, petition_id: PetitionId, *, since: datetime | None = None
    ) -> Look:
        """Look at a petition that was in the archive when last seen: one request, if it is."""
        look = await self._looked(f"/archived/petitions/{petition_id}.json", petition_id, since)
        if isinstance(look, Found | NotModified) or (
            isinstance(look, Unavailable) and look.reason != _ELSEWHERE
        ):
            return look
        self._hops()
        return await self.look(petition_id, since=since)

    async def look(
        self, petition: PetitionRef | PetitionId, *, since: datetime | None = None
    ) -> Look:
        """Look at a petition, wherever the site keeps it. Never raises for what a site does.

        With `since`, the answer may be NotModified; the site's clock for that ticks in tens of
        seconds, so a NotModified is a hint and not a proof.
        """
        petition_id = petition.id if isinstance(petition, PetitionRef) else petition
        return await self._looked(
            f"/{self._paths.petitions}/{petition_id}.json", petition_id, since
        )

    async def _looked(self, target: str, petition_id: PetitionId, since: datetime | None) -> Look:
        try:
            etag, body = self._bodies.get(target, ("", None))
            answer = await self._get(target, since, etag)
            if body and etag and answer.status == 304:
                return body
            if archive := self._archive(answer):
                self._hops()
                answer = await self._get(archive, since)
            if answer.status == 304 and not since:
                return Unreadable("says that nothing changed, which nobody asked")
            return self._kept_by_etag(target, answer, self._seen(answer, petition_id))
        except ParliamentUnavailable as error:
            return silence(error)
        except (ParliamentError, MalformedPetition) as error:
            return unreadable(error)

    def _kept_by_etag(self, target: str, answer: _Answer, look: Look) -> Look:
        """Keep a look by the ETag of a site that sends no date; return it."""
        etag = answer.headers.get("ETag")
        if isinstance(look, Found) and etag and look.last_modified is None:
            self._bodies[target] = etag, look
        elif not isinstance(look, NotModified):
            self._bodies.pop(target, None)
        return look

    def _archive(self, answer: _Answer) -> str | None:
        """Return the path of a body that the site redirects to, as to its archive; else None."""
        target = self._redirect(answer)
        return target if target and target.endswith(".json") else None

    def _redirect(self, answer: _Answer) -> str | None:
        """Return the path a redirect leads to; None if it is no redirect or leads off the site."""
        if answer.status not in {301, 302, 303, 307, 308}:
            return None
        try:
            target = urlsplit(urljoin(answer.url, answer.headers.get("Location", "")))
            here = target.hostname == urlsplit(self.site.url).hostname
        except ValueError:
            return None
        return (target.path or "/") if here else None

    def _seen(self, answer: _Answer, petition_id: PetitionId) -> Look:
        match answer.status:
            case 200:
                return self._found(answer, petition_id)
            case 304:
                return NotModified()
            case 404:
                return NotFound()
            case 410:
                return Gone()
            case _:
                return self._unpublished(self._redirect(answer), petition_id)

    def _unpublished(self, path: str | None, petition_id: PetitionId) -> Look:
        """Tell by a redirect to one of the site's web pages how a petition stands."""
        paths = self._paths
        match path:
            case "/":
                return Unpublished("stopped")
            case str() if path.endswith(f"/{paths.gathering_support}"):
                return Unpublished("gathering_support")
            case str() if path.endswith(f"/{paths.moderation_info}"):
                return Unpublished("moderation")
            case str() if path == f"/{paths.petitions}/{petition_id}":
                return Unavailable("being archived")
            case _:
                return Unavailable(_ELSEWHERE)

    def _query(self, state: str, q: str | None, topic: str | None, number: int) -> str:
        asked = {"state": state, "count": str(self.description.lists.most_rows)}
        if number > 1:
            asked["page"] = str(number)
        if q:
            # A number alone would send us to the web page of the petition that has it.
            asked["q"] = f"#{q}" if q.isdigit() else q
        if topic:
            asked["topic"] = topic
        return urlencode(asked, errors="replace")

    def _found(self, answer: _Answer, petition_id: PetitionId) -> Look:
        self._note_likeness(answer.body)
        petition = parse_petition(answer.body, self.site, petition_id)
        if petition.ref.id != petition_id:
            return Unreadable("answered about another petition")
        match = re.search(
            r"(?:^|[\s,])max-age=([0-9]{1,9})", answer.headers.get("Cache-Control", "")
        )
        return Found(
            petition,
            last_modified=_date(answer.headers.get("Last-Modified")),
            max_age=int(match[1]) if match else None,
        )

    async def wording(self, petition_id: PetitionId) -> Wording:
        """Read a petition's texts in the site's other language; raises as lists do."""
        other = self.in_language(self.description.hosts[-1].language)
        body = await other._fetch(f"/{other._paths.petitions}/{petition_id}.json")
        return parse_wording(body, self.site, petition_id)

    async def counts(self, petition_id: PetitionId) -> Counts:
        """Read a petition's numbers alone; the site answers for unpublished petitions too."""
        return parse_counts(
            await self._body(f"/{self._paths.petitions}/{petition_id}/{self._paths.count}.json"),
            self.site,
        )

    async def page(
        self,
        state: str,
        *,
        q: str | None = None,
        topic: str | None = None,
        number: int = 1,
        url: str | None = None,
    ) -> Page:
        """Read a page of current petitions, by its number or by the `next` of the one before."""
        query = self._query(state, q, topic, number)
        target = _target(url) if url else f"/{self._paths.petitions}.json?{query}"
        body = await self._body(target)
        self._note_likeness(body)
        return parse_page(body, self.site)

    async def archived_page(
        self, state: str, *, q: str | None = None, topic: str | None = None, number: int = 1
    ) -> Page:
        """Read a page of the last archived parliament; its `next` cannot be relied on."""
        target = f"/archived/petitions.json?{self._query(state, q, topic, number)}"
        return parse_page(await self._body(target), self.site)

    async def pages(
        self, state: str, *, q: str | None = None, topic: str | None = None
    ) -> AsyncIterator[Page]:
        """Yield every page of a list, each petition once.

        The order is alive while we page: a petition may come twice, and then counts once, or not at
        all, which says nothing about it.
        """
        seen: set[PetitionId] = set()
        been: set[PetitionId | None] = set()
        number = 1
        page = await self.page(state, q=q, topic=topic)
        while page.petitions or page.malformed:
            start = page.petitions[0].ref.id if page.petitions else page.next
            if start in been:
                return
            been.add(start)
            yield _without(seen, page)
            if page.next is None:
                return
            number += 1
            if self.description.lists.next_is_right:
                page = await self.page(state, url=page.next)
            else:
                page = await self.page(state, q=q, topic=topic, number=number)

    async def trending(self) -> tuple[Trending, ...]:
        """Read what was signed most in the last hour (or day); empty if hardly anything was."""
        return parse_trending(await self._body(f"/{self._paths.trending}.json"), self.site)

    async def constituencies(self, period: str | None = None) -> tuple[Constituency, ...]:
        """Read the constituencies of a parliament named like `2019-2024`, or of the current one.

        Raises ValueError for another `period`.
        """
        if period is not None and not re.fullmatch(r"[0-9]{4}-[0-9]{4}|current", period):
            raise ValueError(f"not a parliament's period: {period!r}")
        folder = f"/parliaments/{period}" if period else ""
        return parse_constituencies(
            await self._body(f"{folder}/{self._paths.constituencies}.json"), self.site
        )

    async def parishes(self) -> tuple[Constituency, ...]:
        """Read the parishes, on a site where petitions are signed by parish."""
        return parse_parishes(await self._body(f"/{self._paths.parishes}.json"), self.site)

    async def topics(self) -> Mapping[str, str]:
        """Read the names of the site's topics, by their codes."""
        return parse_topics(await self._body(f"/{self._paths.topics}.json"), self.site)

    async def local(self, name: str, code: str = "") -> tuple[Local, ...]:
        """Read what is signed most in a current constituency or parish.

        Its `name` is as the site names it; some sites have it at its `code` instead.
        """
        place = code if code and self.description.places_by_code else slug(name)
        target = f"/{self._paths.petitions}/{self._paths.local}/{place}.json"
        return parse_local(await self._body(target), self.site)

    async def parliaments(self) -> tuple[PastParliament, ...]:
        """Read the parliaments whose petitions are archived, the latest first."""
        return parse_parliaments(await self._body("/parliaments.json"), self.site)

    async def _body(self, target: str) -> bytes:
        """Return the JSON at a path of the site; for people, what was kept of it lately will do."""
        path, _, query = target.partition("?")
        address = f"{path}?{urlencode(sorted(parse_qsl(query)))}" if query else path
        if self._is_for_people and (kept := self._kept.get(address)) is not None:
            if isinstance(kept, ParliamentError):
                raise kept.with_traceback(None)
            return kept
        try:
            body = await self._fetch(target)
        except ParliamentUnasked:
            raise
        except ParliamentError as error:
            if self._is_for_people:
                self._keep(address, error)
            raise
        self._keep(address, body)
        return body

    async def _fetch(self, target: str) -> bytes:
        answer = await self._get(target)
        if answer.status != 200:
            raise ParliamentError(answer.url, answer.status, f"status {answer.status}")
        return answer.body

    def _keep(self, address: str, answer: bytes | ParliamentError) -> None:
        if self._keeps and not address.endswith(f"/{self._paths.count}.json"):
            with suppress(ValueError):  # larger than all that is kept
                self._kept[address] = answer

    async def _get(self, target: str, since: datetime | None = None, etag: str = "") -> _Answer:
        """Ask once for a path of the site, following nothing.

        Comes back with a body of JSON, a redirect, or one of 304, 404 and 410; for anything else
        raises ParliamentUnavailable if it may pass by itself, and ParliamentError if it will not.
        """
        url = self._base.rstrip("/") + target
        self._asks()
        try:
            async with self._session.get(
                url, headers=_only_if(since, etag), allow_redirects=False, timeout=self._timeout
            ) as response:
                if told := _date(response.headers.get("Date")):
                    self.clock.told(told)
                self._accept(url, response)
                body = await self._read(url, response) if response.status == 200 else b""
                return _Answer(url, response.status, response.headers, body)
        except ParliamentUnavailable as error:
            self._hears(error)
            raise
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, aiohttp.InvalidURL):
                raise ParliamentError(url, None, "an address that cannot be asked") from error
            failure = ParliamentUnavailable(url, None, fault_of(error))
            self._hears(failure)
            raise failure from error
        except ValueError as error:
            raise ParliamentError(url, None, "an address that cannot be asked") from error

    def _accept(self, url: str, response: aiohttp.ClientResponse) -> None:
        """Refuse what cannot be used, by its status and headers alone; raises as `_get` does."""
        status = response.status
        if status in {401, 403, 408, 425, 429} or status >= 500:
            # A wish that ends at an instant means one of the site's own clock.
            told = _date(response.headers.get("Date")) or self._now()
            wish = _retry_after(response.headers.get("Retry-After"), told)
            raise ParliamentUnavailable(url, status, f"status {status}", wish)
        if not (status in {200, 304, 404, 410} or 300 < status < 400):
            raise ParliamentError(url, status, f"status {status}")
        if status == 200 and "json" not in response.content_type:
            html = "html" in response.content_type
            kind = "HTML" if html else "something other than JSON"
            raise ParliamentError(url, status, f"answered in {kind}")

    async def _read(self, url: str, response: aiohttp.ClientResponse) -> bytes:
        """Read the body, unpacked; reading stops where it grows out of all proportion."""
        try:
            return (await read_body(response, self._max_bytes)).removeprefix(BOM_UTF8)
        except TooLarge as error:
            raise ParliamentError(url, response.status, "too large") from error


def is_whole_site(error: ParliamentUnavailable) -> bool:
    """Return whether every other request to the site would have failed alike."""
    return error.status in {401, 403, 429, 503} or isinstance(
        error.__cause__, aiohttp.ClientConnectorError | aiohttp.ClientSSLError
    )


def silence(error: ParliamentUnavailable) -> Unavailable:
    """Return the answer that stands for a site's giving none."""
    return Unavailable(error.reason, error.retry_after, is_whole_site(error))


def unreadable(error: ParliamentError | MalformedPetition) -> Unreadable:
    """Return the answer that stands for one that makes no sense."""
    if isinstance(error, MalformedPetition):
        return Unreadable(f"malformed at {error.field}")
    return Unreadable(error.reason)


def _without(seen: set[PetitionId], page: Page) -> Page:
    """Return the page less what has been seen, and count all of it as seen from now on."""
    fresh = {petition.ref.id: petition for petition in page.petitions}
    fresh = {id_: petition for id_, petition in fresh.items() if id_ not in seen}
    seen.update(fresh)
    return structs.replace(page, petitions=tuple(fresh.values()))


def _target(url: str) -> str:
    """Return the path and query of a link the site gave, to be asked of the site itself.

    Raises ParliamentError for a link that leads nowhere.
    """
    try:
        link = urlsplit(url)
    except ValueError as error:
        raise ParliamentError(url, None, "a link that leads nowhere") from error
    if not link.path.startswith("/"):
        raise ParliamentError(url, None, "a link that leads nowhere")
    return f"{link.path}?{link.query}" if link.query else link.path


def _only_if(since: datetime | None, etag: str) -> dict[str, str]:
    if etag:
        return {"If-None-Match": etag}
    if since is None:
        return {}
    return {"If-Modified-Since": format_datetime(since.astimezone(UTC), usegmt=True)}


def _date(header: str | None) -> datetime | None:
    """Read an HTTP date as an instant in UTC; None if it is none."""
    try:
        moment = parsedate_to_datetime(header or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds until the site wants to be asked again: it gives them, or a date."""
    wish = (header or "").strip()
    if re.fullmatch("[0-9]{1,9}", wish):
        return float(wish)
    until = _date(wish)
    return max(0.0, (until - now).total_seconds()) if until else None
