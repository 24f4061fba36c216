"""What is released: one version, a dated history, packages that install, licences that agree."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from collections.abc import Sequence
from pathlib import Path

import pytest
from licences import COMPATIBLE, Licensed, installed

from bot import __version__

ROOT = Path(__file__).parents[2]


def done(words: Sequence[str | Path], **how: object) -> str:
    ended = subprocess.run(words, capture_output=True, text=True, check=False, **how)  # type: ignore[call-overload,unused-ignore]
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return str(ended.stdout)


def test_there_is_one_version_and_the_history_dates_it() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'\nversion = "{__version__}"\n' in project
    history = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(
        rf"^## \[{re.escape(__version__)}\] - 20\d\d-\d\d-\d\d$", history, re.MULTILINE
    )


def test_what_is_built_from_the_source_package_runs_in_an_environment_of_its_own(
    tmp_path: Path,
) -> None:
    """The way of `pipx install`: source package, wheel, a clean environment, the program."""
    done([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path], cwd=ROOT)
    [sources] = tmp_path.glob("petition_bell-*.tar.gz")
    assert sources.name == f"petition_bell-{__version__}.tar.gz"
    with tarfile.open(sources) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        assert {"LICENSE", "README.md", "deploy/README.md", "config.example.toml"} <= names
        assert not [
            name for name in names if name.endswith((".key", ".db")) and "stores" not in name
        ]
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / sources.name.removesuffix(".tar.gz")
    done([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=folder)
    [wheel] = tmp_path.glob("*.whl")
    home = tmp_path / "environment"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    words = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    done([sys.executable, "-m", "pip", "--python", python, "install", *words, wheel])
    # What it needs is taken from here, since nothing may be fetched; the program itself is not.
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib")}
    program, empty = home / "bin" / "petition-bell", tmp_path / "empty"
    empty.mkdir()
    assert done([program, "--version"], cwd=empty, env=clean).strip() == __version__
    done([program, "init", "config.toml", "--token", "123456:secret"], cwd=empty, env=clean)
    assert (empty / "config.toml").stat().st_mode & 0o777 == 0o600
    where = done([python, "-c", "import bot; print(bot.__file__)"], cwd=empty, env=clean)
    assert where.startswith(str(home))


@pytest.mark.parametrize("package", tuple(installed()), ids=lambda package: package.name)
def test_every_licence_lets_a_program_under_mit_use_it(package: Licensed) -> None:
    assert package.licences
    assert package.licences <= COMPATIBLE
