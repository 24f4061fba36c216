"""The command line: a thin function for each command, in the words of its help."""

import asyncio
import gc
import json
import os
import pickle
import stat
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from bot import __version__
from bot.errors import ConfigError, PetitionBellError

app = typer.Typer(
    name="petition-bell",
    help="A Telegram bot that tells people when something happens to a petition.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # what stands in brackets is a text, and no mark-up
)

DEFAULT_CONFIG = Path("config.toml")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration file [default: config.toml, if any]."),
]


def main() -> None:
    """Run the command line; a user's mistake ends with exit code 2 and a line for each problem."""
    try:
        if sys.argv[1:2] == ["run"] and hasattr(os, "fork"):
            _run_as_told()
        else:
            app()
    except ConfigError as error:
        _end(error.problems)
    except PetitionBellError as error:
        _end([str(error)])
    except OSError as error:
        if error.filename is None:
            raise
        _end([f"{error.filename}: {error.strerror}"])


def _end(problems: tuple[str, ...] | list[str]) -> None:
    for problem in problems:
        typer.echo(f"petition-bell: {problem}", err=True)
    sys.exit(2)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@app.command()
def run(context: typer.Context, config: ConfigOption = None) -> None:
    """Run the bot until it is stopped."""
    settings = _read(config)
    if context.obj:
        pickle.dump(settings, context.obj)
    else:
        _run_with(settings)


def _run_with(settings: Any) -> None:
    from bot.app import run_until_stopped  # imported here: other commands start faster without

    _warn(_logging_as_told(settings).warnings)
    _check_user(settings.storage.url)
    _run(run_until_stopped(settings))


def _run_as_told() -> None:
    """Do `run`, while another process reads its command line and its configuration.

    What checks them takes a quarter of a second and 14 MB, and a bot never needs it again. Whatever
    is wrong with them, that process says, and ends as this one does then.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(theirs, "wb") as pipe:
            app(obj=pipe)
    os.close(theirs)
    with _loaded_lightly():
        import bot.app  # noqa: F401 - read early, for what it brings
    with os.fdopen(ours, "rb") as pipe:
        settings = pipe.read()
    _, status = os.waitpid(child, 0)
    if not settings:
        sys.exit(os.waitstatus_to_exitcode(status))
    _run_with(pickle.loads(settings))  # noqa: S301 - of our own child


@app.command()
def demo(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the demo page; 0 picks a free one.")
    ] = 8300,
) -> None:
    """Try the bot offline, with no token or network. Prints the address of the demo page."""
    from bot.demo import run_demo

    _run(run_demo(port))


@app.command()
def check(
    config: ConfigOption = None,
    tell: Annotated[bool, typer.Option("--tell", help="Send each admin a test message.")] = False,
    migrate: Annotated[
        bool,
        typer.Option("--migrate", help="Bring a store of an earlier version up to date first."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Check configuration, storage, Telegram, admins and sites; exit code 2 on any problem.

    Nothing is changed, and the bot may be running.
    """
    from bot.operations.doctor import CheckResult, check_all

    try:
        settings = _load(config)
    except ConfigError as error:
        if not as_json:
            raise
        _print_json([CheckResult("configuration", False, problem) for problem in error.problems])
        raise typer.Exit(2) from error
    results: list[CheckResult] = _run(check_all(settings, tell=tell, migrate=migrate))
    if as_json:
        _print_json(results, settings=settings.origins, warnings=settings.warnings)
    else:
        _warn(settings.warnings)
        _print(results, settings.origins)
    if not all(result.is_well for result in results):
        raise typer.Exit(2)


