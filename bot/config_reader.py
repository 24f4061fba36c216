"""Reads TOML and environment into a frozen Config, or tells every problem at once.

It is built on pydantic-settings.
"""

import base64
import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, asdict, field, fields, make_dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit

from msgspec import structs
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationError

from bot.config import (
    DEFAULTS,
    PLACEHOLDER_TOKEN,
    PREFIX,
    SECTIONS,
    Address,
    Config,
    LimitsConfig,
    LogConfig,
    PollConfig,
    SiteConfig,
    StorageConfig,
    TelegramConfig,
    Token,
    WebConfig,
)
from bot.errors import ConfigError
from bot.petitions.parliaments import DESCRIPTIONS, known_by, site_like
from bot.petitions.petition import Site

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")
Table: TypeAlias = dict[str, Any]

UK = {"id": "uk"}
_SECRETS = {("telegram", "token"), ("storage", "key"), ("web", "heartbeat_url")}


# --- what a value may be -------------------------------------------------------------------------


def text(value: object) -> str:
    """Return any text with something in it."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be text, not {value!r}")
    return value


def token(value: object) -> Token:
    """Return a bot token, which a complaint never repeats."""
    value = value.strip() if isinstance(value, str) else ""
    if not re.fullmatch(r"\d+:[^\s/\\\"']+", value):
        raise ValueError("must be a bot token from @BotFather: a number, a colon and letters")
    if value == PLACEHOLDER_TOKEN:
        raise ValueError("is still the placeholder. Replace it with your token from @BotFather")
    return Token(value)


def web_address(value: object) -> str:
    """Return an http or https address, without a slash at its end."""
    if isinstance(value, str) and not re.search(r"\s", value):
        with suppress(ValueError):  # of brackets that hold no address
            parts = urlsplit(value)
            if parts.scheme in {"http", "https"} and parts.hostname:
                return value.rstrip("/")
    raise ValueError(f'must be an address like "https://example.org", not {value!r}')


def bot_api_address(value: object) -> str:
    """Return the address at which a Bot API server takes calls.

    A complaint never repeats it if it holds a token.
    """
    if re.search(r"bot[0-9]+:", str(value)):
        raise ValueError('must end in "/bot", without the token')
    address = web_address(value)
    parts = urlsplit(address)
    if not parts.path or parts.query or parts.fragment:
        raise ValueError(f'must end in "/bot", like "https://api.telegram.org/bot", not {value!r}')
    return address


def secret_address(value: object) -> Token:
    """Return an http or https address that is a secret, which a complaint never repeats."""
    with suppress(ValueError):
        web_address(value)
        return Token(value)
    raise ValueError('must be an address like "https://example.org/..."')


def address(value: object) -> Address:
    """Return the host and the port of an address to listen at: `127.0.0.1:8080`, `[::1]:8080`."""
    found = re.fullmatch(r"(\[[0-9a-f:]+\]|[^\s:/]+):([0-9]{1,5})", str(value))
    if not found or int(found[2]) > 65_535:
        raise ValueError(f'must be an address like "127.0.0.1:8080", not {value!r}')
    return Address(found[1].strip("[]"), int(found[2]))


def optional(check: Callable[[object], T]) -> PlainValidator:
    """Return a check that takes what `check` takes, or nothing at all."""
    return PlainValidator(lambda value: check(value) if value else None)


def storage_url(value: object) -> str:
    """Return a store's address: `tinydb:<path>`, or `postgresql://…`, which may hold a password."""
    match re.fullmatch(r"(tinydb):.+|(postgresql)://\S+", str(value)):
        case None:
            shown = "what is there" if "@" in str(value) else repr(value)
            raise ValueError(
                'must be like "tinydb:data/petition-bell.db" or "postgresql://bell@host/bell",'
                f" not {shown}"
            )
        case found:
            return str(value) if found[1] else Token(value)


def store_key(value: object) -> Token:
    """Return a key in base64, which a complaint never repeats."""
    with suppress(ValueError):
        if len(base64.b64decode(str(value).strip(), validate=True)) == 32:
            return Token(value)
    raise ValueError("must be 32 bytes in base64")


def site_id(value: object) -> str:
    """Return a short name that fits into petition names and deep links."""
    if isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9]{0,15}", value):
        return value
    raise ValueError(f"must be a short name of a-z and 0-9, not {value!r}")


