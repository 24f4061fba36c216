"""TOML and environment -> a frozen Config, or every problem at once."""

import base64
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from bot.errors import ConfigError
from bot.petitions.petition import Site

PREFIX = "PETITION_BELL_"
PLACEHOLDER_TOKEN = "123456789:put-the-token-from-BotFather-here"  # noqa: S105 - not a token

T = TypeVar("T")
Table: TypeAlias = dict[str, Any]


class Token(str):
    """A secret that does not show itself when printed by accident."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Token(hidden)"


@dataclass(frozen=True, slots=True)
class TelegramConfig:
    """How to reach Telegram, and who runs this bot."""

    token: Token
    base_url: str
    mode: str
    admins: tuple[int, ...]
    paid_broadcast_per_minute: int = 0


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Where the store is, and its key: given, or else in a file."""

    url: str
    key_file: Path
    key: Token | None = None
    rest_days: int = 90


@dataclass(frozen=True, slots=True)
class PollConfig:
    """How often to look, and what that may cost."""

    interval: timedelta
    requests_per_minute: int


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class WebConfig:
    """Where the bot's own server listens, if it does, and how Telegram reaches it."""

    listen: Address | None = None
    public_url: str | None = None
    heartbeat_url: Token | None = None


@dataclass(frozen=True, slots=True)
class LogConfig:
    """What the log says, and how."""

    level: str
    format: str


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """How much one chat may follow."""

    subscriptions: int = 200
    rules: int = 20


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


_SECRETS = (("telegram", "token"), ("storage", "key"), ("web", "heartbeat_url"))
UK = {"id": "uk", "name": "UK Parliament", "url": "https://petition.parliament.uk"}

# Every key there is, with its default; None marks one that has no default.
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "telegram": {
        "token": None,
        "token_file": None,
        "base_url": "https://api.telegram.org/bot",
        "mode": "polling",
        "admins": (),
        "paid_broadcast_per_minute": 0,
    },
    "storage": {
        "url": "tinydb:data/petition-bell.db",
        "key_file": "petition-bell.key",
        "key": None,
        "rest_days": 90,
    },
    "poll": {"interval": "60s", "requests_per_minute": 60},
    "limits": {"subscriptions": 200, "rules": 20},
    "web": {"listen": None, "public_url": None, "heartbeat_url": None},
    "log": {"level": "info", "format": "console"},
    "sites": {
        "id": None,
        "name": None,
        "url": None,
        "response_threshold": 10_000,
        "debate_threshold": 100_000,
    },
}


def load_config(path: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """Read the file (if any), lay the environment over it, and check every key.

    Relative paths are taken from the file's folder. Raises ConfigError with every problem.
    """
    problems: list[str] = []
    tables = _read_file(path, problems)
    _lay_over(tables, environment, problems)
    folder = path.parent if path else Path()
    config = _Reader(tables, folder, problems).config()
    if problems:
        raise ConfigError(problems)
    return replace(config, warnings=tuple(_exposed(_files_with_secrets(path, tables, folder))))


def _files_with_secrets(path: Path | None, tables: Table, folder: Path) -> Iterator[Path]:
    """The files that hold a secret, if any do."""
    written = _read_file(path, [])
    if path and any(key in _section(written, name) for name, key in _SECRETS):
        yield path
    if token_file := _section(tables, "telegram").get("token_file"):
        yield folder / str(token_file)


def _exposed(secrets: Iterable[Path]) -> Iterator[str]:
    """A complaint of each of these files that others than its owner and group can read."""
    for path in secrets:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0
        if mode & 0o007:
            yield f"{path} can be read by anybody on this machine ({mode:o}): chmod 600 {path}"


def _read_file(path: Path | None, problems: list[str]) -> Table:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        problems.append(f"{path}: there is no such file; `petition-bell init` writes one")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: cannot be read ({error})")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: is not valid TOML ({error})")
    return {}


def _lay_over(tables: Table, environment: Mapping[str, str], problems: list[str]) -> None:
    if token := environment.get("TELEGRAM_TOKEN"):
        _section(tables, "telegram")["token"] = token
    for name in sorted(environment):
        if not name.startswith(PREFIX):
            continue
        match name.removeprefix(PREFIX).lower().split("__"):
            case ["sites", index, key] if index.isascii() and index.isdigit():
                _site(tables, int(index))[key] = environment[name]
            case [section, key] if section in DEFAULTS and section != "sites":
                _section(tables, section)[key] = environment[name]
            case _:
                problems.append(f"{name}: isn't a setting. Use {PREFIX}<SECTION>__<KEY>")


def _section(tables: Table, name: str) -> Table:
    section = tables.setdefault(name, {})
    return section if isinstance(section, dict) else {}


def _site(tables: Table, index: int) -> Table:
    sites = tables.setdefault("sites", [dict(UK)])
    if not isinstance(sites, list):
        return {}
    while len(sites) <= index:
        sites.append({})
    return sites[index] if isinstance(sites[index], dict) else {}


