"""Declares everything an operator decides, as frozen records; `bot.config_reader` reads it."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bot.petitions.petition import Site

PREFIX = "PETITION_BELL_"
PLACEHOLDER_TOKEN = "123456789:put-the-token-from-BotFather-here"  # noqa: S105 - not a token


class Token(str):
    """A secret that does not show itself when printed by accident."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Token(hidden)"


class Address(NamedTuple):
    """The host and the port that the bot's own server listens at."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """The way to reach Telegram, and the ids of those who run this bot (`admins`)."""

    token: Token
    base_url: str = "https://api.telegram.org/bot"
    mode: Literal["polling", "webhook"] = "polling"
    admins: tuple[int, ...] = ()
    paid_broadcast_per_minute: int = 0
    token_file: Path | None = None  # where the token was read, if it was


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """The address of the store, and its key: given, or else in a file."""

    url: str = "tinydb:data/petition-bell.db"
    key_file: Path = Path("petition-bell.key")
    key: Token | None = None
    rest_days: int = 90
    password_file: Path | None = None  # where the password of a database was read, if it was


@dataclass(frozen=True, slots=True)
class PollConfig:
    """The interval between looks at a petition, and the requests to a site that they may cost."""

    interval: timedelta = timedelta(seconds=60)
    requests_per_minute: int = 60


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """The numbers of subscriptions and rules that one chat may have."""

    subscriptions: int = 200
    rules: int = 20


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The address of the bot's own server, if it has one, and those by which it is reached.

    `heartbeat_url` is an address that is asked once a minute while all is well, if any.
    """

    listen: Address | None = None
    public_url: str | None = None
    heartbeat_url: Token | None = None


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The least level that the log shows, and its form."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """A petitions site as an operator writes it down: as it is known to be, if not otherwise.

    A described site needs nothing but its id; another one is `like` one of them.
    """

    id: str
    url: str | None = None
    name: str | None = None
    like: Literal["uk", "senedd", "scotland", "jersey"] | None = None
    response_threshold: int | None = None
    debate_threshold: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator decides."""

    telegram: TelegramConfig
    storage: StorageConfig
    poll: PollConfig
    log: LogConfig
    sites: tuple[Site, ...]
    web: WebConfig = WebConfig()
    limits: LimitsConfig = LimitsConfig()
    warnings: tuple[str, ...] = ()  # what works, and should be put right all the same
    origins: tuple[str, ...] = ()  # what is not as by default, and where it was set


SECTIONS: Mapping[str, Any] = {
    "telegram": TelegramConfig,
    "storage": StorageConfig,
    "poll": PollConfig,
    "limits": LimitsConfig,
    "web": WebConfig,
    "log": LogConfig,
    "sites": SiteConfig,
}

# Every key there is, with its default; None marks one that has no default.
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    section: {
        field.name: None if field.default is MISSING else field.default for field in fields(record)
    }
    for section, record in SECTIONS.items()
}