def whole_number(value: object) -> int:
    """Return a whole number, which the environment gives as text."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"must be a whole number, not {value!r}")


def listed(value: object) -> list[object]:
    """Return several values, which the environment separates by commas."""
    if isinstance(value, str):
        return [part for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        return list(value)
    raise ValueError(f"must be a list of numbers, not {value!r}")


_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def duration(value: object) -> timedelta:
    """Return a length of time from a tenth of a second to a day: "60s", "5m", "1h"."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*(ms|s|m|h)", str(value).strip())
    if found:
        length = timedelta(seconds=float(found[1]) * _UNITS[found[2]])
        if timedelta(seconds=0.1) <= length <= timedelta(days=1):
            return length
    raise ValueError(f'must be a length of time like "60s" or "5m", not {value!r}')


Text: TypeAlias = Annotated[str, BeforeValidator(text)]
Number: TypeAlias = Annotated[int, BeforeValidator(whole_number)]
WebAddress: TypeAlias = Annotated[str, BeforeValidator(web_address)]
File: TypeAlias = Annotated[Path, BeforeValidator(text)]


Signatures: TypeAlias = Annotated[Number, Field(ge=0, le=100_000_000)]

# What the value of each key may be, and how it is read.
_CHECKS: Mapping[Any, Mapping[str, Any]] = {
    TelegramConfig: {
        "token": Annotated[Token, PlainValidator(token)],
        "base_url": Annotated[str, BeforeValidator(bot_api_address)],
        "mode": Literal["polling", "webhook"],
        "admins": Annotated[tuple[Number, ...], BeforeValidator(listed)],
        "paid_broadcast_per_minute": Annotated[Number, Field(ge=0, le=60_000)],
        "token_file": File | None,
    },
    StorageConfig: {
        "url": Annotated[str, PlainValidator(storage_url)],
        "key_file": File,
        "key": Annotated[Token | None, PlainValidator(store_key)],
        "rest_days": Annotated[Number, Field(ge=1, le=3650)],
        "password_file": File | None,
    },
    PollConfig: {
        "interval": Annotated[timedelta, BeforeValidator(duration)],
        "requests_per_minute": Annotated[Number, Field(ge=1, le=6000)],
    },
    LimitsConfig: {
        "subscriptions": Annotated[Number, Field(ge=1, le=10_000)],
        "rules": Annotated[Number, Field(ge=0, le=1_000)],
    },
    WebConfig: {
        "listen": Annotated[Address | None, optional(address)],
        "public_url": Annotated[str | None, optional(web_address)],
        "heartbeat_url": Annotated[Token | None, optional(secret_address)],
    },
    LogConfig: {
        "level": Literal["debug", "info", "warning", "error"],
        "format": Literal["console", "json"],
    },
    SiteConfig: {
        "id": Annotated[str, BeforeValidator(site_id)],
        "url": WebAddress | None,
        "name": Text | None,
        "like": Literal["uk", "senedd", "scotland", "jersey"] | None,
        "response_threshold": Signatures | None,
        "debate_threshold": Signatures | None,
    },
}


def _site(site: SiteConfig) -> Site:
    description = known_by(site.id, site.url or "", site.like or "")
    if description is None:  # which is told by name, with all other problems
        return Site(site.id, site.name or site.id, site.url or "")
    usual = site_like(site.id, description, site.url or "")
    return structs.replace(
        usual,
        name=site.name or (usual.name if description.id == site.id else site.id),
        response_threshold=_asked(site.response_threshold, usual.response_threshold),
        debate_threshold=_asked(site.debate_threshold, usual.debate_threshold),
    )


def _asked(configured: int | None, usual: int | None) -> int | None:
    """Return a threshold as it is configured, 0 for none; None where the site has no such thing."""
    return (usual if configured is None else configured or None) if usual else None


def _checked(record: Any) -> Any:
    """Return the record's fields with their checks, as pydantic wants them."""
    checks = _CHECKS[record]
    if unchecked := [each.name for each in fields(record) if each.name not in checks]:
        raise TypeError(f"_CHECKS lacks a check of {record.__name__}: {', '.join(unchecked)}")
    rows: list[Any] = [
        (each.name, checks[each.name])
        + (() if each.default is MISSING else (field(default=each.default),))
        for each in fields(record)
    ]
    return make_dataclass(record.__name__, rows, frozen=True)


def _plain(record: Any, checked: Any) -> Any:
    """Return the record itself, of what was checked."""
    return record(**{each.name: getattr(checked, each.name) for each in fields(record)})


# --- reading it ----------------------------------------------------------------------------------


