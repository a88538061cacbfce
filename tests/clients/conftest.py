"""A whole server for the clients, merchants with a webhook endpoint, and the driven clients."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.clients.driving import Driver, driver
from tests.clients.receiving import receiver
from tests.clients.shop import DOMAIN, Shop
from tests.processes import environment, free_port, provision, running


@pytest.fixture(scope="session")
def server(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings of a server that runs."""
    folder = tmp_path_factory.mktemp("server")
    variables = environment(
        folder / "data", port=free_port(), sandbox="true", database_url=new_database(),
        webhook_allowed_networks="127.0.0.0/8",
    )  # fmt: skip
    with running(["serve"], variables, folder / "log") as started:
        started.wait_until_ready()
        yield variables
        assert started.stop() == 0


@pytest.fixture(scope="session")
def shop(server: dict[str, str]) -> Iterator[Shop]:
    """A merchant that this process' tests share: look only at links of your own."""
    with receiver() as hooks:
        given = provision(server, "--webhook-url", hooks.url, "--redirect-domain", DOMAIN)
        yield Shop(base_url=given["base_url"], given=given, hooks=hooks)


@pytest.fixture
def own_shop(shop: Shop) -> Iterator[Shop]:
    """A merchant for one test, where all links, endpoints and tokens count."""
    with receiver() as hooks:
        yield shop.another(hooks)


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Driver]]:
    """The client that a script drives: started once, and connected anew by each test."""
    folder = tmp_path_factory.mktemp("clients")
    with ExitStack() as stack:
        started: dict[str, Driver] = {}

        def start(script: str) -> Driver:
            if script not in started or not started[script].runs:
                started[script] = stack.enter_context(driver(script, folder))
            return started[script]

        yield start
