"""Configuration: what is read, what is refused, and that every problem is named at once."""

import base64
import re
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from forked import ROOT, ran

from bot.config import DEFAULTS, PLACEHOLDER_TOKEN, Config
from bot.config_example import EXAMPLE
from bot.config_reader import load_config
from bot.errors import ConfigError

TOKEN = {"TELEGRAM_TOKEN": "123456:secret"}


def problems(text: str, folder: Path, environment: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, folder, environment)
    return caught.value.problems


def loaded(text: str, folder: Path, environment: dict[str, str] | None = None) -> Config:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return load_config(path, environment if environment is not None else {})


def bell(*arguments: str, cwd: Path, **environment: str) -> CompletedProcess[str]:
    return ran("-m", "bot", *arguments, cwd=cwd, env={"PATH": "/usr/bin:/bin", **environment})


def test_the_example_file_is_what_init_writes_and_loads_with_a_token() -> None:
    path = ROOT / "config.example.toml"
    assert path.read_text("utf-8") == EXAMPLE
    config = load_config(path, TOKEN)
    assert config.poll.interval == timedelta(seconds=60)
    assert config.sites[0].url == "https://petition.parliament.uk"


def test_the_example_shows_every_setting_with_its_default() -> None:
    for section, keys in DEFAULTS.items():
        assert re.search(rf"^\[+{section}\]+$", EXAMPLE, re.MULTILINE), section
        for key in keys:
            is_shown = re.search(rf"^(# )?{key} = ", EXAMPLE, re.MULTILINE)
            assert is_shown, f"{section}.{key} has no line in bot/config_example.py"


def test_a_token_alone_in_the_environment_is_enough() -> None:
    config = load_config(None, TOKEN)
    assert config.telegram.token == "123456:secret"
    assert [site.id for site in config.sites] == ["uk"]


def test_the_environment_is_laid_over_the_file(tmp_path: Path) -> None:
    config = loaded(
        '[telegram]\ntoken = "1:a"\n[poll]\ninterval = "5m"\n',
        tmp_path,
        {
            "PETITION_BELL_POLL__INTERVAL": "30s",
            "PETITION_BELL_TELEGRAM__ADMINS": "1, 2",
            "PETITION_BELL_SITES__0__URL": "http://127.0.0.1:1/",
        },
    )
    assert config.poll.interval == timedelta(seconds=30)
    assert config.telegram.admins == (1, 2)
    assert config.sites[0].url == "http://127.0.0.1:1"


def test_the_token_can_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("1:from-file\n")
    config = loaded('[telegram]\ntoken_file = "secret"\n', tmp_path)
    assert config.telegram.token == "1:from-file"


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    config = loaded("[storage]\nurl = 'tinydb:d/x.db'\n", tmp_path, TOKEN)
    assert config.storage.url == f"tinydb:{tmp_path}/d/x.db"


def test_every_problem_is_reported_at_once_and_names_its_key(tmp_path: Path) -> None:
    found = problems(
        """
        [telegram]
        tokn = "x"
        admins = "a"
        mode = "pigeon"
        [storage]
        url = "mysql://x"
        [poll]
        interval = "soon"
        requests_per_minute = 0
        [log]
        level = "loud"
        [[sites]]
        id = "U K"
        url = "ftp://x"
        debate_threshold = -1
        [[sites]]
        id = "je"
        [stor]
        """,
        tmp_path,
        {"PETITION_BELL_NONSENSE": "1"},
    )
    named = {problem.split(":")[0] for problem in found}
    assert named == {
        "PETITION_BELL_NONSENSE",
        "telegram.tokn",
        "telegram.token",
        "telegram.admins",
        "telegram.mode",
        "storage.url",
        "poll.interval",
        "poll.requests_per_minute",
        "log.level",
        "sites[0].id",
        "sites[0].url",
        "sites[0].debate_threshold",
        "sites[1].url",
        "stor",
    }


def test_a_misspelt_setting_gets_the_nearest_one(tmp_path: Path) -> None:
    (problem,) = problems("[poll]\nintervall = '60s'\n", tmp_path, TOKEN)
    assert problem == "poll.intervall: isn't a setting; did you mean poll.interval?"


@pytest.mark.parametrize("text", ["sites = 3", "telegram = 1", "[sites]\nid = 'uk'", "sites = []"])
def test_tables_of_the_wrong_shape_are_problems_not_crashes(text: str, tmp_path: Path) -> None:
    assert problems(text, tmp_path, TOKEN)


def test_two_sites_of_one_name_are_a_problem(tmp_path: Path) -> None:
    site = "[[sites]]\nid = 'uk'\nurl = 'https://a.uk'\n"
    (problem,) = problems(site * 2, tmp_path, TOKEN)
    assert "already used by another site" in problem