def load_config(
    path: Path | None,
    environment: Mapping[str, str] = os.environ,
    *,
    with_token: bool = True,
) -> Config:
    """Read the file (if any), lay the environment over it, and check every key.

    Relative paths are taken from the file's folder. Without `with_token`, for what only concerns
    the store, the token is empty. Raises ConfigError with every problem.
    """
    problems: list[str] = []
    written = _written(path, problems)
    if problems:  # what else is missing may stand in the file
        raise ConfigError(problems)
    given = _given(environment, problems)
    holds_a_secret = any(key in _table(written, section) for section, key in _SECRETS)
    if _table(given, "telegram").get("token_file"):
        _table(written, "telegram").pop("token", None)
    tables = _laid_over(written, given, problems)
    if not with_token and isinstance(telegram := tables["telegram"], dict):
        tables["telegram"] = {**telegram, "token": "0:unneeded", "token_file": None}
    _find_files(tables, path.parent if path else Path(), problems)
    problems += _contradictions(tables)
    try:
        settings = _settings()(**tables)
    except ValidationError as error:
        problems += [_told(each) for each in error.errors(include_url=False)]
    if problems:
        raise ConfigError(problems)
    records = {name: record for name, record in SECTIONS.items() if name != "sites"}
    config = Config(
        sites=settings.sites,
        **{name: _plain(record, getattr(settings, name)) for name, record in records.items()},
    )
    if not with_token:
        config = replace(config, telegram=replace(config.telegram, token=Token("")))
    secrets = (config.telegram.token_file, config.storage.password_file)
    with_secrets = (path if holds_a_secret else None, *secrets)
    return replace(
        config,
        warnings=tuple(_exposed(file for file in with_secrets if file)),
        origins=tuple(_origins(config, path, _flat(written), _flat(given), environment)),
    )


@cache
def _settings() -> Any:
    """Return the sections as pydantic-settings, imported here as few tests need it, reads them."""
    from pydantic_settings import BaseSettings, SettingsConfigDict  # noqa: PLC0415 - in the process that reads it alone

    class Settings(BaseSettings):
        model_config = SettingsConfigDict(
            env_prefix=PREFIX,
            env_nested_delimiter="__",
            enable_decoding=False,
            extra="forbid",
            validate_default=False,
        )
        telegram: _checked(TelegramConfig)  # type: ignore[valid-type]
        storage: _checked(StorageConfig)  # type: ignore[valid-type]
        poll: _checked(PollConfig)  # type: ignore[valid-type]
        limits: _checked(LimitsConfig)  # type: ignore[valid-type]
        web: _checked(WebConfig)  # type: ignore[valid-type]
        log: _checked(LogConfig)  # type: ignore[valid-type]
        sites: tuple[Annotated[_checked(SiteConfig), AfterValidator(_site)], ...]  # type: ignore[valid-type]

        @classmethod
        def settings_customise_sources(  # type: ignore[override]
            cls, settings_cls: Any, init_settings: Any, **others: Any
        ) -> Any:
            """Read no source but the values given: file and environment are read one by one.

            So it can be said what set what.
            """
            return (init_settings,)

    return Settings


def _written(path: Path | None, problems: list[str]) -> Table:
    """Return the tables that the file holds, none if it cannot be read."""
    if path is None:
        return {}
    try:
        if not path.exists():
            problems.append(
                f"{path}: there is no such file; `petition-bell init` (or `make init`) writes one"
            )
            return {}
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # editors on Windows mark it
    except OSError as error:
        todo = "; run this as the user that runs the bot" * isinstance(error, PermissionError)
        problems.append(f"{path}: cannot be read ({error.strerror or error}){todo}")
    except UnicodeDecodeError:
        problems.append(f"{path}: is not UTF-8 text: save it as UTF-8")
    except ValueError as error:
        problems.append(f"{path}: is not valid TOML ({error})")
    return {}


def _given(environment: Mapping[str, str], problems: list[str]) -> Table:
    """Return the settings that the environment holds, as tables like the file's."""
    from pydantic_settings import EnvSettingsSource  # noqa: PLC0415 - as above

    known = [f"{PREFIX}{name}__{key}".upper() for name in DEFAULTS for key in DEFAULTS[name]]
    variables: dict[str, str] = {}
    for name in sorted(name for name in environment if name.startswith(PREFIX)):
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        if section in DEFAULTS and key and not environment[name].strip():
            continue  # set to nothing is not set
        if section in DEFAULTS and key:
            variables[name.lower()] = environment[name]
        else:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"use {PREFIX}<SECTION>__<KEY>"
            problems.append(f"{name}: isn't a setting; {hint}")
    source = EnvSettingsSource(_settings())
    source.env_vars = variables
    given = source()
    if secret := environment.get("TELEGRAM_TOKEN"):
        given.setdefault("telegram", {}).setdefault("token", secret)
    return given


