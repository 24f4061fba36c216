"""Files that commands are asked to write or read where that cannot be: a line, and exit code 2."""

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cli import main
from bot.config_reader import load_config
from bot.operations.store_commands import drop_old, export_to, file_for
from storage.disk import Disk
from storage.opening import open_storage
from storage.tinydb.backup import back_up_tiny

TOO_LONG = "n" * 300


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bot.cli._logging_as_told", lambda settings: settings)
    for folder in ("store", "keys"):
        Path(folder).mkdir()
    Path("file").write_text("x")
    Path("link").symlink_to("nowhere")
    config = tmp_path / "config.toml"
    store = f"url = 'tinydb:{tmp_path}/store/bell.db'\nkey_file = '{tmp_path}/keys/bell.key'"
    config.write_text(f"[storage]\n{store}\n")
    asyncio.run(make_store(config))
    return config


async def make_store(config: Path) -> None:
    await (await open_storage(load_config(config, with_token=False).storage)).close()


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    """What a command says as it ends with exit code 2."""
    monkeypatch.setattr(sys, "argv", ["petition-bell", *words])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_what_cannot_be_is_said_in_a_line_and_nothing_is_left(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(os.listdir())
    for command in ("backup", "export", "restore", "import", "init"):
        for file in ("file/x", TOO_LONG, "link", "nowhere/x", "."):
            if (command, file) in {("init", "nowhere/x"), ("backup", ".")}:
                continue  # which make what is not there
            more = (
                ["--token", f"123456789:{'A' * 35}"] if command == "init" else ["-c", str(config)]
            )
            said_ = said(capsys, monkeypatch, command, file, *more)
            assert len(said_.splitlines()) == 1, said_
            assert sorted(os.listdir()) == before


def test_a_file_that_lies_where_a_backup_is_written_first_does_not_open_it_to_others(
    config: Path,
) -> None:
    storage = load_config(config, with_token=False).storage
    aside = Path(".copy.next")
    aside.write_text("x")
    aside.chmod(0o666)
    back_up_tiny(Path(storage.url.removeprefix("tinydb:")), storage.key_file, Path("copy"))
    assert Path("copy").stat().st_mode & 0o777 == 0o600
    assert not aside.exists()


def test_a_command_that_is_interrupted_leaves_no_half_a_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def told(what: str, *_: object) -> None:
        if what == "writing":
            raise KeyboardInterrupt

    storage, before = load_config(config, with_token=False).storage, sorted(os.listdir())
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(export_to(Path("plain.json"), storage, told))
    monkeypatch.setattr(Disk, "sync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        back_up_tiny(Path(storage.url.removeprefix("tinydb:")), storage.key_file, Path("copy"))
    assert sorted(os.listdir()) == before


def test_a_file_named_after_no_time_is_no_backup_of_ours(tmp_path: Path) -> None:
    odd = tmp_path / "petition-bell-2026-99-99T999999Z.backup"
    old = file_for(tmp_path, datetime(2020, 1, 1, tzinfo=UTC))
    for each in (odd, old):
        each.write_text("x")
    assert drop_old(tmp_path, datetime(2026, 1, 1, tzinfo=UTC)) == [old]
    assert odd.exists()
