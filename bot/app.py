"""The composition root: puts storage, sites, Telegram, polling and delivery together."""

import asyncio
import hashlib
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import structlog
from aiohttp.abc import AbstractResolver
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
)
from msgspec import structs
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeDefault,
    Message,
    Update,
)
from telegram.error import TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes, ExtBot, TypeHandler

from bot import __version__
from bot.charts import Charts
from bot.config import Config
from bot.delivery.announcer import Announcer
from bot.delivery.deliverer import LEASE, Deliverer
from bot.delivery.rate_limiter import SHARED_PER_SECOND, RateLimiter
from bot.errors import ConfigError, StorageError
from bot.local_time import zones
from bot.messages.i18n import ENGLISH, LANGUAGES, preload, speaking, tr
from bot.operations.leadership import RHYTHM, Rhythm, on_duty, shared_rate
from bot.operations.metrics import Metrics
from bot.operations.observed import StoreIncident, observed
from bot.operations.rule_names import RuleNames
from bot.operations.supervisor import Supervisor
from bot.operations.wall_clock import prune_if_sure
from bot.outages import IncidentLog
from bot.petitions.everyday_phrases import compiled as compiled_phrases
from bot.petitions.parliaments import description_of
from bot.petitions.request_details import compiled_counts
from bot.polling.clocks import Every, SteadyScheduler
from bot.polling.lookup import Lookups
from bot.polling.members_api import Members
from bot.polling.petitions_api import PetitionsApi, open_session
from bot.polling.poller import Poller
from bot.polling.postcodes_api import HOLYROOD, Postcodes
from bot.polling.status_reports import StatusReports
from bot.telegram.decoding import failure_of
from bot.telegram.dispatcher import Dispatcher, UpdateKind
from bot.telegram.floods import Floods
from bot.telegram.reception import Reception
from bot.telegram.updates import Receiver
from handlers import COMMANDS, all_handlers
from handlers.command import Command
from handlers.context import Context, Services
from handlers.conversation import as_command, once_more
from handlers.fallback import acknowledge_early, awaits_answer, failed, slow_down
from handlers.membership import wake_if_resting
from handlers.remote_admin import prepare
from handlers.reply import typing, was_acknowledged
from handlers.tickets import tickets
from storage import Storage
from storage.opening import open_storage
from storage.shared import RoleState, is_shared

log = structlog.get_logger(__name__)

App: TypeAlias = Application[
    ExtBot[None], Context, dict[Any, Any], dict[Any, Any], dict[Any, Any], None
]

_UPDATES = [
    Update.MESSAGE,
    Update.CALLBACK_QUERY,
    Update.EDITED_MESSAGE,
    Update.CHANNEL_POST,
    Update.MY_CHAT_MEMBER,
    Update.CHAT_MEMBER,
    Update.INLINE_QUERY,
    Update.GUEST_MESSAGE,
]
_HOURS_BETWEEN_PRUNINGS = 6
_ROUSED_EVERY = 1.0
_MENU_NOTE = "commands menu"
_GROUP_MENU = {"list", "petition", "response", "chart", "search", "help"}


def utc_now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def build_dispatcher(application: App, rate_limiter: RateLimiter) -> Dispatcher:
    """Return the dispatcher that has the application handle each update in its turn."""

    faults: IncidentLog = application.bot_data["faults"]

    def services() -> Services:
        found: Services = application.bot_data["services"]
        return found

    async def handle(received: Update, is_acknowledged: bool) -> None:
        update = once_more(received, services())
        if update is None:
            return
        if is_acknowledged:
            was_acknowledged(update)
        before = faults.times
        if awaits_answer(update):
            async with typing(update):
                await application.process_update(update)
        else:
            await application.process_update(update)
        if faults.times == before:
            faults.recovered()

    async def too_much(update: Update, is_news: bool) -> None:
        if awaits_answer(update):
            await slow_down(update, tell=is_news)

    def command_of(message: Message) -> str:
        return as_command(message, services())

    return Dispatcher(
        handle,
        tickets(COMMANDS, all_handlers(), command_of),
        acknowledge_early,
        too_much,
        clamour=rate_limiter.clamour,
    )


