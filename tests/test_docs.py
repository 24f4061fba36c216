"""The documents tell the truth: every command, setting, path and target they should name."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.config import DEFAULTS
from handlers import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
OPERATORS_PAGE = (ROOT / "deploy" / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_and_alias_is_in_the_readme(command) -> None:  # type: ignore[no-untyped-def]
    for name in (command.name, *command.aliases):
        assert f"/{name}" in README


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    names = {name for command in COMMANDS for name in (command.name, *command.aliases)}
    rows = re.findall(r"^\| `/(\w+)", README, re.MULTILINE)
    assert set(rows) <= names


@pytest.mark.parametrize("section", DEFAULTS)
def test_every_setting_is_on_the_operators_page(section: str) -> None:
    for key in DEFAULTS[section]:
        shown = f"`sites` → `{key}`" if section == "sites" else f"`{section}.{key}`"
        assert shown in OPERATORS_PAGE, shown


def test_the_operators_page_shows_the_defaults_that_are_in_force() -> None:
    for section in ("storage", "poll", "log"):
        for key, default in DEFAULTS[section].items():
            is_time = isinstance(default, timedelta)
            told = f"{default.total_seconds():.0f}s" if is_time else default
            shown = "–" if default is None else f"`{told}`"
            assert f"| `{section}.{key}` | {shown} |" in OPERATORS_PAGE


def test_every_path_in_the_architecture_exists() -> None:
    paths = re.findall(r"`((?:bot|handlers|storage|tests)/[\w./]*)`", ARCHITECTURE)
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("room", sorted(p.parent.name for p in ROOT.glob("bot/*/__init__.py")))
def test_every_room_is_on_the_map(room: str) -> None:
    assert f"\n| `bot/{room}/` |" in ARCHITECTURE


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make (\w+)", README + OPERATORS_PAGE))))
def test_every_make_target_of_the_documents_exists(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "deploy/README.md"])
def test_every_picture_and_file_a_page_links_to_exists(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"(?:\]\(|src=\")(?!http)([^)\"]+)", text):
        path, _, anchor = target.partition("#")
        assert (ROOT / page).parent.joinpath(path).exists(), target
        assert path or anchor in anchors, target


def test_no_section_of_the_readme_is_longer_than_a_screen() -> None:
    for section in re.split(r"^#+ ", README, flags=re.MULTILINE):
        assert len(section.splitlines()) <= 40, section.splitlines()[0]


def test_no_file_holds_a_registry_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml", "Makefile"):
        assert "://" not in (ROOT / name).read_text("utf-8"), name


def test_the_architecture_fits_two_pages() -> None:
    assert len(ARCHITECTURE.split()) <= 1_100