def test_the_placeholder_is_not_taken_for_a_token(tmp_path: Path) -> None:
    (problem,) = problems(EXAMPLE, tmp_path)
    assert "placeholder" in problem
    assert PLACEHOLDER_TOKEN not in problem


def test_a_token_does_not_show_itself(tmp_path: Path) -> None:
    assert "secret" not in repr(load_config(None, TOKEN))
    (problem,) = problems("[telegram]\ntoken = 'se cret'\n", tmp_path)
    assert "cret" not in problem


def test_a_file_that_an_editor_on_windows_saved_is_read_or_said_to_be_no_utf_8(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.toml"
    text = '[telegram]\r\ntoken_file = "secret"\r\n'
    (tmp_path / "secret").write_bytes("1:marked\r\n".encode("utf-8-sig"))
    path.write_bytes(text.encode("utf-8-sig"))
    assert load_config(path, {}).telegram.token == "1:marked"
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.problems == (f"{path}: is not UTF-8 text: save it as UTF-8",)


@pytest.mark.parametrize("value", ["0s", "2d", "60", "-5s", "1e3s", "", "60 s extra"])
def test_a_length_of_time_that_is_none_is_refused(value: str, tmp_path: Path) -> None:
    assert problems(f"[poll]\ninterval = '{value}'\n", tmp_path, TOKEN)


def test_what_is_not_as_by_default_is_said_with_where_it_was_set(tmp_path: Path) -> None:
    config = loaded(
        "telegram.admins = []\npoll.interval = '5m'\nlog = {level = 'info', format = 'json'}\n",
        tmp_path,
        TOKEN | {"PETITION_BELL_POLL__INTERVAL": "30s", "PETITION_BELL_SITES__0__NAME": "Kew"},
    )
    file = tmp_path / "config.toml"
    assert set(config.origins) == {
        "telegram.token = (hidden), from TELEGRAM_TOKEN",
        f"poll.interval = 30s, from PETITION_BELL_POLL__INTERVAL, instead of what {file} says",
        f"log.format = json, from {file}",
        "sites[0].name = Kew, from PETITION_BELL_SITES__0__NAME",
    }


def test_a_file_for_the_token_in_the_environment_goes_before_the_token_in_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret").write_text("1:from-file\n")
    environment = {"PETITION_BELL_TELEGRAM__TOKEN_FILE": "secret"}
    config = loaded('[telegram]\ntoken = "1:written"\n', tmp_path, environment)
    assert config.telegram.token == "1:from-file"


def test_the_password_of_a_database_does_not_show_itself(tmp_path: Path) -> None:
    config = loaded("[storage]\nurl = 'postgresql://bell:hush@db/bell'\n", tmp_path, TOKEN)
    assert "hush" not in repr(config)


def test_the_password_of_a_database_can_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("it's @ /hush:\n")
    url = "postgresql://bell@a,b:7/bell?sslmode=require"
    settings = f"[storage]\nurl = '{url}'\npassword_file = 'secret'\n"
    config = loaded(settings, tmp_path, TOKEN)
    assert config.storage.url == (
        "postgresql://bell:it%27s%20%40%20%2Fhush%3A@a,b:7/bell?sslmode=require"
    )
    assert "hush" not in repr(config)
    assert "hush" not in str(config.origins)
    for url in ("tinydb:d/x.db", "postgresql://bell:known@db/bell", "postgresql://db/bell"):
        (problem,) = problems(
            f"[storage]\nurl = '{url}'\npassword_file = 'secret'\n", tmp_path, TOKEN
        )
        assert problem.startswith("storage.password_file: what is in ")
        assert "hush" not in problem
        assert "known" not in problem
    (problem,) = problems(settings.replace("secret'", "gone'"), tmp_path, TOKEN)
    assert "gone cannot be read (No such file or directory)" in problem


def test_an_address_is_the_same_with_a_slash_at_its_end(tmp_path: Path) -> None:
    config = loaded("[telegram]\nbase_url = 'https://api.example/bot/'\n", tmp_path, TOKEN)
    assert config.telegram.base_url == "https://api.example/bot"


@pytest.mark.parametrize("address", ["https://api.telegram.org", "https://api.telegram.org/"])
def test_an_address_of_telegram_without_the_bot_at_its_end_is_refused_with_what_is_right(
    address: str, tmp_path: Path
) -> None:
    (problem,) = problems(f"[telegram]\nbase_url = '{address}'\n", tmp_path, TOKEN)
    assert problem.startswith('telegram.base_url: must end in "/bot", like "https://api.')
    (problem,) = problems(
        "[telegram]\nbase_url = 'https://api.telegram.org/bot123456:secret'\n", tmp_path, TOKEN
    )
    assert problem == 'telegram.base_url: must end in "/bot", without the token'


def test_what_is_set_to_nothing_in_the_environment_is_not_set(tmp_path: Path) -> None:
    environment = TOKEN | {
        "PETITION_BELL_TELEGRAM__ADMINS": "",
        "PETITION_BELL_POLL__INTERVAL": " ",
    }
    config = loaded("telegram.admins = [7]\npoll.interval = '5m'\n", tmp_path, environment)
    assert config.telegram.admins == (7,)
    assert config.poll.interval == timedelta(minutes=5)


def test_what_concerns_the_store_alone_needs_no_token(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for text in ("", "telegram.token = ''", "telegram.token_file = 'gone'", EXAMPLE):
        path.write_text(text)
        assert load_config(path, {}, with_token=False).telegram.token == ""
        with pytest.raises(ConfigError):
            load_config(path, {})


def test_a_token_that_ends_in_a_line_break_is_the_same_token() -> None:
    assert (
        load_config(None, {"TELEGRAM_TOKEN": "123456:secret\n"}).telegram.token == "123456:secret"
    )


# --- the command line ----------------------------------------------------------------------------


def test_a_bad_configuration_ends_with_2_and_a_line_each_without_a_traceback(
    tmp_path: Path,
) -> None:
    (tmp_path / "c.toml").write_text("[poll]\ninterval = 'soon'\n[x]\n")
    done = bell("run", "--config", "c.toml", cwd=tmp_path)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("petition-bell: ") for line in lines)
    assert "Traceback" not in done.stderr


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    done = bell("run", "--config", "none.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "petition-bell init" in done.stderr
    assert done.stderr.count("\n") == 1


def test_init_writes_a_file_that_only_its_owner_reads_and_never_replaces_one(
    tmp_path: Path,
) -> None:
    assert bell("init", "--token", "123456:abc", cwd=tmp_path).returncode == 0
    path, key = tmp_path / "config.toml", tmp_path / "petition-bell.key"
    for file in (path, key):
        assert file.stat().st_mode & 0o777 == 0o600
    before = key.read_text()
    assert bell("init", "--token", "123456:abc", "--force", cwd=tmp_path).returncode == 0
    assert key.read_text() == before
    assert load_config(path, {}).telegram.token == "123456:abc"
    again = bell("init", "--token", "654321:xyz", cwd=tmp_path)
    assert again.returncode == 2
    assert load_config(path, {}).telegram.token == "123456:abc"


def test_the_version_is_told(tmp_path: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", bell("--version", cwd=tmp_path).stdout)


@pytest.mark.parametrize(
    ("url", "key_file", "is_apart"),
    [
        ("tinydb:data/bell.db", "bell.key", True),
        ("tinydb:data/bell.db", "data/bell.key", False),
        ("tinydb:data/bell.db", "data/keys/bell.key", False),
        ("tinydb:bell.db", "bell.key", False),
        ("postgresql://bell@db/bell", "bell.key", True),
    ],
)
def test_the_key_does_not_lie_with_the_data(
    tmp_path: Path, url: str, key_file: str, is_apart: bool
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        f'[telegram]\ntoken = "1:x"\n[storage]\nurl = "{url}"\nkey_file = "{key_file}"\n'
    )
    if is_apart:
        assert load_config(path, {}).storage.url.endswith("bell.db") or "postgresql" in url
        return
    with pytest.raises(ConfigError, match="storage.key_file: must be outside"):
        load_config(path, {})


def test_a_key_that_is_given_lies_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[telegram]\ntoken = "1:x"\n[storage]\nurl = "tinydb:bell.db"\n')
    key = base64.b64encode(bytes(32)).decode()
    assert load_config(path, {"PETITION_BELL_STORAGE__KEY": key}).storage.key == key


def test_what_a_site_is_like_is_one_of_the_four_and_has_to_be_said_of_another(
    tmp_path: Path,
) -> None:
    site = "[[sites]]\nid = 'kirk'\nurl = 'https://petitions.example'\n"
    (problem,) = problems(f"{site}like = 'scotish'\n", tmp_path, TOKEN)
    assert problem == (
        "sites[0].like: must be 'uk', 'senedd', 'scotland' or 'jersey', not 'scotish'"
    )
    (problem,) = problems(site, tmp_path, TOKEN)
    assert problem == (
        "sites[0].like: is missing. Say which of uk, senedd, scotland, jersey it works like"
    )
