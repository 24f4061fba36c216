"""The commands that carry a whole store: export, import, rekey, restore."""

import os
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from forked import ran

from bot.errors import StorageError
from bot.subscriptions.subscription import Chat
from storage.export import imported
from storage.tinydb.store import open_tiny

CONFIG = """
[telegram]
token = "123456789:a-token-nobody-has"
[storage]
url = "tinydb:{folder}/store.db"
key_file = "{folder}.key"
"""


def bell(*arguments: object, **environment: str) -> CompletedProcess[str]:
    return ran("-m", "bot", *map(str, arguments), env={**os.environ, **environment})


def config_for(folder: Path) -> Path:
    path = folder.with_suffix(".toml")
    path.write_text(CONFIG.format(folder=folder))
    return path


async def chats_in(folder: Path) -> int:
    storage = await open_tiny(folder / "store.db", folder.with_suffix(".key"))
    tally = await storage.tally()
    await storage.close()
    return tally.chats


@pytest.fixture
async def old(tmp_path: Path) -> Path:
    """The folder of a store with one chat in it."""
    folder = tmp_path / "old"
    storage = await open_tiny(folder / "store.db", folder.with_suffix(".key"))
    await storage.save_chat(Chat(4242424242))
    await storage.close()
    return folder


async def test_an_exported_store_can_be_imported_elsewhere(old: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "export.json", tmp_path / "new"
    exported = bell("export", file, "--config", config_for(old))
    assert exported.returncode == 0, exported.stderr
    assert "not encrypted" in exported.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert "4242424242" in file.read_text()
    imported = bell("import", file, "--config", config_for(new))
    assert imported.returncode == 0, imported.stderr
    assert await chats_in(new) == 1


async def test_on_a_terminal_a_move_says_how_far_it_is(old: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "export.json", tmp_path / "new"
    exported = bell("export", file, "--config", config_for(old), FORCE_COLOR="1")
    assert "reading 1 chat" in exported.stderr
    assert "writing" in exported.stderr
    imported = bell("import", file, "--config", config_for(new), FORCE_COLOR="1")
    assert "kept 1 chat" in imported.stderr


def refused(*arguments: object) -> str:
    done = bell(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    return done.stderr


async def test_an_export_replaces_no_file_and_an_import_no_store(old: Path, tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text("mine")
    assert "exists already" in refused("export", file, "--config", config_for(old))
    assert file.read_text() == "mine"
    assert "not an export" in refused("import", file, "--config", config_for(old))
    assert await chats_in(old) == 1


async def test_a_store_is_sealed_anew(old: Path) -> None:
    before = old.with_suffix(".key").read_text()
    done = bell("rekey", "--config", config_for(old))
    assert done.returncode == 0, done.stderr
    assert old.with_suffix(".key").read_text() != before
    assert await chats_in(old) == 1


async def test_a_damaged_store_is_restored(old: Path) -> None:
    journal = old / "store.db.journal.1"
    journal.write_bytes(b"spilt ink" + journal.read_bytes())
    assert "restore" in refused("export", old / "export.json", "--config", config_for(old))
    done = bell("restore", "--config", config_for(old))
    assert done.returncode == 0, done.stderr
    assert "lost" in done.stdout
    assert await chats_in(old) == 0


@pytest.mark.parametrize("document", [{"a": 1}, {"program": "another", "chats": []}], ids=str)
def test_what_is_no_export_is_said_to_be_none(document: dict[str, object]) -> None:
    with pytest.raises(StorageError, match="no export of petition-bell"):
        imported(document)