class _Reader:
    """Takes the tables apart key by key and notes what is wrong with each."""

    def __init__(self, tables: Table, folder: Path, problems: list[str]) -> None:
        self.tables = tables
        self.folder = folder
        self.problems = problems

    def config(self) -> Config:
        self._unknown_names("", self.tables, DEFAULTS)
        return Config(
            telegram=self._telegram(),
            storage=self._storage(),
            poll=PollConfig(
                interval=self._value("poll", "interval", duration),
                requests_per_minute=self._value("poll", "requests_per_minute", between(1, 6000)),
            ),
            log=LogConfig(
                level=self._value("log", "level", one_of("debug", "info", "warning", "error")),
                format=self._value("log", "format", one_of("console", "json")),
            ),
            sites=tuple(self._sites()),
            web=self._web(),
            limits=LimitsConfig(
                subscriptions=self._value("limits", "subscriptions", between(1, 10_000)),
                rules=self._value("limits", "rules", between(0, 1_000)),
            ),
        )

    def _web(self) -> WebConfig:
        web = WebConfig(
            listen=self._value("web", "listen", optional(address)),
            public_url=self._value("web", "public_url", optional(web_address)),
            heartbeat_url=self._value("web", "heartbeat_url", optional(secret_address)),
        )
        if self._table("telegram").get("mode") == "webhook":
            for key in ("listen", "public_url"):
                if getattr(web, key) is None:
                    self.problems.append(f'web.{key}: is required when telegram.mode is "webhook"')
        return web

    def _storage(self) -> StorageConfig:
        storage = StorageConfig(
            url=self._storage_url(),
            key_file=self.folder / self._value("storage", "key_file", text),
            key=self._value("storage", "key", store_key),
            rest_days=self._value("storage", "rest_days", between(1, 3650)),
        )
        if not any(problem.startswith("storage.") for problem in self.problems):
            self._key_apart(storage)
        return storage

    def _key_apart(self, storage: StorageConfig) -> None:
        scheme, _, place = storage.url.partition(":")
        folder = Path(place).parent.resolve()
        is_within = storage.key_file.resolve().is_relative_to(folder)
        if scheme == "tinydb" and storage.key is None and is_within:
            self.problems.append(
                "storage.key_file: must be outside the data folder, or anyone who copies the "
                "data gets the key too"
            )

    def _storage_url(self) -> str:
        url = self._value("storage", "url", storage_url)
        scheme, _, place = url.partition(":")
        return f"tinydb:{self.folder / place}" if scheme == "tinydb" else url

    def _telegram(self) -> TelegramConfig:
        mode = self._value("telegram", "mode", one_of("polling", "webhook"))
        return TelegramConfig(
            token=self._token(),
            base_url=self._value("telegram", "base_url", web_address),
            mode=mode,
            admins=self._value("telegram", "admins", whole_numbers),
            paid_broadcast_per_minute=self._value(
                "telegram", "paid_broadcast_per_minute", between(0, 60_000)
            ),
        )

    def _token(self) -> Token:
        section = self._table("telegram")
        given = section.get("token")
        if given is None and "token_file" in section:
            return self._token_from(self.folder / str(section["token_file"]))
        if given is None:
            self.problems.append(
                "telegram.token: is missing. Set it here, in TELEGRAM_TOKEN or in "
                "telegram.token_file"
            )
            return Token()
        return self._checked("telegram.token", given, token)

    def _token_from(self, path: Path) -> Token:
        try:
            return self._checked("telegram.token_file", path.read_text("utf-8").strip(), token)
        except (OSError, UnicodeDecodeError) as error:
            self.problems.append(f"telegram.token_file: {path} cannot be read ({error})")
            return Token()

    def _sites(self) -> Iterator[Site]:
        tables = self.tables.get("sites", [dict(UK)])
        if not isinstance(tables, list) or not tables:
            self.problems.append("sites: must be [[sites]] tables, at least one")
            return
        seen: set[str] = set()
        for index, table in enumerate(tables):
            name = f"sites[{index}]"
            if not isinstance(table, dict):
                self.problems.append(f"{name}: must be a [[sites]] table")
                continue
            self._unknown_names(f"{name}.", table, DEFAULTS["sites"])
            site = self._one_site(name, table)
            if site.id in seen:
                self.problems.append(f"{name}.id: {site.id!r} is already used by another site")
            seen.add(site.id)
            yield site

    def _one_site(self, name: str, table: Table) -> Site:
        defaults = {**DEFAULTS["sites"], "name": table.get("id")}
        read = {key: table.get(key, default) for key, default in defaults.items()}
        return Site(
            id=self._checked(f"{name}.id", read["id"], site_id),
            name=self._checked(f"{name}.name", read["name"], text),
            url=self._checked(f"{name}.url", read["url"], web_address).rstrip("/"),
            response_threshold=self._checked(
                f"{name}.response_threshold", read["response_threshold"], threshold
            ),
            debate_threshold=self._checked(
                f"{name}.debate_threshold", read["debate_threshold"], threshold
            ),
        )

    def _value(self, section: str, key: str, check: Callable[[object], T]) -> T:
        value = self._table(section).get(key, DEFAULTS[section][key])
        return self._checked(f"{section}.{key}", value, check)

    def _checked(self, name: str, value: object, check: Callable[[object], T]) -> T:
        try:
            return check(value)
        except ValueError as error:
            missing = value is None
            self.problems.append(f"{name}: {'is missing; it ' if missing else ''}{error}")
            return _stand_in(check)

    def _table(self, section: str) -> Table:
        table = self.tables.get(section, {})
        return table if isinstance(table, dict) else {}

    def _unknown_names(self, prefix: str, table: Table, known: Mapping[str, object]) -> None:
        for name, value in table.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {prefix}{near[0]}?" if near else ""
                self.problems.append(f"{prefix}{name}: isn't a setting{hint}")
            elif not prefix and name != "sites":
                if isinstance(value, dict):
                    self._unknown_names(f"{name}.", value, DEFAULTS[name])
                else:
                    self.problems.append(f"{name}: must be a [{name}] table")