def _laid_over(written: Table, given: Table, problems: list[str]) -> Table:
    """Return every section, the environment's keys before the file's."""
    tables: Table = {name: {} for name in SECTIONS} | {"sites": [UK]}
    for name, table in written.items():
        if name in SECTIONS:
            tables[name] = dict(table) if isinstance(table, dict) else table
        else:
            problems.append(_unknown("", name, SECTIONS))
    tables["sites"] = _sites_laid_over(tables["sites"], given.get("sites", {}), problems)
    for name, table in given.items():
        if name != "sites":
            before = tables[name]
            tables[name] = before | table if isinstance(before, dict) else before
    return tables


def _sites_laid_over(sites: Any, given: Table, problems: list[str]) -> Any:
    """Return the sites' tables, with the keys that the environment gives for each by its number."""
    for index in sorted(given, key=lambda index: (len(index), index)):
        keys, count = given[index], len(sites) if isinstance(sites, list) else 0
        if not isinstance(keys, dict) or not index.isdecimal() or int(index) > count:
            problems.append(f"{PREFIX}SITES__{index.upper()}: names no site; they count from 0")
            continue
        before = sites[int(index)] if int(index) < count else {}
        after = before | keys if isinstance(before, dict) else before
        sites = [*sites[: int(index)], after, *sites[int(index) + 1 :]]
    return sites


def _table(tables: Table, name: str) -> Table:
    table = tables.get(name)
    return table if isinstance(table, dict) else {}


def _find_files(tables: Table, folder: Path, problems: list[str]) -> None:
    """Take relative paths from the folder, and secrets from their files."""
    storage, telegram = _table(tables, "storage"), _table(tables, "telegram")
    url = storage.setdefault("url", DEFAULTS["storage"]["url"])
    if str(url).startswith("tinydb:") and url != "tinydb:":
        storage["url"] = f"tinydb:{folder / str(url).removeprefix('tinydb:')}"
    storage.setdefault("key_file", str(DEFAULTS["storage"]["key_file"]))
    files = ((storage, "key_file"), (storage, "password_file"), (telegram, "token_file"))
    for table, key in files:
        if isinstance(name := table.get(key), str) and name.strip():
            table[key] = str(folder / name)
        elif not name:
            table.pop(key, None)
    if isinstance(path := storage.get("password_file"), str):
        with _told_of("storage.password_file", path, problems):
            storage["url"] = _with_password(str(url), Path(path).read_text("utf-8-sig"))
    if isinstance(path := telegram.get("token_file"), str) and "token" not in telegram:
        telegram["token"] = "0:unread"  # noqa: S105 - so that it is not called missing as well
        with _told_of("telegram.token_file", path, problems):
            telegram["token"] = token(Path(path).read_text("utf-8-sig").strip())


