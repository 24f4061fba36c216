"""Words where a petition was signed: its constituencies in order, with MPs and parties."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from bot.messages.buttons import CONSTITUENCIES, Button, Keyboard, button
from bot.messages.format import decimal, number, percent
from bot.messages.i18n import many, marked, say, tr
from bot.messages.message import Message, Rich, bold, compose, cut, italic, lines, row
from bot.messages.petition.parts import FEWEST_ON_A_MAP, place_name, short_title, title
from bot.petitions.parliaments import description_of
from bot.petitions.parse_places import Constituency
from bot.petitions.petition import Petition, Place

TOP = 10
PAGE_SIZE = 20
_TOP_SHARE = 50

Seats = Mapping[str, Constituency]


class Ranked(NamedTuple):
    """A constituency with its place in the order; equals share a place."""

    rank: int
    place: Place


def table_caption(petition: Petition) -> str:
    """Word the caption beneath the file of all places."""
    if _has_parishes(petition):
        return tr("All parishes for “{title}”.", title=short_title(petition))
    return tr("All constituencies for “{title}”.", title=short_title(petition))


def by_places(petition: Petition) -> Petition:
    """Return the petition with its parishes in place of constituencies, if it has those."""
    if "parish" not in description_of(petition).breakdowns:
        return petition
    return structs.replace(petition, signatures_by_constituency=petition.signatures_by_region)


def _has_parishes(petition: Petition) -> bool:
    return "parish" in description_of(petition).breakdowns


def ranked(petition: Petition) -> list[Ranked]:
    """Return a petition's constituencies, most signatures first."""
    order = sorted(petition.signatures_by_constituency, key=lambda p: (-p.signature_count, p.name))
    ranks: dict[int, int] = {}
    for position, place in enumerate(order, 1):
        ranks.setdefault(place.signature_count, position)
    return [Ranked(ranks[place.signature_count], place) for place in order]


def find_place(petition: Petition, words: str) -> Place | None:
    """Return the constituency that an ONS code, a name or the beginning of only one name means."""
    wanted = _plain(words)
    places = petition.signatures_by_constituency
    names = {place: [_plain(place.name), _plain(place_name(petition, place))] for place in places}
    for place in places:
        if wanted in (_plain(place.code), *names[place]):
            return place
    near = [p for p in places if wanted and any(name.startswith(wanted) for name in names[p])]
    return near[0] if len(near) == 1 else None


def top_codes(petition: Petition, own: Place | None = None) -> list[str]:
    """Return the codes of the constituencies that the first message names."""
    codes = [entry.place.code for entry in ranked(petition)[:TOP]]
    return [*codes, own.code] if own and own.code not in codes else codes


def constituencies(
    petition: Petition, seats: Seats, own: Place | None = None
) -> tuple[Message, Keyboard]:
    """Word the top ten, the share of the top fifty, and one's own constituency."""
    order = ranked(petition)
    heading = (
        say("📍 <b>Parishes with most signatures</b>")
        if _has_parishes(petition)
        else say("📍 <b>Constituencies with most signatures</b>")
    )
    message = compose(
        *lines(
            heading,
            title(petition),
            "",
            *(_entry(entry, petition, seats, own) for entry in order[:TOP]),
            "",
            _top_share(order, petition),
            *_own(order, petition, seats, own),
        )
    )
    bars = button(tr("Chart"), CONSTITUENCIES, petition.ref, f"bars.{_code(own)}")
    whole = _page_button(tr("See all"), petition, 0, own)
    return message, [[whole, bars, _csv(petition)]]