@app.command()
def stats(config: ConfigOption = None) -> None:
    """Show how much is kept. Small counts are hidden; the bot may be running."""
    from bot.operations.store_commands import kept_figures

    typer.echo(_run(kept_figures(_load(config, with_token=False).storage, datetime.now(UTC))))


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG,
    token: Annotated[
        str, typer.Option(help="The bot's token; otherwise asked for, or read from a pipe.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a commented configuration file, and the store's key if there is none yet.

    Nobody else on this machine can read them.
    """
    from bot.config import PLACEHOLDER_TOKEN
    from bot.config_example import EXAMPLE
    from bot.config_reader import load_config
    from bot.config_reader import token as checked_token
    from storage.opening import make_key

    if os.path.lexists(path) and not force:
        _end([f"{path} already exists. Use --force to replace it."])
    given = token or _token_from_input()
    try:
        text = EXAMPLE.replace(PLACEHOLDER_TOKEN, checked_token(given)) if given else EXAMPLE
    except ValueError as error:
        _end([f"{'--token' if token else 'the token'}: {error}"])
    _write_private(path, text)
    if given:
        typer.echo(f"Wrote {path}. Next: petition-bell check --config {path}")
    else:
        typer.echo(f"Wrote {path}. Next: put the token from @BotFather into it.")
    storage = load_config(path, with_token=False).storage
    if not storage.key and make_key(storage.key_file):
        typer.echo(f"Wrote {storage.key_file}, the store's key. Keep a copy of it elsewhere.")


def _token_from_input() -> str:
    """Return the token from whoever sits there, or from a pipe or file."""
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        asked: str = typer.prompt(
            "Bot token from @BotFather (press Enter to add it later)",
            default="",
            show_default=False,
            hide_input=True,
        )
        return asked.strip()
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return sys.stdin.readline().strip() if stat.S_ISFIFO(mode) or stat.S_ISREG(mode) else ""


@app.command("export")
def export_store(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist yet.")],
    config: ConfigOption = None,
) -> None:
    """Write the whole store as plain JSON. Anyone who can read it can see who follows what."""
    from bot.operations.store_commands import counted, export_to

    with _progress() as told:
        chats = _run(export_to(file, _load(config, with_token=False).storage, told))
    typer.echo(f"Wrote {file} ({counted(chats, 'chat')}). Only you can read it.")
    typer.echo(f"{file} is not encrypted. Keep it safe and delete it when you're done.", err=True)


@app.command("import")
def import_store(
    file: Annotated[Path, typer.Argument(help="A file that `export` wrote.")],
    config: ConfigOption = None,
) -> None:
    """Fill an empty store from an exported file."""
    from bot.operations.store_commands import counted, import_from

    with _progress() as told:
        settings = _load(config, with_token=False).storage
        _check_user(settings.url)
        chats = _run(import_from(file, settings, told))
    typer.echo(f"Imported {counted(chats, 'chat')}.")
    typer.echo(f"{file} is not encrypted. Delete it when you're done.", err=True)


@app.command()
def rekey(config: ConfigOption = None) -> None:
    """Encrypt the store with a new key. Stop the bot first."""
    from storage.opening import rekey_storage

    def tell(key: str) -> None:
        typer.echo(f"Set PETITION_BELL_STORAGE__KEY to this from now on:\n{key}")

    settings = _load(config, with_token=False).storage
    _check_user(settings.url)
    _run(rekey_storage(settings, tell))
    where = "" if settings.key else f", kept in {settings.key_file}"
    typer.echo(f"The store is now encrypted with a new key{where}.")


@app.command()
def backup(
    file: Annotated[
        Path, typer.Argument(help="The file to write, or a folder to put it in, named by the time.")
    ],
    keep_days: Annotated[
        int | None,
        typer.Option(min=1, help="Delete backups in that folder that are older than this."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Copy the whole store to one encrypted file. The bot may be running."""
    from bot.operations.store_commands import counted, drop_old, file_for
    from storage.opening import back_up_storage

    settings, now = _load(config, with_token=False).storage, datetime.now(UTC)
    if keep_days is not None:
        try:
            file.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            _end([f"--keep-days: {file} can't be used as the backup folder ({error.strerror})"])
    written = file_for(file, now)
    chats = _run(back_up_storage(settings, written))
    typer.echo(f"Wrote {written} ({counted(chats, 'chat')}).")
    if keep_days is not None:
        for each in drop_old(file, now - timedelta(days=keep_days)):
            typer.echo(f"Deleted {each}, which was older than {keep_days} days.")
    if not settings.key:
        typer.echo(f"It opens only with {settings.key_file}: keep a copy of that elsewhere.")


@app.command()
def restore(
    file: Annotated[
        Path | None,
        typer.Argument(help="A file that `backup` wrote; without it, repair the store."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Put a backup back where there is no store; without a file, repair a damaged store.

    A repair takes what can still be read, and keeps copies of the damaged files.
    """
    from bot.operations.store_commands import counted
    from storage.opening import repair_storage, restore_backup

    settings = _load(config, with_token=False).storage
    _check_user(settings.url)
    if file is not None:
        chats = _run(restore_backup(settings, file))
        typer.echo(
            f"The store is restored from {file} ({counted(chats, 'chat')}). You can start the bot."
        )
        return
    is_all = _run(repair_storage(settings))
    lost = "The store is repaired, but the latest changes are lost."
    typer.echo("The store is repaired. Nothing was lost." if is_all else lost)


@app.callback(invoke_without_command=True)
def options(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """A Telegram bot that tells people when something happens to a petition."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@contextmanager
def _loaded_lightly() -> Iterator[None]:
    """Keep rich and httpx's command line from being loaded by imports, and look for no garbage.

    structlog loads rich where it finds it, and httpx its own command line; and next to nothing of
    what an import makes is ever garbage.
    """
    unneeded = ("rich", "httpx._main")
    found = {name: sys.modules[name] for name in unneeded if name in sys.modules}
    sys.modules |= dict.fromkeys(unneeded)  # type: ignore[arg-type]  # None makes an import fail
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        for name in unneeded:
            sys.modules.pop(name, None)
        sys.modules |= found


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that shows how far something has come, on a terminal alone."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.table import Column

    words = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1))
    columns = (SpinnerColumn(), words, BarColumn(20), TimeElapsedColumn())
    console = Console(stderr=True)
    shown = console.is_terminal
    with Progress(*columns, console=console, disable=not shown, expand=True) as progress:
        steps: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in steps:
                for before in steps.values():
                    progress.update(before, total=1, completed=1)
                steps[what] = progress.add_task(what, total=None)
            progress.update(steps[what], completed=done, total=total or None)

        yield told


def _load(path: Path | None, *, with_token: bool = True) -> Any:
    """Return the configuration; whatever the rest has to log goes to standard error."""
    return _logging_as_told(_read(path, with_token=with_token))


def _read(path: Path | None, *, with_token: bool = True) -> Any:
    from bot.config_reader import load_config

    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    return load_config(path, with_token=with_token)


def _logging_as_told(settings: Any) -> Any:
    from bot.operations.logging import configure_logs

    configure_logs(settings.log.level, settings.log.format, settings.telegram.token)
    return settings


def _check_user(url: str) -> None:
    """End if root would work on another user's store: it leaves files that user cannot open."""
    from storage.disk import user_name

    scheme, _, place = url.partition(":")
    folder = Path(place).parent
    if scheme != "tinydb" or os.geteuid() != 0 or not folder.exists() or folder.stat().st_uid == 0:
        return
    owner = user_name(folder.stat().st_uid)
    _end([f"{folder} belongs to {owner}, so run this as that user: sudo -u {owner} …"])


def _print(results: list[Any], origins: tuple[str, ...]) -> None:
    """Print a line for each result, whatever the terminal's width; settings under the first."""
    width = max(len(result.what) for result in results)
    for result in results:
        mark = "ok     " if result.is_well else "problem"
        coloured = typer.style(mark, fg="green" if result.is_well else "red")
        typer.echo(f"{coloured}  {_plain(result.what):{width}}  {_plain(result.detail)}")
        if result.what == "configuration":
            for origin in origins:
                typer.echo(f"{'':9}{'':{width}}  {_plain(origin)}")


def _print_json(results: list[Any], **others: tuple[str, ...]) -> None:
    told = [{"what": each.what, "ok": each.is_well, "detail": each.detail} for each in results]
    document = {"ok": all(each["ok"] for each in told), "version": __version__, "findings": told}
    typer.echo(json.dumps(document | others, ensure_ascii=False, indent=1))


def _plain(text: str) -> str:
    """Return a text on one line, without what a terminal would take for an order."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text.replace("\n", " "))


def _warn(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        typer.echo(f"petition-bell: warning: {warning}", err=True)


def _write_private(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        _end([f"{path} can't be written ({error.strerror})"])
