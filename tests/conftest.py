"""What every test may ask for, and what happens once per run."""

import asyncio
import functools
import gc
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import httpx
import psutil
import pytest
import structlog
import uvloop
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser, Page

from payglot import embedded
from tests import browsers, database

if TYPE_CHECKING:
    from tests.world import World

RUN = pytest.StashKey[Path]()
LOCK = pytest.StashKey[IO[str]]()

settings.register_profile(
    # Timing on a shared machine is noise.
    "payglot",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("payglot")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-cases", type=int, help="requests per dialect that the schema tests send, at random")


def _settle_in_memory() -> None:
    """Databases, browser profiles and all else that a run leaves nothing of are kept in memory, where there is plenty:
    a fifth of the time of what commits is spent waiting for a disk. Every process that a test starts inherits it."""
    memory, plenty = Path("/dev/shm"), 4 << 30
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return
    if min(shutil.disk_usage(memory).free, psutil.virtual_memory().available // 2) >= plenty:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


_settle_in_memory()

# Loading leaves no garbage to look for; what is loaded stays.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


# Each of httpx's clients and shortcuts loads the world's certificates anew: a tenth of all the tests' time.
httpx._transports.default.create_ssl_context = functools.cache(httpx.create_ssl_context)  # type: ignore[attr-defined]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop that the product runs on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_configure(config: pytest.Config) -> None:
    # A developer's own settings must not change what the tests find.
    for name in [name for name in os.environ if name.startswith("PAYGLOT_") and name != "PAYGLOT_BROWSER"]:
        del os.environ[name]
    # As in production: the pictures that structlog draws of every exception's variables take seconds.
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(bool_as_flag=False),
        ]
    )
    if worker := getattr(config, "workerinput", None):
        config.stash[RUN] = Path(worker["payglot_run"])
    else:
        # Ended by a CI's time limit, a run closes as it does after Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        database.sweep()
        config.stash[RUN], config.stash[LOCK] = database.open_run()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    node.workerinput["payglot_run"] = str(node.config.stash[RUN])  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    if LOCK in config.stash:
        database.close_run(config.stash[RUN], config.stash[LOCK])


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """A folder that all processes of this test run share."""
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[embedded.Postgres]:
    """The test run's one server."""
    with embedded.Postgres(run_folder) as server:
        yield server


@pytest.fixture(scope="session")
def database_url(postgres: embedded.Postgres, run_folder: Path, worker_name: str) -> str:
    """This test process' database, migrated. It holds other tests' rows: make a merchant of your own."""
    return database.copy_of_template(postgres, run_folder, f"payglot_{worker_name}")


@pytest.fixture(scope="session")
def new_database(postgres: embedded.Postgres, run_folder: Path, worker_name: str) -> Callable[..., str]:
    """Makes a database for one test and answers its URL; `migrated=False` leaves it empty."""
    numbers = itertools.count(1)

    def make(*, migrated: bool = True) -> str:
        name = f"payglot_{worker_name}_{next(numbers)}"
        if migrated:
            return database.copy_of_template(postgres, run_folder, name)
        return database.empty(postgres, name)

    return make


@pytest.fixture(scope="session")
def worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


@pytest.fixture(scope="session")
def fuzz_cases(pytestconfig: pytest.Config) -> int | None:
    """None in the short run that belongs to every run of the tests."""
    wanted: int | None = pytestconfig.getoption("--fuzz-cases")
    return wanted


@pytest.fixture(scope="session")
async def standing_world(database_url: str) -> AsyncIterator["World"]:
    from tests.world import open_world

    async with open_world(database_url) as opened:
        yield opened


@pytest.fixture
def world(standing_world: "World") -> "World":
    """A whole Payglot in this process. Make a merchant of your own: the database and its connections are shared by this
    process' tests, and only the clock, the callers and the client begin anew with each."""
    return standing_world.anew()


@pytest.fixture(scope="session")
async def standing_quiet_world(new_database: Callable[..., str]) -> AsyncIterator["World"]:
    from tests.world import open_world

    async with open_world(new_database()) as opened:
        yield opened


@pytest.fixture
async def quiet(standing_quiet_world: "World") -> "World":
    """A whole Payglot in this process with nothing in its database, for tests of what takes up everybody's work, or
    moves the clock of all."""
    return await standing_quiet_world.emptied()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium. Without one, the test fails in CI and is skipped elsewhere."""
    async with browsers.chromium() as opened:
        yield opened


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page in a browser session of its own."""
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()