def _with_password(url: str, password: str) -> str:
    """Return a database's address with the password of the user who logs in there."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    if parts.scheme != "postgresql" or not at or ":" in login:
        raise ValueError("has no place: storage.url must be like postgresql://bell@host/bell")
    secret = quote(password.strip("\r\n"), safe="")
    return parts._replace(netloc=f"{login}:{secret}@{hosts}").geturl()


@contextmanager
def _told_of(setting: str, path: str, problems: list[str]) -> Iterator[None]:
    """Note as one more problem that a file cannot be read, or holds nothing of use."""
    try:
        yield
    except OSError as error:
        problems.append(f"{setting}: {path} cannot be read ({error.strerror})")
    except UnicodeDecodeError:
        problems.append(f"{setting}: {path} cannot be read (it isn't text)")
    except ValueError as error:
        problems.append(f"{setting}: what is in {path} {error}")


def _contradictions(tables: Table) -> Iterator[str]:
    """Yield the problems of settings that are right each by itself."""
    web, storage = _table(tables, "web"), _table(tables, "storage")
    if _table(tables, "telegram").get("mode") == "webhook":
        for key in ("listen", "public_url"):
            if not web.get(key):
                yield f'web.{key}: is required when telegram.mode is "webhook"'
    scheme, _, place = str(storage.get("url")).partition(":")
    key_file = Path(str(storage.get("key_file"))).resolve()
    if (
        scheme == "tinydb"
        and "key" not in storage
        and key_file.is_relative_to(Path(place).parent.resolve())
    ):
        yield (
            "storage.key_file: must be outside the data folder, or anyone who copies the "
            "data gets the key too"
        )
    if tables["sites"] == []:
        yield "sites: must be [[sites]] tables, at least one"
    seen: list[object] = []
    for index, site in enumerate(tables["sites"] if isinstance(tables["sites"], list) else ()):
        name = site.get("id") if isinstance(site, dict) else None
        if name is not None and name in seen:
            yield f"sites[{index}].id: {name!r} is already used by another site"
        if isinstance(site, dict):
            yield from _unknown_site(index, site)
        seen.append(name)


def _unknown_site(index: int, site: Table) -> Iterator[str]:
    """Yield the problems of a site that is none of those we know."""
    known = ", ".join(DESCRIPTIONS)
    name, url = site.get("id"), site.get("url")
    if not isinstance(name, str) or name in DESCRIPTIONS:
        return
    if not url:
        yield f"sites[{index}].url: is missing, and {name!r} is none of {known}"
    elif str(url).startswith("http") and "like" not in site and not known_by(name, str(url)):
        yield f"sites[{index}].like: is missing. Say which of {known} it works like"


def _told(error: "ErrorDetails") -> str:
    """Word a problem in a line; that with a secret is worded by its own check, without it."""
    section, *rest = error["loc"]
    if section == "sites":
        name = "sites" + "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in rest)
    else:
        name = ".".join(str(at) for at in error["loc"][:2])  # a list's items go by its name
    match error["type"]:
        case "value_error":
            return f"{name}: {error['ctx']['error']}"
        case "missing" if name == "telegram.token":
            return f"{name}: is missing. Set it here, in TELEGRAM_TOKEN or in telegram.token_file"
        case "missing":
            return f"{name}: is missing"
        case "unexpected_keyword_argument":
            prefix, _, key = name.rpartition(".")
            return _unknown(f"{prefix}.", key, DEFAULTS[str(section)])
        case "dataclass_type":
            return (
                f"{name}: must be a [[sites]] table"
                if rest
                else f"{name}: must be a [{name}] table"
            )
        case _ if name == "sites":
            return "sites: must be [[sites]] tables, at least one"
        case _:
            return f"{name}: {error['msg'].replace('Input should', 'must')}, not {error['input']!r}"


def _unknown(prefix: str, name: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {prefix}{near[0]}?" if near else ""
    return f"{prefix}{name}: isn't a setting{hint}"


def _exposed(secrets: Iterable[Path]) -> Iterator[str]:
    """Yield a complaint of each of these files that anybody on this machine can read."""
    for path in secrets:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0
        if mode & 0o007:
            yield f"{path} can be read by anybody on this machine ({mode:o}): chmod 600 {path}"


def _flat(tables: Table) -> Table:
    """Return the values by their full names: `poll.interval`, `sites[0].url`."""
    rows = {name: table for name, table in tables.items() if name != "sites"}
    sites = tables.get("sites", ())
    numbered = sites.items() if isinstance(sites, dict) else enumerate(sites)
    rows |= {f"sites[{index}]": table for index, table in numbered}
    return {f"{name}.{key}": value for name in rows for key, value in _table(rows, name).items()}


def _origins(
    config: Config, path: Path | None, written: Table, given: Table, environment: Mapping[str, str]
) -> Iterator[str]:
    """Say where each setting is from that is not as by default, or is set twice."""
    usual = structs.asdict(site_like("uk", DESCRIPTIONS["uk"]))
    defaults = _flat({**DEFAULTS, "sites": [{**DEFAULTS["sites"], **usual}]})
    in_force = _flat({name: asdict(getattr(config, name)) for name in DEFAULTS if name != "sites"})
    for name, raw in (written | given).items():
        value = in_force.get(name, raw)
        is_default = value == defaults.get(name) or str(raw) == str(defaults.get(name))
        if is_default and not (name in written and name in given):
            continue
        variable = PREFIX + re.sub(r"\W+", "__", name).upper()
        if name == "telegram.token" and variable not in environment:
            variable = "TELEGRAM_TOKEN"
        where = f"from {variable}" if name in given else f"from {path}"
        instead = f", instead of what {path} says" if name in given and name in written else ""
        shown = "(hidden)" if isinstance(value, Token) else raw
        yield f"{name} = {shown}, {where}{instead}"
