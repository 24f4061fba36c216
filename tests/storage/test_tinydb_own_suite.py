"""TinyDB's own tests, from its source distribution, over our storage and our table class.

pip fetches the distribution of the version that is installed, once: it is kept in pytest's cache.
Where it cannot be fetched, the test is skipped and says why.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VERSION = version("tinydb")

# What is about neither a storage nor a table, but about a file of JSON or a name; each with why.
LEFT_OUT = {
    "test_json_kwargs": "compares JSONStorage's file, letter by letter",
    "test_json_read": "opens JSONStorage's file by an access mode",
    "test_json_invalid_mode_warning": "is about JSONStorage's access modes",
    "test_encoding": "opens JSONStorage's file in two encodings",
    "test_create_dirs": "has folders made only where that is asked for; ours makes its own",
    "test_json_invalid_directory": "has no folders made; ours makes its own, wherever it may",
    "test_caching_json_write": "looks at JSONStorage's file handle",
    "test_table_repr": "expects TinyDB's own storages by their names",
}

# In the place of TinyDB's conftest: the same fixtures, and our classes wherever it names its own.
CONFTEST = '''
import json
import os
import tempfile

import pytest
import tinydb
from tinydb.middlewares import CachingMiddleware

from storage.disk import Disk
from storage.key_file import key_text
from storage.tinydb.journalled import JournalledStorage
from storage.tinydb.table import JournalledTinyDB

LEFT_OUT = json.loads(os.environ["LEFT_OUT"])
# What some tests write has to be tables of documents; theirs is none.
DOCUMENTS = {"people": {"1": {"none": [None, None], "float": 3.14, "dict": {"hp": 13}}}}


class Unsynced(Disk):
    """A disk that nobody waits for: there is no power cut among these tests."""

    def sync(self, descriptor): ...
    def sync_names(self, descriptor): ...


class AtAPath(JournalledStorage):
    """For JSONStorage, whose options are about JSON."""

    def __init__(self, path, **options):
        super().__init__(path, key=key_text(bytes(32)), disk=Unsynced())


class OfItsOwn(AtAPath):
    """For MemoryStorage."""

    def __init__(self):
        super().__init__(tempfile.mkdtemp() + "/own.db")

    @property
    def memory(self):
        return self.read()


class TinyDB(JournalledTinyDB):
    default_storage_class = AtAPath


def pytest_collection_modifyitems(items):
    missing = LEFT_OUT.keys() - {item.originalname for item in items}
    assert not missing, f"left out, but not there: {missing}"
    for item in items:
        if item.originalname in LEFT_OUT:
            item.add_marker(pytest.mark.skip(LEFT_OUT[item.originalname]))


@pytest.fixture(autouse=True)
def ours(request, monkeypatch):
    ours = {
        "TinyDB": TinyDB,
        "JSONStorage": AtAPath,
        "MemoryStorage": OfItsOwn,
        "doc": DOCUMENTS,
    }
    for name in ours.keys() & vars(request.module).keys():
        monkeypatch.setattr(request.module, name, ours[name])


@pytest.fixture
def storage():
    return CachingMiddleware(OfItsOwn)()


@pytest.fixture(params=["our table", "TinyDB's table"])
def db(request, tmp_path):
    of = TinyDB if request.param == "our table" else tinydb.TinyDB
    with of(tmp_path / "test.db", storage=AtAPath) as db:
        db.drop_tables()
        db.insert_multiple({"int": 1, "char": each} for each in "abc")
        yield db
'''


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The folder of TinyDB's tests."""
    kept = ROOT / ".pytest_cache" / f"tinydb-{VERSION}.tar.gz"
    if not kept.exists():
        asked = ["--no-deps", "--no-binary", ":all:", f"tinydb=={VERSION}", "--dest", str(tmp_path)]
        patience = ["--disable-pip-version-check", "--retries", "0", "--timeout", "5"]
        pip = [sys.executable, "-m", "pip", "download", "-q", *patience, *asked]
        fetched = subprocess.run(pip, capture_output=True, text=True, check=False)
        if fetched.returncode:
            why = (fetched.stderr.strip() or f"it ends with {fetched.returncode}").splitlines()[-1]
            pytest.skip(f"pip cannot fetch TinyDB's tests (tinydb {VERSION} from source): {why}")
        kept.parent.mkdir(exist_ok=True)
        shutil.move(tmp_path / kept.name, kept)
    with tarfile.open(kept) as files:
        files.extractall(tmp_path, filter="data")
    tests = tmp_path / f"tinydb-{VERSION}" / "tests"
    (tests / "conftest.py").write_text(CONFTEST)
    return tests


def test_tinydb_s_own_tests_pass_over_our_storage_and_our_table(suite: Path) -> None:
    pytest_alone = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*pytest_alone, "-c", "/dev/null", f"--basetemp={suite / 'tmp'}", str(suite)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LEFT_OUT": json.dumps(LEFT_OUT)}
        | {"TMPDIR": str(suite), "PYTHONWARNINGS": "ignore", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    passed = int(done.stdout.rsplit(" passed", 1)[0].split()[-1])
    assert passed > 190
