"""What `soak_faults` lives through: 200 petitions, their followers, what goes wrong, what is heard.

Every thing that happens is the petition's only one of its kind, so that each follower must hear
each exactly once. No petition comes near a moment that the clock alone brings: whatever is told of
closing, waiting or a debate's day is untrue, and so is whatever else did not happen. What is said
while the machine's own clock shows another day, and would be true on that day, is counted apart: a
bot has no other calendar.
"""

import asyncio
import logging
import random
import ssl
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple, cast

import structlog
from bell import a_response, open_petition, stamp
from hastened import HOST, Clocks
from hour_faults import Behind, Faults, Gate, Trouble
from hour_heard import HOUR_LONG, Ears
from telegram_stand_in import BotApi

import bot.delivery.deliverer
import storage.opening
from bot.app import running
from bot.config import Config, LogConfig, PollConfig, StorageConfig, TelegramConfig, Token
from bot.petitions.events import Kind
from bot.petitions.observe import observe
from bot.petitions.parse import parse_petition
from bot.petitions.petition import PetitionRef, Site
from bot.subscriptions.preferences import DEFAULTS
from bot.subscriptions.subscription import Chat, Digest, Preferences, Quiet, Subscription
from storage.tinydb.store import open_tiny

FOLLOWED, CHATS = 200, 300
FIRST, SOMEBODY = 700_001, 10_001
KINDS = ("milestone", "response", "debate", "note", "business", "closed")
RUNGS = (1_000, 2_500, 10_000, 25_000, 100_000)
OFFICIAL = {10_000: "response", 100_000: "debate"}
# What some hear without a sound that has one for the others; business and notes have none.
SILENCED: tuple[Kind, ...] = ("threshold", "milestone", "response", "debate", "closing")
INTERVAL, A_MINUTE = timedelta(seconds=60), 60
BACK_WITHIN = 60.0
DAY, HOUR_LONG = timedelta(days=1), timedelta(hours=1)


class Thing(NamedTuple):
    """Something that happens to a petition, `after` so many seconds."""

    after: float
    petition: int
    kind: str
    number: int = 0