def build_application(config: Config, rate_limiter: RateLimiter, metrics: Metrics) -> App:
    """Make python-telegram-bot's application, with our context, pace, requests and update order."""
    # Receiving has a request of its own; without one here the library makes one with httpx.
    requests = (metrics.request(), metrics.request(connections=1))
    server, _, last = config.telegram.base_url.rpartition("/")
    builder = (
        ApplicationBuilder()
        .token(config.telegram.token)
        .base_url(config.telegram.base_url)
        .base_file_url(f"{server}/file/{last}")
        .context_types(ContextTypes(context=Context))
        .job_queue(None)
        .updater(None)
        .rate_limiter(rate_limiter)
        .request(requests[0])
        .get_updates_request(requests[1])
    )
    application: App = builder.build()
    application.bot_data["requests"] = requests
    sites = [description_of(site) for site in config.sites]
    application.bot_data["commands"] = [each for each in COMMANDS if each.is_offered(sites)]
    application.bot_data["faults"] = IncidentLog(log, "an update cannot be handled")
    application.add_handler(TypeHandler(Update, wake_if_resting), group=-2)
    application.add_handler(TypeHandler(Update, prepare), group=-1)
    application.add_handlers(list(all_handlers()))
    application.add_error_handler(failed)
    return application


@dataclass(frozen=True, slots=True)
class _Bell:
    """The parts of one running bot, which know each other."""

    config: Config
    now: Callable[[], datetime]
    metrics: Metrics
    storage: Storage
    application: App
    dispatcher: Dispatcher
    deliverer: Deliverer
    poller: Poller
    reports: StatusReports
    polling: RoleState
    reception: Reception
    floods: Floods
    updates: RoleState = field(default_factory=lambda: RoleState("updates"))