def all_constituencies(
    petition: Petition, seats: Seats, page: int, own: Place | None = None
) -> tuple[Message, Keyboard]:
    """List one page of every constituency."""
    order = ranked(petition)
    pages = max(1, -(-len(order) // PAGE_SIZE))
    page = min(max(page, 0), pages - 1)
    shown = order[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    turned = {"page": page + 1, "pages": pages}
    where = (
        many(
            "{count} parish, page {page} of {pages}",
            "{count} parishes, page {page} of {pages}",
            len(order),
            **turned,
        )
        if _has_parishes(petition)
        else many(
            "{count} constituency, page {page} of {pages}",
            "{count} constituencies, page {page} of {pages}",
            len(order),
            **turned,
        )
    )
    message = compose(
        *lines(
            row("📍 ", bold(where)),
            title(petition),
            "",
            *(_entry(entry, petition, seats, own) for entry in shown),
        )
    )
    return message, _page_buttons(petition, page, pages, own)


def no_regions(petition: Petition, is_reachable: bool) -> Message:
    """Word that there is no map to show, and why."""
    why = (
        tr("The petitions site doesn't say which regions this petition was signed in.")
        if is_reachable
        else tr(
            "The petitions site isn't answering, so I can't show the regions. Please try "
            "again in a few minutes."
        )
    )
    return compose(*lines(title(petition), why))


def too_few_for_a_map(petition: Petition) -> Message:
    """Word that so few signed that a map would show chance alone."""
    why = tr(
        "I can draw a map once there are {number} signatures, not counting those from abroad. With "
        "fewer, differences between places may be chance.",
        number=number(FEWEST_ON_A_MAP),
    )
    return compose(*lines(title(petition), why))


def no_breakdown(petition: Petition, is_reachable: bool) -> Message:
    """Word that there are no constituencies to show, and why."""
    why = (
        tr("The petitions site doesn't say where this petition was signed.")
        if is_reachable
        else tr(
            "The petitions site isn't answering, so I can't show where this was signed. "
            "Please try again in a few minutes."
        )
    )
    return compose(*lines(title(petition), why))


def no_such_constituency(words: str) -> str:
    """Word that these words name no constituency of this petition."""
    return tr("I can't find “{words}” among the places that signed this.", words=cut(words, 60))


def table(petition: Petition, seats: Seats) -> bytes:
    """Return every constituency as a CSV file for spreadsheets."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(_columns(petition))
    for rank, place in ranked(petition):
        seat = seats.get(place.code)
        sitting = _sitting(seat)
        person = "; ".join(name for name, _ in sitting)
        party = "; ".join(party for _, party in sitting)
        called = place_name(petition, place)
        texts = [
            f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text
            for text in (called, place.code, person, party)
        ]
        share = f"{100 * _share(place.signature_count, petition):.4f}"
        writer.writerow([rank, *texts[:2], place.signature_count, share, *texts[2:]])
    return file.getvalue().encode("utf-8-sig")


def _columns(petition: Petition) -> list[str]:
    return [
        tr("Rank"),
        tr("Parish") if _has_parishes(petition) else tr("Constituency"),
        tr("Code") if _has_parishes(petition) else tr("ONS code"),
        tr("Signatures"),
        tr("% of total"),
        tr(description_of(petition).institutions.member),
        tr("Party"),
    ]


def display_name(mp: str) -> str:
    """Return a member's name without `Rt Hon`, courtesy titles, and `MP`, `MSP`, `BPA` and such."""
    name = " ".join(mp.split())
    return re.sub(r"^(?:(?:Rt Hon|Mr|Mrs|Ms|Miss)\.? )*|,? (?:MS?P|MS|AS|BPA)$", "", name).strip()


def _entry(entry: Ranked, petition: Petition, seats: Seats, own: Place | None) -> Rich:
    place = entry.place
    share = percent(_share(place.signature_count, petition), 2)
    name = cut(place_name(petition, place), 80)
    is_own = own is not None and own.code == place.code
    heading = f"{entry.rank}. {name} · {number(place.signature_count)} · {share}"
    first: Rich = bold(tr("★ {place} (yours)", place=heading)) if is_own else heading
    return row(*lines(first, *_holders(seats.get(place.code), is_own=is_own)))


def _holders(seat: Constituency | None, *, is_own: bool) -> list[Rich]:
    """Return lines that name a seat's holders; several are named for one's own seat alone."""
    if seat is None or (seat.members and not is_own):
        return []
    if not seat.is_held:
        return [row("     ", italic(tr("vacant")))]
    return [
        f"     {cut(name, 60)}, {cut(party, 40)}" if party else f"     {cut(name, 60)}"
        for name, party in _sitting(seat)
    ]


def _sitting(seat: Constituency | None) -> list[tuple[str, str]]:
    """Return everybody who sits for a seat, by name and party."""
    if seat is None or not seat.is_held:
        return []
    several = [(display_name(each.name), each.party) for each in seat.members]
    return several or [(display_name(seat.mp), seat.party)]


def _top_share(order: Sequence[Ranked], petition: Petition) -> str | None:
    top = [entry.place.signature_count for entry in order[:_TOP_SHARE]]
    if len(top) < _TOP_SHARE:
        return None
    return tr(
        "Top 50: {number} signatures, {share} of the total.",
        number=number(sum(top)),
        share=percent(_share(sum(top), petition)),
    )


def _own(
    order: Sequence[Ranked], petition: Petition, seats: Seats, own: Place | None
) -> Iterator[Rich | None]:
    """Yield lines on one's own seat: its place, and its share against that of an average seat."""
    entry = next((entry for entry in order if own and entry.place.code == own.code), None)
    if entry is None:
        return
    if entry not in order[:TOP]:
        yield ""
        yield _entry(entry, petition, seats, own)
    everywhere = sum(e.place.signature_count for e in order)
    if everywhere:
        times = entry.place.signature_count * len(order) / everywhere
        compared = (
            marked(
                "{place} is number {rank} of {all}. It has {times} times as many signatures as "
                "the average parish, which has {share}."
            )
            if _has_parishes(petition)
            else marked(
                "{place} is number {rank} of {all}. It has {times} times as many signatures as "
                "the average constituency, which has {share}."
            )
        )
        yield tr(
            compared,
            place=cut(place_name(petition, entry.place), 80),
            rank=number(entry.rank),
            all=number(len(order)),
            times=decimal(times),
            share=percent(_share(everywhere / len(order), petition), 2),
        )


def _share(signatures: float, petition: Petition) -> float:
    """Return the share of all signatures, those from abroad included."""
    return signatures / petition.signature_count if petition.signature_count else 0.0


def _page_button(text: str, petition: Petition, page: int, own: Place | None) -> Button:
    return button(text, CONSTITUENCIES, petition.ref, f"{page}.{_code(own)}")


def _code(own: Place | None) -> str:
    """Return one's own constituency as a button carries it, "" for none."""
    return own.code if own and re.fullmatch(r"[\w-]{1,12}", own.code, re.ASCII) else ""


def _page_buttons(petition: Petition, page: int, pages: int, own: Place | None) -> Keyboard:
    turns = []
    if page > 0:
        turns.append(_page_button(tr("‹ Previous"), petition, page - 1, own))
    if page < pages - 1:
        turns.append(_page_button(tr("Next ›"), petition, page + 1, own))
    return [turns, [_csv(petition)]] if turns else [[_csv(petition)]]


def _csv(petition: Petition) -> Button:
    return button(tr("Download CSV"), CONSTITUENCIES, petition.ref, "csv")


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("&", " and ").replace(",", " ").split())
