"""How long it takes to find whom a poll concerns, as rules and subscriptions grow; no storage.

Every one of 2,500 petitions reaches a threshold at once. Their texts are about 1,100 characters of
invented words, as often as words of that rank are in English (Zipf), and longer the rarer they are.
Subscriptions spread over the petitions unevenly; a tenth as many rules ask for one to three words
that are not among the five hundred most common, some as a phrase, some with a word they leave out.

Times are of one core, and the garbage collector leaves alone what was there before the poll. The
longest petition is how long the loop would be held if it worked them off one at a time.

The peer asks every rule about every petition, with its words taken apart beforehand.
"""

import gc
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from time import process_time
from typing import NamedTuple

from world import START

from bot.petitions.events import MilestoneReached, Occurrence
from bot.petitions.petition import Petition, PetitionRef
from bot.subscriptions.delivery import Delivery
from bot.subscriptions.matching import follower, match
from bot.subscriptions.rules import RuleBook, fits, stems
from bot.subscriptions.subscription import Preferences, Rule, Subscription

PETITIONS = 2_500
SIZES = (1_000, 10_000, 100_000)
SCANNED = 50
_WORDS = 20_000
_COMMON = 500


class Language:
    """Invented words by rank, drawn as often as English has words of that rank."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        words: dict[str, None] = {}
        while len(words) < _WORDS:
            words[self._invented(2 + len(words).bit_length() // 2)] = None
        self.words = list(words)
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(_WORDS)))
        self._rare = list(accumulate(1 / (rank + 2.7) for rank in range(_COMMON, _WORDS)))

    def _invented(self, length: int) -> str:
        pairs = (self._rng.choice("bcdfghklmnprtvw") + self._rng.choice("aeiou") for _ in range(9))
        return "".join(pairs)[: length + self._rng.randrange(3)]

    def text(self, characters: int) -> str:
        """Running text of about so many characters."""
        drawn = self._rng.choices(self.words, cum_weights=self._weights, k=characters // 5)
        return " ".join(drawn)[:characters]

    def wanted(self) -> list[str]:
        """One to three words as somebody would ask for them."""
        count = self._rng.choice((1, 1, 2, 2, 3))
        return self._rng.choices(self.words[_COMMON:], cum_weights=self._rare, k=count)


class Crowd(NamedTuple):
    """Who follows what."""

    subscriptions: dict[PetitionRef, list[Subscription]]
    rules: list[Rule]


class Took(NamedTuple):
    """A poll worked off: seconds in all and for the longest petition, and what it caused."""

    seconds: float
    longest: float
    deliveries: int
    by_rule: int


def petitions(rng: random.Random, language: Language) -> list[Petition]:
    """Petitions that have just reached a threshold."""
    return [
        Petition(
            ref=PetitionRef("uk", 700_000 + number),
            url="",
            action=language.text(rng.randint(30, 80)),
            background=language.text(rng.randint(200, 300)),
            additional_details=language.text(rng.randint(600, 900)),
            state="open",
            signature_count=10_000,
            response_threshold=10_000,
            debate_threshold=100_000,
        )
        for number in range(PETITIONS)
    ]


def crowd(
    rng: random.Random, language: Language, looked_at: Sequence[Petition], size: int
) -> Crowd:
    """So many subscriptions, and a tenth as many rules."""
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(looked_at))))
    followed: dict[PetitionRef, list[Subscription]] = defaultdict(list)
    for chat, petition in enumerate(rng.choices(looked_at, cum_weights=weights, k=size)):
        followed[petition.ref].append(Subscription(chat, petition.ref, START))
    return Crowd(followed, [_rule(rng, language, number, size) for number in range(size // 10)])


def _rule(rng: random.Random, language: Language, number: int, size: int) -> Rule:
    words = language.wanted()
    as_phrase = len(words) > 1 and rng.random() < 0.2
    return Rule(
        rng.randrange(size),
        "uk",
        START,
        ("threshold", "response"),
        number=number + 1,
        words=(" ".join(words),) if as_phrase else tuple(words),
        without=tuple(language.wanted()[:1]) if rng.random() < 0.1 else (),
    )


def worked_off(book: RuleBook, who: Crowd, looked_at: Sequence[Petition]) -> Took:
    """Whom each petition's threshold concerns, one petition after the other."""
    longest, count, by_rule = 0.0, 0, 0
    started = process_time()
    for petition in looked_at:
        began = process_time()
        owed = _owed(book, who, petition)
        longest = max(longest, process_time() - began)
        count += len(owed)
        by_rule += sum(delivery.rule > 0 for delivery in owed)
    return Took(process_time() - started, longest, count, by_rule)