@asynccontextmanager
async def running(
    config: Config,
    *,
    now: Callable[[], datetime] = utc_now,
    lease: timedelta = LEASE,
    members_api: str | None = None,
    postcodes_api: str | None = None,
    rhythm: Rhythm = RHYTHM,
    rate_limiter: Callable[..., RateLimiter] = RateLimiter,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[None]:
    """Keep the whole bot at work until the block ends, then finish what is in flight and let go.

    On a store that several processes share, this one polls, and asks for updates, only while no
    other does; it delivers in any case.

    A Telegram that is away, or refuses the token, is asked again and again.

    Raises StorageError if the store won't open.
    """
    async with (
        _put_together(
            config,
            now,
            lease,
            members_api,
            postcodes_api,
            make_rate_limiter=rate_limiter,
            resolver=resolver,
        ) as bell,
        _at_work(bell, rhythm),
    ):
        log.info("running", version=__version__, sites=[site.id for site in config.sites])
        yield


@asynccontextmanager
async def _put_together(
    config: Config,
    now: Callable[[], datetime],
    lease: timedelta,
    members_api: str | None,
    postcodes_api: str | None,
    *,
    make_rate_limiter: Callable[..., RateLimiter],
    resolver: AbstractResolver | None,
) -> AsyncIterator[_Bell]:
    """Make every part; none works yet."""
    metrics = Metrics(config.telegram.mode)
    async with (
        _opened(config, metrics) as storage,
        open_session(__version__, resolver) as session,
        Charts() as charts,
        AsyncExitStack() as stack,
    ):
        among_others = len(config.sites) > 1
        sites = [structs.replace(site, among_others=among_others) for site in config.sites]
        parliaments = [metrics.watched_site(PetitionsApi(site, session)) for site in sites]
        rate_limiter = _rate_limiter(config, storage, make_rate_limiter)
        metrics.watch_rate_limiter(lambda: rate_limiter.refused_for)
        application = build_application(config, rate_limiter, metrics)
        dispatcher = build_dispatcher(application, rate_limiter)
        floods = Floods(
            heard=rate_limiter.heard,
            refuse=dispatcher.refuse,
            is_crowded=lambda: dispatcher.is_crowded,
        )
        metrics.watch_updates(
            lambda: dispatcher.waiting,
            lambda: {kind: dispatcher.dropped[kind] + floods.dropped[kind] for kind in UpdateKind},
        )
        deliverer = Deliverer(storage, application.bot, rate_limiter, now, lease=lease)
        poller = Poller(
            parliaments,
            storage,
            now,
            interval=config.poll.interval,
            requests_per_minute=config.poll.requests_per_minute,
            on_deliveries=deliverer.wake,
        )
        lookups = Lookups(poller.look, storage, poller.failing_since, now)
        await stack.enter_async_context(lookups)
        polling = RoleState("poller")
        reports = StatusReports(poller, storage, polling, now, interval=config.poll.interval)
        members = Members(poller.parliaments().values(), session, now, api=members_api)
        application.bot_data["services"] = Services(
            storage=storage,
            look=lookups,
            reports=reports,
            known_as=poller.known_as,
            sites=poller.sites(),
            now=now,
            wake_deliverer=deliverer.wake,
            admins=config.telegram.admins,
            alerts=lambda: asdict(deliverer.counts),
            version=__version__,
            parliaments=poller.parliaments(),
            members=members,
            postcodes=Postcodes(
                session,
                postcodes_api,
                asks_holyrood=any(HOLYROOD in each.description.seat_codes for each in parliaments),
            ),
            charts=charts,
            limits=config.limits,
            rest_days=config.storage.rest_days,
        )
        yield _Bell(
            config,
            now,
            metrics,
            storage,
            application,
            dispatcher,
            deliverer,
            poller,
            reports,
            polling,
            Reception(metrics.note_received),
            floods,
        )


@asynccontextmanager
async def _opened(config: Config, metrics: Metrics) -> AsyncIterator[Storage]:
    storage = metrics.watched_storage(await open_storage(config.storage))
    storage = observed(storage, StoreIncident().note)
    try:
        yield storage
    finally:
        await storage.close()


def _rate_limiter(
    config: Config, storage: Storage, make: Callable[..., RateLimiter]
) -> RateLimiter:
    paid = config.telegram.paid_broadcast_per_minute
    if paid and is_shared(storage):
        # Each process would spend that much for itself.
        raise ConfigError(
            ["telegram.paid_broadcast_per_minute: several processes cannot share it; leave it 0"]
        )
    shared = shared_rate(storage, "telegram", SHARED_PER_SECOND)
    return make(paid_per_minute=paid, shared=shared)


@asynccontextmanager
async def _at_work(bell: _Bell, rhythm: Rhythm) -> AsyncIterator[None]:
    """Set every part to work, in the order in which one needs the other."""
    application, storage, supervisor = bell.application, bell.storage, _supervisor(bell)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(supervisor.serving())
        poller = bell.metrics.watched_poller(bell.poller)
        scheduled = partial(_scheduled, poller, bell)
        await stack.enter_async_context(on_duty(storage, bell.polling, scheduled, rhythm))
        # The library opens them before Telegram answers, and closes them only if it did.
        for request in application.bot_data["requests"]:
            stack.push_async_callback(request.shutdown)
        await _until_reached(application.initialize, bell.reception)
        stack.push_async_callback(application.shutdown)
        await stack.enter_async_context(_delivering(bell.deliverer))
        if is_shared(storage):
            await stack.enter_async_context(_roused(bell.deliverer))
        updates = _updates(bell, supervisor, rhythm)
        listening = _listening(application, bell.dispatcher, updates)
        await stack.enter_async_context(listening)
        announcer = Announcer(storage, application.bot, bell.now, bell.config.telegram.admins)
        announcing = on_duty(storage, RoleState("announcer"), announcer.at_work, rhythm)
        await stack.enter_async_context(announcing)
        # Only now, so that hearing does not wait for what reads files or asks Telegram.
        # The catalogues come first: the patterns then fill the memory that reading them has freed.
        await asyncio.to_thread(preload)
        await asyncio.to_thread(compiled_phrases)
        await asyncio.to_thread(compiled_counts)
        await asyncio.to_thread(zones)
        await _set_menu(application.bot, storage, application.bot_data["commands"])
        await stack.enter_async_context(supervisor.watching())
        stack.callback(bell.deliverer.stop)  # first of all, so that its end is waited for least
        yield


def _supervisor(bell: _Bell) -> Supervisor:
    return Supervisor(
        bell.config,
        bell.metrics,
        storage=bell.storage,
        application=bell.application,
        reports=bell.reports,
        counts=bell.deliverer.counts,
        delivered_at=lambda: bell.deliverer.turned_at,
        put_right=lambda: _put_right(bell),
        now=bell.now,
        polling=bell.polling,
        updates=bell.updates,
        accept=bell.dispatcher.accept,
        is_full=lambda: bell.dispatcher.is_full,
        reception=bell.reception,
        floods=bell.floods,
    )


def _put_right(bell: _Bell) -> None:
    """Have what goes by the wall clock begin anew, after that was set back."""
    bell.poller.reschedule()
    bell.deliverer.wake()


def _updates(
    bell: _Bell, supervisor: Supervisor, rhythm: Rhythm
) -> AbstractAsyncContextManager[None]:
    """Return the way updates come in: to every process by webhook, else to one that asks."""
    if supervisor.has_webhook:
        return _posted(supervisor, bell.reception)
    asked_for = Receiver(
        bell.application.bot,
        bell.metrics.request(connections=1),
        bell.dispatcher.accept,
        bell.reception,
        _UPDATES,
        floods=bell.floods,
    ).receiving
    return on_duty(bell.storage, bell.updates, asked_for, rhythm)


async def _until_reached(call: Callable[[], Awaitable[None]], reception: Reception) -> None:
    """Call Telegram again and again until it answers, whatever it said instead."""
    wait = 1.0
    while True:
        try:
            await call()
        except ConfigError:
            raise
        except Exception as error:  # an answer that cannot be decoded is one of many shapes
            failure = failure_of(error)
            retry_in = max(wait, failure.retry_after)
            reception.failed(failure, retry_in)
            await asyncio.sleep(retry_in)
            wait = min(wait * 2, 30.0)
        else:
            reception.answered()
            return


@asynccontextmanager
async def _scheduled(poller: Poller, bell: _Bell) -> AsyncIterator[None]:
    """Poll often enough that no petition waits much longer than its interval, and prune at times.

    Never two rounds at once, and none is skipped for being late.
    """
    scheduler = SteadyScheduler(
        timezone=UTC,
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    incident = IncidentLog(log, "a scheduled round fails")
    note = partial(_note_job, incident)
    scheduler.add_listener(note, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
    ticking = asyncio.Lock()

    async def tick() -> None:
        async with ticking:
            await poller.tick()
            await bell.reports.round_ended()
            incident.recovered()

    rule_names = RuleNames(
        bell.poller.parliaments(),
        bell.storage,
        bell.application.bot,
        bell.now,
        bell.poller.departments,
    )

    async def prune() -> None:
        rest_for = timedelta(days=bell.config.storage.rest_days)
        await prune_if_sure(bell.storage, poller.site_clocks(), bell.now(), rest_for)

    a_tick = min(timedelta(seconds=1), bell.config.poll.interval / 4)
    scheduler.add_job(tick, Every(a_tick), next_run_time=utc_now())
    scheduler.add_job(prune, Every(timedelta(hours=_HOURS_BETWEEN_PRUNINGS)))
    scheduler.add_job(rule_names.look_after, Every(timedelta(hours=1)), next_run_time=utc_now())
    scheduler.start()
    try:
        yield
    finally:
        # Shutting down cancels a running job, so the one under way is waited for first.
        scheduler.pause()
        async with ticking:
            await rule_names.stop()
            scheduler.shutdown(wait=False)
            await poller.drain()


def _note_job(incident: IncidentLog, event: JobExecutionEvent) -> None:
    if event.code == EVENT_JOB_MAX_INSTANCES:
        log.debug("previous check still running")
    elif event.code == EVENT_JOB_MISSED:
        incident.failed("it was missed")
    elif isinstance(event.exception, StorageError):
        log.debug("a scheduled round failed", reason=str(event.exception))
    else:
        incident.failed(type(event.exception).__name__, exc_info=event.exception)


@asynccontextmanager
async def _delivering(deliverer: Deliverer) -> AsyncIterator[None]:
    task = asyncio.create_task(deliverer.run(), name="deliverer")
    try:
        yield
    finally:
        deliverer.stop()
        await task


@asynccontextmanager
async def _roused(deliverer: Deliverer) -> AsyncIterator[None]:
    """Look every second for what is to be sent: another process that owes it wakes only itself."""

    async def rouse() -> None:
        while True:
            await asyncio.sleep(_ROUSED_EVERY)
            deliverer.wake()

    task = asyncio.create_task(rouse(), name="rouser")
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def _listening(
    application: App, dispatcher: Dispatcher, updates: AbstractAsyncContextManager[None]
) -> AsyncIterator[None]:
    """Handle updates; what has been taken is handled before this ends."""
    dispatcher.start()
    await application.start()
    try:
        async with updates:
            yield
    finally:
        await application.stop()
        await dispatcher.stop()


@asynccontextmanager
async def _posted(supervisor: Supervisor, reception: Reception) -> AsyncIterator[None]:
    """Have updates posted to us. The webhook stays when this ends: Telegram keeps what comes."""
    await _until_reached(lambda: supervisor.set_webhook(_UPDATES), reception)
    yield


class _Menu(NamedTuple):
    """The commands that are listed for some, in a language; "" is for whoever has no other."""

    scope: BotCommandScope
    language: str
    commands: list[BotCommand]


def _menus(name: str, commands: Sequence[Command]) -> list[_Menu]:
    """Return the menus of a language: all commands, but for groups only what members may do."""
    code = "" if name == ENGLISH else name
    with speaking(name):
        lines = {
            each.help.name: BotCommand(each.help.name, tr(each.does))
            for each in commands
            if each.listed and each.name != "start"
        }
    for_members = [line for command, line in lines.items() if command in _GROUP_MENU]
    return [
        _Menu(BotCommandScopeDefault(), code, list(lines.values())),
        _Menu(BotCommandScopeAllChatAdministrators(), code, list(lines.values())),
        _Menu(BotCommandScopeAllGroupChats(), code, for_members),
    ]


async def _set_menu(bot: Bot, storage: Storage, commands: Sequence[Command]) -> None:
    """Tell Telegram our commands, in the scopes where they differ, if they changed since."""
    menus = [menu for name in LANGUAGES for menu in _menus(name, commands)]
    written = [(m.scope.type, m.language, [c.to_dict() for c in m.commands]) for m in menus]
    digest = hashlib.sha256(json.dumps([bot.id, written]).encode()).hexdigest()
    if await storage.note(_MENU_NOTE) == digest:
        return
    try:
        for menu in menus:
            await bot.set_my_commands(menu.commands, menu.scope, menu.language)
    except TelegramError as error:
        log.warning("the commands menu could not be set", error=type(error).__name__)
    else:
        await storage.save_note(_MENU_NOTE, digest)


async def run_until_stopped(config: Config) -> None:
    """Run until SIGINT or SIGTERM, then finish what is under way; a second signal ends at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(_run(config))

    def stop() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await task
    log.info("stopped")


async def _run(config: Config) -> None:
    async with running(config):
        await asyncio.Event().wait()