class Soak:
    """One hour, and what was heard in it."""

    def __init__(
        self,
        clocks: Clocks,
        folder: Path,
        good: ssl.SSLContext,
        bad: ssl.SSLContext,
        *,
        seed: int,
        show: bool,
    ) -> None:
        self.clocks = clocks
        self.dice = random.Random(seed)  # noqa: S311 - no secret
        self.seed = seed
        self.show = show
        self.data = folder / "data"
        self.key = folder / "bell.key"
        self.site = Behind(clocks.truth)
        self.gate = Gate(self.site, good, bad)
        self.wrong = Faults(self.site, self.gate, clocks, self.dice, folder)
        self.site.answered = self._answered
        self.api = BotApi(now=clocks.truth, limits=True)
        self.ears = Ears(clocks, self.api, self._is_silent)
        self.followers: dict[int, list[int]] = defaultdict(list)
        self.preferences: dict[int, Preferences] = {}
        self.things: list[Thing] = []
        self.happened: dict[tuple[int, str], float] = {}
        self.healed_at: tuple[str, float] | None = None
        self.backs: list[tuple[float, str]] = []
        self.is_faulty = False
        self.faults: Counter[str] = Counter()
        self.jumps = 0
        self.log: Counter[str] = Counter()
        # When the bot decided what happened.
        self.decided: dict[tuple[int, str], float] = {}
        self.calm_since = 0.0
        self._bell: AsyncExitStack | None = None

    # --- the world

    def _draw(self, seconds: float) -> None:
        for index in range(FOLLOWED):
            number = FIRST + index
            most = 60 if index % 20 == 0 else 14
            chats = self.dice.sample(range(CHATS), self.dice.randint(4, most))
            self.followers[number] = [SOMEBODY + chat for chat in chats]
            kinds = self.dice.sample(KINDS, self.dice.randint(1, 3))
            for kind in kinds:
                rung = self.dice.choice(RUNGS) if kind == "milestone" else 0
                after = self.dice.uniform(60, seconds - 60)
                self.things.append(Thing(after, number, kind, rung))
        # What is closed is not signed, noted or answered in this small world.
        for number in self.followers:
            mine = [thing for thing in self.things if thing.petition == number]
            ends = [thing for thing in mine if thing.kind == "closed"]
            if ends and len(mine) > 1:
                last = max(thing.after for thing in mine)
                self.things.remove(ends[0])
                self.things.append(ends[0]._replace(after=min(seconds, last + 30)))
        self.things.sort()
        for index in range(CHATS):
            self.preferences[SOMEBODY + index] = self._preferences(index)

    def _preferences(self, index: int) -> Preferences:
        """Half as usual; the others silent, with quiet hours, a digest, or a snooze."""
        match index % 10:
            case 5:
                return Preferences(loudness=dict.fromkeys(SILENCED, "silent"))
            case 6:
                return Preferences(quiet=Quiet(22 * 60, 7 * 60))
            case 7:
                return Preferences(quiet=Quiet(8 * 60 + 30, 9 * 60 + 20 + index % 30))
            case 8:
                daily = Digest(9 * 60 + index % 60)
                return Preferences(loudness=dict.fromkeys(DEFAULTS, "digest"), digest=daily)
            case 9:
                until = self.clocks.truth() + timedelta(minutes=5 + index % 50)
                return Preferences(snoozed_until=until)
            case _:
                return Preferences()

    def _is_silent(self, chat: int, kind: str, number: int) -> bool:
        named = {"note": "business", "closed": "closing"}.get(kind, kind)
        news = cast(Kind, "threshold" if number in OFFICIAL else named)
        return self.preferences[chat].loudness.get(news, DEFAULTS[news]) == "silent"

    def _publish(self, number: int) -> None:
        now = self.clocks.truth()
        mine = [thing for thing in self.things if thing.petition == number]
        rung = next((thing.number for thing in mine if thing.kind == "milestone"), 500)
        self.site.put(
            number,
            open_petition(
                action=f"Tea for library number {number}",
                signature_count=rung - 9,
                created_at=stamp(now - 40 * DAY),
                opened_at=stamp(now - 30 * DAY),
                updated_at=stamp(now - DAY),
                moderation_threshold_reached_at=stamp(now - 35 * DAY),
                response_threshold_reached_at=stamp(now - DAY) if rung > 10_000 else None,
                closing_date=(now + 150 * DAY).date().isoformat(),
            ),
        )

    def _happen(self, thing: Thing) -> None:
        now = self.clocks.truth()
        today = now.date().isoformat()
        changes: Mapping[str, Any]
        match thing.kind:
            case "milestone":
                flag = OFFICIAL.get(thing.number)
                reached = {f"{flag}_threshold_reached_at": stamp(now)} if flag else {}
                changes = {"signature_count": thing.number + 2, **reached}
            case "response":
                changes = a_response(f"Answer to {thing.petition}.")
            case "debate":
                on = (now + 60 * DAY).date().isoformat()
                changes = {"scheduled_debate_date": on, "debate_scheduled_on": today}
            case "note":
                changes = {"committee_note": f"Noted of {thing.petition}."}
            case "business":
                one = {
                    "subject": f"Letter about {thing.petition}",
                    "body": "",
                    "occurred_on": today,
                    "created_at": stamp(now),
                    "url": "",
                }
                changes = {"other_parliamentary_business": [one]}
            case _:
                changes = {"state": "closed", "closed_at": stamp(now)}
        if thing.kind == "response":
            changes = {**changes, "government_response_at": stamp(now)}
            changes["government_response"] |= {
                "responded_on": today,
                "created_at": stamp(now),
                "updated_at": stamp(now),
            }
        self.site.edit(thing.petition, **changes)
        self.happened[thing.petition, thing.kind] = self.clocks.steady()

    async def _subscribe(self) -> None:
        store = await open_tiny(self.data / "bell.db", self.key)
        now = self.clocks.truth()
        for chat, preferences in self.preferences.items():
            self.api.add_chat(chat)
            await store.save_chat(Chat(chat, consented_at=now, preferences=preferences))
        uk = self._uk()
        for number, chats in self.followers.items():
            body = self.site.body_of(number)
            known, _ = observe(None, parse_petition(body, uk), now)
            await store.commit_poll(known, (), now)
            theirs = [Subscription(chat, PetitionRef("uk", number), now) for chat in chats]
            await asyncio.gather(*map(store.subscribe, theirs))
        await store.close()

    def _uk(self) -> Site:
        return Site("uk", "UK Parliament", self.site.url)

    # --- the bot

    async def start(self) -> None:
        config = Config(
            telegram=TelegramConfig(Token(self.api.token), self.api.base_url, "polling", ()),
            storage=StorageConfig(f"tinydb:{self.data / 'bell.db'}", self.key),
            poll=PollConfig(INTERVAL, A_MINUTE),
            log=LogConfig("info", "console"),
            sites=(self._uk(),),
        )
        self._bell = AsyncExitStack()
        await self._bell.enter_async_context(running(config))

    async def stop(self) -> None:
        if self._bell is not None:
            await self._bell.aclose()
            self._bell = None

    # --- what goes wrong

    def _answered(self) -> None:
        if self.healed_at and not self.is_faulty:
            name, at = self.healed_at
            self.backs.append((self.clocks.steady() - at, name))
            self.healed_at = None

    async def _live_with(self, problem: Trouble, seconds: float) -> None:
        self._tell(f"{problem.name} for {seconds:.0f} s")
        self.faults[problem.name] += 1
        self.is_faulty = True
        await _done(problem.begin)
        await asyncio.sleep(seconds)
        await _done(problem.end)
        self.is_faulty = False
        self.healed_at = (problem.name, self.clocks.steady())
        self.calm_since = self.clocks.steady()

    async def troubles(self) -> None:
        """One fault after the other, each kind before any comes again."""
        while True:
            drawn = [*self.wrong.of_site(), *self.wrong.of_disk()]
            self.dice.shuffle(drawn)
            for problem in drawn:
                await asyncio.sleep(self.dice.uniform(15, 45))
                await self._live_with(problem, self.dice.uniform(5, 75))

    async def jumping(self) -> None:
        """The wall clock is put wrong by a second to a year, and right again."""
        while True:
            await asyncio.sleep(self.dice.uniform(20, 90))
            self._jump(self.dice)

    def _jump(self, dice: random.Random) -> None:
        self.jumps += 1
        if self.clocks.wrong_by and dice.random() < 0.4:
            self.clocks.wrong_by = timedelta(0)
        else:
            length = timedelta(seconds=10 ** dice.uniform(0, 7.499))
            self.clocks.wrong_by = length * dice.choice((-1, 1))
        self.clocks.show()
        self._tell(f"the clock is {self.clocks.wrong_by} wrong")

    async def resting(self, seconds: float) -> None:
        """The machine sleeps for a week once, and the bot is started by wrong clocks."""
        await asyncio.sleep(seconds * 0.3)
        await self.restart(timedelta(days=-365 * 30))
        await asyncio.sleep(seconds * 0.15)
        await self.sleep(7 * DAY)
        await asyncio.sleep(seconds * 0.15)
        await self.restart(timedelta(days=365))
        await asyncio.sleep(seconds * 0.2)
        await self.restart(timedelta(hours=-5))

    async def restart(self, wrong_by: timedelta) -> None:
        self._tell(f"started again with a clock {wrong_by} wrong")
        await self._until(lambda: not self.is_faulty)
        await self.stop()
        self.clocks.wrong_by = wrong_by
        self.clocks.show()
        await self.start()

    async def sleep(self, length: timedelta) -> None:
        """The machine sleeps: whoever was connected is gone when it wakes."""
        self._tell(f"asleep for {length}")
        self.clocks.slept += length
        self.clocks.show()
        if not self.is_faulty:
            await self.gate.become()

    async def _until(self, look: Callable[[], bool]) -> None:
        while not look():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(2)

    def _tell(self, what: str) -> None:
        if self.show:
            print(f"  {self.clocks.steady() - 1_000:6.0f} s: {what}", flush=True)

    # --- the hour

    async def lived(self, seconds: float) -> int:
        self._listen_to_log()
        storage.opening.open_tiny = partial(open_tiny, disk=self.wrong.disk)  # type: ignore[attr-defined]
        # The processor is not hastened: who ends gives Telegram as many real seconds as ever.
        bot.delivery.deliverer._FAREWELL *= self.clocks.times
        await self.site.start()
        await self.gate.become()
        self.site.public = f"https://{HOST}:{self.gate.port}"
        await self.api.start()
        self._draw(seconds)
        for number in self.followers:
            self._publish(number)
        await self._subscribe()
        await self.start()
        began = self.clocks.steady()
        await self._hour(seconds, began)
        lasted = self.clocks.steady() - began
        await self._quieten()
        left = await self._heard_out()
        await self.stop()
        await self._look_for(self._missing())
        await self.gate.shut()
        await self.site.stop()
        await self.api.stop()
        return self._print(lasted, left)

    async def _hour(self, seconds: float, began: float) -> None:
        tasks = [
            asyncio.create_task(self.troubles()),
            asyncio.create_task(self.jumping()),
            asyncio.create_task(self.resting(seconds)),
        ]
        for thing in self.things:
            await asyncio.sleep(began + thing.after - self.clocks.steady())
            self._happen(thing)
            for task in tasks:
                if task.done():
                    task.result()
        await asyncio.sleep(max(0.0, began + seconds - self.clocks.steady()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _quieten(self) -> None:
        """The last fault is over, and the clock is right."""
        await self.wrong.end_all()
        self.is_faulty = False
        if self._bell is None:
            await self.start()
        self.clocks.wrong_by = timedelta(0)
        self.clocks.show()
        self.healed_at = ("the last of all", self.clocks.steady())
        self._tell("all is well again")

    async def _heard_out(self) -> int:
        """Let time pass until all is heard, past every quiet hour and digest; how much is not."""
        for length in (timedelta(0), 5 * HOUR_LONG, DAY):
            if length:
                await self.sleep(length)
            until = self.clocks.steady() + 420
            await self._until(lambda at=until: self.clocks.steady() > at or not self._missing())
            self._tell(f"{len(self._missing())} not heard")
            if not self._missing():
                break
        await asyncio.sleep(60)  # for whatever is told twice
        return len(self._missing())

    async def _look_for(self, missing: Sequence[tuple[int, int, str]]) -> None:
        """Where what was not heard waits, if it does."""
        store = await open_tiny(self.data / "bell.db", self.key)
        waiting = list((await store.export())["deliveries"])
        for each in waiting[:8]:
            self._tell(f"waits: {each}")
        self._tell(f"{len(waiting)} wait in the store, {len(missing)} were not heard")
        await store.close()

    def _missing(self) -> list[tuple[int, int, str]]:
        return [
            (chat, petition, kind)
            for petition, kind in self.happened
            for chat in self.followers[petition]
            if not self.ears.heard[chat, petition, kind]
        ]

    def _untrue(self) -> list[str]:
        wrong = [*self.ears.odd]
        for chat, petition, kind in self.ears.heard:
            if (petition, kind) not in self.happened or chat not in self.followers[petition]:
                wrong.append(f"{kind} of {petition} told to {chat}")
        numbers = {t.petition: t.number for t in self.things if t.kind == "milestone"}
        wrong += [
            f"{number} of {petition}"
            for (_, petition), number in self.ears.numbers.items()
            if number != numbers.get(petition)
        ]
        return wrong

    def _listen_to_log(self) -> None:
        def count(_: Any, level: str, event: dict[str, Any]) -> Any:
            if level in {"error", "critical", "exception"} or event.get("exc_info"):
                what = str(event.get("event"))
                self.log[what] += 1
                if self.log[what] <= 2:
                    self._tell(f"log: {what}, {sys.exc_info()[1]!r}")
            if event.get("event") == "event":
                _, petition, kind = str(event["event_key"]).split(":")[:3]
                kind = {"debate_scheduled": "debate", "committee_note": "note"}.get(kind, kind)
                self.decided.setdefault((int(petition), kind), self.clocks.steady())
            raise structlog.DropEvent

        structlog.configure(processors=[count])
        logging.disable(logging.CRITICAL)

    def _decided_at(self, what: tuple[int, str]) -> str:
        at = self.decided.get(what)
        return "never decided" if at is None else f"decided at {at - 1_000:.0f} s"

    def _print(self, lasted: float, left: int) -> int:
        missing, untrue = self._missing(), self._untrue()
        twice = [key for key, times in self.ears.heard.items() if times > 1]
        disordered = self.ears.out_of_order(self.decided)
        misheard = self.ears.misheard
        owed = sum(len(self.followers[petition]) for petition, _ in self.happened)
        print(
            f"{lasted / 60:.0f} minutes of a steady clock {self.clocks.times:g} times as fast,"
            f" seed {self.seed}: {FOLLOWED} petitions followed by {CHATS} chats;"
        )
        print(
            f"  {sum(self.faults.values())} faults of {len(self.faults)} kinds,"
            f" {self.jumps} jumps of the clock, a week asleep, three starts by a wrong clock"
        )
        print(
            f"  {len(self.happened)} things happened, {owed} alerts owed:"
            f" lost {left}, twice {len(twice)}, untrue {len(untrue)}, out of order"
            f" {len(disordered)}, too loud or silent {len(misheard)} (wanted 0 of each)"
        )
        for (petition, kind), chats in Counter(each[1:] for each in missing).most_common(8):
            at = self.happened[petition, kind] - 1_000
            known = self._decided_at((petition, kind))
            print(f"    lost: {kind} of {petition} to {chats} chats, of {at:.0f} s; {known}")
        for key in twice[:8]:
            at = ", ".join(f"{moment - 1_000:.0f}" for moment in self.ears.times[key])
            print(
                f"    twice: {key[2]} of {key[1]} to {key[0]}, heard at {at} s;"
                f" {self._decided_at(key[1:])}"
            )
        for name, wrong in {
            "untrue": untrue,
            "out of order": disordered,
            "not as loud as wanted": misheard,
        }.items():
            for one in wrong[:8]:
                print(f"    {name}: {one}")
        slowest, name = max(self.backs, default=(0.0, "no fault"))
        waits = [wait for wait, _ in self.backs]
        print(
            f"  polling back after a fault: p50 {median(waits):.1f} s,"
            f" at most {slowest:.1f} s ({name}; wanted at most {BACK_WITHIN:.0f} s)"
        )
        late = [
            self.ears.first[key] - self.happened[key[1:]]
            for key in self.ears.first
            if key[1:] in self.happened and self.preferences[key[0]] == Preferences()
        ]
        print(
            "  heard by those who choose nothing, faults and all:"
            f" p50 {median(late):.0f} s, p95 {quantiles(late, n=20)[-1]:.0f} s"
        )
        if self.log:
            told = ", ".join(f"{what} {times}" for what, times in self.log.most_common(6))
            print(f"  errors in the log: {told}")
        wrong = [*missing, *twice, *untrue, *disordered, *misheard]
        return int(bool(wrong or slowest > BACK_WITHIN))


async def _done(act: Callable[[], Awaitable[None] | None]) -> None:
    result = act()
    if result is not None:
        await result