def _owed(book: RuleBook, who: Crowd, petition: Petition) -> list[Delivery]:
    event = MilestoneReached(10_000, 10_000, "response")
    occurred = [Occurrence(f"{petition.ref}:{event.key}", petition.ref, START, event)]
    ruled: dict[int, list[Rule]] = defaultdict(list)
    for rule in book.fitting(petition, ["threshold"]):
        ruled[rule.chat_id].append(rule)
    preferences = Preferences()
    followers = [
        follower(each, ruled.pop(each.chat_id, ()), preferences, each.chat_id)
        for each in who.subscriptions.get(petition.ref, ())
    ]
    followers += [follower(None, rules, preferences, chat) for chat, rules in ruled.items()]
    return match(occurred, petition, followers, START, 1)


def scanned(rules: Sequence[Rule], looked_at: Sequence[Petition]) -> float:
    """Seconds for a petition when every rule is asked."""
    apart = [(frozenset(s for word in rule.words for s in stems(word)), rule) for rule in rules]
    started = process_time()
    for petition in looked_at:
        text = f"{petition.action}\n{petition.background}\n{petition.additional_details}"
        words = frozenset(stems(text))
        _ = [rule for wanted, rule in apart if wanted <= words and fits(rule, petition)]
    return (process_time() - started) / len(looked_at)


def indexed(book: RuleBook, looked_at: Sequence[Petition]) -> float:
    """Seconds for a petition when the index is asked."""
    started = process_time()
    for petition in looked_at:
        book.fitting(petition, ["threshold"])
    return (process_time() - started) / len(looked_at)


def grown() -> Iterator[str]:
    """A poll in which every petition rings, with ever more people."""
    yield "subscriptions  rules   owed  by rule    poll s  µs each  longest ms  index  scan (ms)"
    first = 0.0
    for size in SIZES:
        rng = random.Random(7)  # noqa: S311 (not a secret: the same crowd every time)
        language = Language(rng)
        looked_at = petitions(rng, language)
        who = crowd(rng, language, looked_at, size)
        book = RuleBook(who.rules)
        gc.collect()
        gc.freeze()
        took = worked_off(book, who, looked_at)
        each = took.seconds / took.deliveries * 1e6
        ours, peer = indexed(book, looked_at[:SCANNED]), scanned(who.rules, looked_at[:SCANNED])
        first = first or took.seconds
        yield (
            f"{size:13,}  {len(who.rules):5,}  {took.deliveries:6,}  {took.by_rule:7,}  "
            f"{took.seconds:8.2f}  {each:7.1f}  {took.longest * 1e3:10.1f}  "
            f"{ours * 1e3:5.2f}  {peer * 1e3:7.2f} (x{peer / ours:.0f})"
        )
        yield f"{'':13}  {took.seconds / first:.1f} times the first row's time"


def unconcerned() -> Iterator[str]:
    """The same poll and the same matches, while more and more others follow something else."""
    rng = random.Random(11)  # noqa: S311
    language = Language(rng)
    looked_at = petitions(rng, language)
    who = crowd(rng, language, looked_at, SIZES[0])
    book, first = RuleBook(who.rules), 0.0
    yield "others' subscriptions  others' rules   owed    poll s"
    for size in SIZES:
        for number in range(len(book), size // 10):
            book.put(Rule(number, "uk", START, ("threshold",), number=1, words=(f"zzz{number}",)))
        elsewhere = PetitionRef("uk", 1)
        who.subscriptions[elsewhere] = [Subscription(c, elsewhere, START) for c in range(size)]
        gc.collect()
        gc.freeze()
        took = min((worked_off(book, who, looked_at) for _ in range(3)), key=lambda t: t.seconds)
        first = first or took.seconds
        yield (
            f"{size:21,}  {len(book):13,}  {took.deliveries:5,}  {took.seconds:8.2f}"
            f"  x{took.seconds / first:.2f}"
        )


def main() -> None:
    print(f"{PETITIONS:,} changed petitions, one core")
    for line in grown():
        print(line, flush=True)
    for line in unconcerned():
        print(line, flush=True)


if __name__ == "__main__":
    main()