def _stand_in(check: Callable[[object], T]) -> T:
    """Some valid value, so that reading goes on to the next problem; it is never used."""
    for value in ("60s", "x", "http://x", "tinydb:x", 1, (), "info", "console", "polling", None):
        try:
            return check(value)
        except ValueError:
            continue
    raise AssertionError(f"no stand-in for {check}")


# --- what a value may be -------------------------------------------------------------------------


def text(value: object) -> str:
    """Any text with something in it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be text, not {value!r}")
    return value


def token(value: object) -> Token:
    """A bot token; never repeated in the complaint."""
    if not isinstance(value, str) or not re.fullmatch(r"[^\s/]+", value):
        raise ValueError("must be a bot token from @BotFather")
    if value == PLACEHOLDER_TOKEN:
        raise ValueError("is still the placeholder. Replace it with your token from @BotFather")
    return Token(value)


def web_address(value: object) -> str:
    """An http or https address."""
    if isinstance(value, str) and not re.search(r"\s", value):
        parts = urlsplit(value)
        if parts.scheme in {"http", "https"} and parts.hostname:
            return value
    raise ValueError(f'must be an address like "https://example.org", not {value!r}')


def secret_address(value: object) -> Token:
    """An http or https address that is a secret; never repeated in the complaint."""
    with suppress(ValueError):
        return Token(web_address(value))
    raise ValueError('must be an address like "https://example.org/..."')


def address(value: object) -> Address:
    """Where to listen: `127.0.0.1:8080`, `[::1]:8080`."""
    found = re.fullmatch(r"(\[[0-9a-f:]+\]|[^\s:/]+):([0-9]{1,5})", str(value))
    if not found or int(found[2]) > 65_535:
        raise ValueError(f'must be an address like "127.0.0.1:8080", not {value!r}')
    return Address(found[1].strip("[]"), int(found[2]))


def optional(check: Callable[[object], T]) -> Callable[[object], T | None]:
    """The same, or nothing at all."""
    return lambda value: check(value) if value else None


def storage_url(value: object) -> str:
    """Where the store is: `tinydb:<path>` or `postgresql://…`, which may hold a password."""
    if isinstance(value, str) and re.fullmatch(r"tinydb:.+|postgresql://\S+", value):
        return value
    shown = "what is there" if "@" in str(value) else repr(value)
    raise ValueError(
        f'must be like "tinydb:data/petition-bell.db" or "postgresql://bell@host/bell", not {shown}'
    )


def store_key(value: object) -> Token | None:
    """A key in base64, or None for the one in the key file; never repeated in the complaint."""
    if value is None:
        return None
    with suppress(ValueError):
        if len(base64.b64decode(str(value).strip(), validate=True)) == 32:
            return Token(value)
    raise ValueError("must be 32 bytes in base64")


def site_id(value: object) -> str:
    """A short name that fits into petition names and deep links."""
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9]{0,15}", value):
        return value
    raise ValueError(f"must be a short name of a-z and 0-9, not {value!r}")


def threshold(value: object) -> int | None:
    """A number of signatures; 0 where the site has no such threshold."""
    return between(0, 100_000_000)(value) or None


def between(least: int, most: int) -> Callable[[object], int]:
    """A whole number within bounds."""

    def check(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, not {value!r}")
        return value

    return check


def one_of(*words: str) -> Callable[[object], str]:
    """One of a few words."""

    def check(value: object) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {value!r}")
        return str(value)

    return check


def whole_numbers(value: object) -> tuple[int, ...]:
    """A list of Telegram ids; in the environment, separated by commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError(f"must be a list of numbers, not {value!r}")
    try:
        return tuple(int(part) for part in parts if part != "")
    except (TypeError, ValueError):
        raise ValueError(f"must be a list of numbers, not {value!r}") from None


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def duration(value: object) -> timedelta:
    """A length of time from a tenth of a second to a day: "60s", "5m", "1h"."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h)", str(value).strip())
    if found:
        length = timedelta(seconds=float(found[1]) * _UNITS[found[2]])
        if timedelta(seconds=0.1) <= length <= timedelta(days=1):
            return length
    raise ValueError(f'must be a length of time like "60s" or "5m", not {value!r}')
