"""The composition root: puts storage, sites, Telegram, polling and delivery together."""

import asyncio
import hashlib
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

import structlog
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    JobExecutionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeDefault,
    Update,
)
from telegram.error import Conflict, InvalidToken, NetworkError, TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    BaseUpdateProcessor,
    ContextTypes,
    ExtBot,
    TypeHandler,
)

from bot import __version__
from bot.config import Config
from bot.deliver import LEASE, Deliverer
from bot.parliament import Parliament, open_session
from bot.petitions.errors import ConfigError
from bot.poll import Poller
from handlers import COMMANDS, all_handlers
from handlers.context import Context, Services
from handlers.fallback import failed
from handlers.membership import wake_if_resting
from storage import Storage
from storage.tiny import open_tiny

log = structlog.get_logger(__name__)

App: TypeAlias = Application[
    ExtBot[None], Context, dict[Any, Any], dict[Any, Any], dict[Any, Any], None
]

_UPDATES = [Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
_MENU_NOTE = "commands menu"
_GROUP_MENU = {"subscribe", "unsubscribe", "subscriptions", "petition", "help"}


def utc_now() -> datetime:
    """The time it is."""
    return datetime.now(UTC)


class PerChat(BaseUpdateProcessor):
    """Handles updates of different chats side by side, and those of one chat in their order."""

    def __init__(self) -> None:
        super().__init__(256)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        chat = update.effective_chat if isinstance(update, Update) else None
        turn = self._turns.setdefault(chat.id if chat else 0, asyncio.Lock())
        async with turn:
            await coroutine

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to let go of."""


async def open_storage(url: str) -> Storage:
    """The store that an address names."""
    scheme, _, place = url.partition(":")
    if scheme != "tinydb":
        raise ConfigError([f"storage.url: there is no storage called {scheme!r}"])
    return await open_tiny(Path(place))


def build_application(config: Config) -> App:
    """python-telegram-bot's application, with our context and our order of updates."""
    builder = (
        ApplicationBuilder()
        .token(config.telegram.token)
        .base_url(config.telegram.base_url)
        .context_types(ContextTypes(context=Context))
        .concurrent_updates(PerChat())
        .job_queue(None)
        .read_timeout(20)
        .get_updates_read_timeout(40)
    )
    application: App = builder.build()
    application.bot_data["commands"] = COMMANDS
    application.add_handler(TypeHandler(Update, wake_if_resting), group=-1)
    application.add_handlers(list(all_handlers()))
    application.add_error_handler(failed)
    return application


@asynccontextmanager
async def running(
    config: Config, *, now: Callable[[], datetime] = utc_now, lease: timedelta = LEASE
) -> AsyncIterator[None]:
    """The whole bot at work; leaving drains what is in flight and lets go of everything.

    Raises ConfigError if Telegram does not know the token, StorageError if the store won't open.
    """
    async with AsyncExitStack() as stack:
        storage = await open_storage(config.storage.url)
        stack.push_async_callback(storage.close)
        session = await stack.enter_async_context(open_session(__version__))
        parliaments = [Parliament(site, session) for site in config.sites]
        application = build_application(config)
        deliverer = Deliverer(storage, application.bot, now, lease=lease)
        poller = Poller(
            parliaments,
            storage,
            now,
            interval=config.poll.interval,
            requests_per_minute=config.poll.requests_per_minute,
            rang=deliverer.wake,
        )
        application.bot_data["services"] = Services(
            storage=storage,
            look=poller.look,
            health=poller.health,
            sites=poller.sites(),
            now=now,
            woken=deliverer.wake,
            version=__version__,
        )
        await stack.enter_async_context(_polling_petitions(poller, config.poll.interval))
        await _initialize(application)
        stack.push_async_callback(application.shutdown)
        await _set_menu(application.bot, storage)
        await stack.enter_async_context(_delivering(deliverer))
        await stack.enter_async_context(_listening(application))
        log.info("running", version=__version__, sites=[site.id for site in config.sites])
        yield


async def _initialize(application: App) -> None:
    """Ask Telegram who we are, as long as it takes to answer."""
    wait = 1.0
    while True:
        try:
            await application.initialize()
        except InvalidToken as error:
            raise ConfigError(["telegram.token: Telegram does not accept it"]) from error
        except NetworkError as error:
            log.warning("Telegram cannot be reached", error=type(error).__name__, retry_in=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 60.0)
        else:
            return


@asynccontextmanager
async def _polling_petitions(poller: Poller, interval: timedelta) -> AsyncIterator[None]:
    """Tick often enough that no petition waits much longer than `interval`; never two at once."""
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    scheduler.add_listener(_note_job, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
    ticking = asyncio.Lock()

    async def tick() -> None:
        async with ticking:
            await poller.tick()

    seconds = min(1.0, interval.total_seconds() / 4)
    scheduler.add_job(tick, "interval", seconds=seconds, next_run_time=utc_now())
    scheduler.start()
    try:
        yield
    finally:
        # Shutting down cancels a running job, so the one under way is waited for first.
        scheduler.pause()
        async with ticking:
            scheduler.shutdown(wait=False)


def _note_job(event: JobExecutionEvent) -> None:
    if event.code == EVENT_JOB_MAX_INSTANCES:
        log.debug("the last round of looks is still under way")
    elif event.code == EVENT_JOB_MISSED:
        log.warning("a round of looks was missed")
    else:
        log.error("a round of looks failed", exc_info=event.exception)


@asynccontextmanager
async def _delivering(deliverer: Deliverer) -> AsyncIterator[None]:
    task = asyncio.create_task(deliverer.run(), name="deliverer")
    try:
        yield
    finally:
        deliverer.stop()
        await task


@asynccontextmanager
async def _listening(application: App) -> AsyncIterator[None]:
    """Take updates by long polling; what has been taken is handled before this ends."""
    updater = application.updater
    if updater is None:
        raise RuntimeError("the application was built without an updater")
    await updater.start_polling(
        allowed_updates=_UPDATES, bootstrap_retries=-1, error_callback=_note_update_error
    )
    await application.start()
    try:
        yield
    finally:
        await updater.stop()
        await application.stop()


def _note_update_error(error: TelegramError) -> None:
    if isinstance(error, Conflict):
        log.error("another program is reading this bot's updates; stop one of the two")
    else:
        log.warning("updates cannot be fetched", error=type(error).__name__)


async def _set_menu(bot: Bot, storage: Storage) -> None:
    """Tell Telegram our commands, in the scopes where they differ, if they changed since."""
    everything = [BotCommand(c.name, c.does) for c in COMMANDS if c.name != "start"]
    for_groups = [command for command in everything if command.command in _GROUP_MENU]
    scopes: list[tuple[BotCommandScope, list[BotCommand]]] = [
        (BotCommandScopeDefault(), everything),
        (BotCommandScopeAllGroupChats(), for_groups),
    ]
    menu = json.dumps([bot.id, [(s.type, [c.to_dict() for c in cs]) for s, cs in scopes]])
    digest = hashlib.sha256(menu.encode()).hexdigest()
    if await storage.note(_MENU_NOTE) == digest:
        return
    try:
        for scope, commands in scopes:
            await bot.set_my_commands(commands, scope=scope)
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
