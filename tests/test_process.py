"""The whole program, as its users start, use, kill and stop it."""

import json
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.database import ask
from tests.processes import Running, call, environment, free_port, provision, running

pytestmark = pytest.mark.process

NAMES = ("bridge", "devdraft", "p100", "qonto", "txn")
READ = {
    "bridge": "/v2/payment-links/",
    "devdraft": "/api/v0/payment-links/",
    "p100": "/v1/payment-link/details/",
    "qonto": "/v2/payment_links/",
    "txn": "/api/public/v1/payment_links/",
}
# A reusable link (Qonto's example) stays open; DevDraft's stays active.
PAID = {"bridge": "COMPLETED", "devdraft": "ACTIVE", "p100": "CONFIRMED", "qonto": "open", "txn": "completed"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("demo")
    variables = environment(folder / "data", port=free_port())
    with running(["demo"], variables, folder / "log", afresh=True) as started:
        started.wait_until_ready()
        yield started
        assert started.stop() == 0


def run_example(command: str) -> dict[str, Any]:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def examples(output: str) -> dict[str, str]:
    """The printed commands by dialect."""
    found: dict[str, str] = {}
    name = ""
    for line in output.splitlines():
        if line.strip().startswith("# "):
            name = line.strip()[2:]
        elif line.strip().startswith("curl ") and name:
            found[name] = line.strip()
    return found


def id_and_url(dialect: str, answer: dict[str, Any]) -> tuple[str, str]:
    match dialect:
        case "p100":
            return answer["paymentLinkId"], answer["url"]
        case "qonto":
            return answer["payment_link"]["id"], answer["payment_link"]["url"]
        case "txn":
            return answer["data"]["id"], answer["data"]["attributes"]["hostedPageUrl"]
        case _:
            return answer["id"], answer["url"]


def headers_in(command: str) -> dict[str, str]:
    words = shlex.split(command)
    return dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")


def inbox(base_url: str, merchant_id: str | None = None) -> list[dict[str, Any]]:
    query = {"limit": "200"} | ({"merchant_id": merchant_id} if merchant_id else {})
    messages: list[dict[str, Any]] = httpx.get(f"{base_url}/sandbox/v1/inbox", params=query, timeout=10).json()[
        "messages"
    ]
    return messages


@pytest.mark.parametrize("dialect", NAMES)
def test_each_printed_command_makes_a_link_that_pays_and_tells_its_merchant(demo: Running, dialect: str) -> None:
    command = examples(demo.output)[dialect]
    id, url = id_and_url(dialect, run_example(command))
    page = httpx.get(url, timeout=10)
    assert page.status_code == 200
    assert "Demo Shop" in page.text

    played = httpx.post(f"{demo.base_url}/sandbox/v1/pay", json={"url": url, "outcome": "paid"}, timeout=10)
    assert played.status_code == 200, played.text

    read = httpx.get(f"{demo.base_url}{READ[dialect]}{id}", headers=headers_in(command), timeout=10).json()
    word = read["data"]["attributes"]["status"] if dialect == "txn" else read["status"]
    assert word == PAID[dialect]
    deadline = time.monotonic() + 10
    told: list[dict[str, Any]] = []
    while not told and time.monotonic() < deadline:
        told = [m for m in inbox(demo.base_url) if m["dialect"] == dialect]
        time.sleep(0.1)
    assert told
    assert all(message["verified"] for message in told), told


def test_the_home_page_shows_the_commands(demo: Running) -> None:
    page = httpx.get(demo.base_url, timeout=10).text
    for name in NAMES:
        assert f"/openapi/{name}.json" in page or name in page.lower()
    assert page.count("curl") >= 5


def test_health_readiness_and_metrics_answer(demo: Running) -> None:
    assert httpx.get(f"{demo.base_url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{demo.base_url}/readyz").json()["checks"] == {
        "database": "ok",
        "schema": "ok",
        "durability": "ok",
        "worker": "ok",
    }
    metrics = httpx.get(f"{demo.base_url}/metrics").text
    for name in (
        "payglot_requests_total",
        "payglot_request_seconds_bucket",
        "payglot_delivery_attempts_total",
        "payglot_links",
    ):
        assert name in metrics


def test_a_merchant_is_provisioned_beside_the_running_demo(demo: Running, tmp_path: Path) -> None:
    variables = environment(Path(_data_dir(demo)), port=demo.base_url.rsplit(":", 1)[1])
    given = provision(variables)
    assert set(given) == {"merchant_id", "base_url", "admin_token", "dialects"}
    assert set(given["dialects"]) == set(NAMES)
    for name, dialect in given["dialects"].items():
        assert {"headers", "webhook_secret"} <= set(dialect)
        assert ("oauth" in dialect) == (name == "qonto")
    created = httpx.post(
        f"{given['base_url']}/v1/payment-link", headers=given["dialects"]["p100"]["headers"], json={"amount": "5"}
    )
    assert created.status_code == 200
    admin = httpx.get(
        f"{given['base_url']}/admin/v1/merchants/{given['merchant_id']}",
        headers={"Authorization": f"Bearer {given['admin_token']}"},
    )
    assert admin.json()["mode"] == "test"


def test_provisioning_for_another_address_than_the_running_demos_is_told(demo: Running) -> None:
    done = call(["provision", "--name", "X", "--json"], environment(Path(_data_dir(demo)), port=free_port()))
    assert done.returncode == 0
    assert demo.base_url in done.stderr
    assert "PAYGLOT_PUBLIC_URL" in done.stderr


def test_beside_a_demo_webhooks_may_go_to_a_receiver_on_this_machine(demo: Running) -> None:
    variables = environment(Path(_data_dir(demo)), port=demo.base_url.rsplit(":", 1)[1])
    receiver = f"http://127.0.0.1:{free_port()}/hooks"
    done = call(["provision", "--name", "Local receiver", "--json", "--webhook-url", receiver], variables)
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)
    listed = httpx.get(
        f"{given['base_url']}/admin/v1/merchants/{given['merchant_id']}/endpoints",
        headers={"Authorization": f"Bearer {given['admin_token']}"},
    ).json()["data"]
    assert {endpoint["url"] for endpoint in listed} == {receiver}
    refused = call(["provision", "--name", "Other", "--webhook-url", "http://10.0.0.1/hooks"], variables)
    assert refused.returncode == 1
    assert "PAYGLOT_WEBHOOK_ALLOWED_NETWORKS" in refused.stderr


def test_a_busy_port_is_one_clear_line(demo: Running, tmp_path: Path) -> None:
    done = call(["serve"], environment(tmp_path / "data", port=demo.base_url.rsplit(":", 1)[1], sandbox="true"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be used" in done.stderr


def test_a_second_demo_on_the_same_data_is_one_clear_line_and_leaves_the_first_its_webhooks(
    demo: Running, tmp_path: Path
) -> None:
    folder = Path(_data_dir(demo))
    kept = (folder / "demo.json").read_text()
    done = call(["demo"], environment(folder, port=free_port()))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"The data directory {folder} is in use" in done.stderr
    assert (folder / "demo.json").read_text() == kept
    assert httpx.get(f"{demo.base_url}/readyz").status_code == 200


def test_an_unknown_host_is_one_clear_line(tmp_path: Path) -> None:
    done = call(["demo"], environment(tmp_path / "data", port=free_port(), host="unknown.invalid"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "unknown error" not in done.stderr


def test_a_missing_secret_is_one_clear_line_each(tmp_path: Path) -> None:
    done = call(["serve"], environment(tmp_path / "data", port=free_port()))
    assert done.returncode == 1
    assert "PAYGLOT_ADMIN_TOKEN" in done.stderr
    assert "PAYGLOT_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_database_is_one_clear_line(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"

    def tried(command: str) -> subprocess.CompletedProcess[str]:
        variables = environment(tmp_path / "data", port=free_port(), sandbox="true", database_url=url)
        return call([command], variables, afresh=command == "migrate")

    with ThreadPoolExecutor() as side_by_side:
        ended = list(side_by_side.map(tried, ("serve", "worker", "migrate")))
    for done in ended:
        assert done.returncode == 1
        assert "The database cannot be reached" in done.stderr
        assert "Traceback" not in done.stderr


def test_an_unmigrated_database_is_one_clear_line_and_migrate_mends_it(new_database: Any, tmp_path: Path) -> None:
    url = new_database(migrated=False)
    variables = environment(tmp_path / "data", port=free_port(), sandbox="true", database_url=url)
    done = call(["serve"], variables)
    assert done.returncode == 1
    assert "run `payglot migrate`" in done.stderr
    assert call(["migrate"], variables).returncode == 0
    with running(["serve"], variables, tmp_path / "log") as started:
        started.wait_until_ready()
        assert started.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("command", [["deliveries", "list"], ["listen"], ["explain"], ["version"]], ids=" ".join)
def test_each_other_command_starts_from_nothing(tmp_path: Path, command: list[str]) -> None:
    done = call([*command, "--help"], environment(tmp_path / "data"), afresh=True)
    assert done.returncode == 0, done.stderr
    assert command[0] in done.stdout


def test_provision_says_so_when_webhooks_cannot_arrive(new_database: Any, tmp_path: Path) -> None:
    variables = environment(
        tmp_path / "data",
        database_url=new_database(),
        admin_token="b9c4-admin-for-provision-7d11-f0a2",
        secret_key="5e0d-key-for-provision-91aa-c3b7",
    )
    done = call(["provision", "--name", "Live", "--live", "--json"], variables)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    assert "--webhook-url" in done.stderr
    assert json.loads(done.stdout)["dialects"]["p100"]["webhook_secret"]

    done = call(["provision", "--name", "Test", "--json"], variables | {"PAYGLOT_SANDBOX": "1"})
    assert (done.returncode, done.stderr.count("\n")) == (0, 1), done.stderr
    assert "PAYGLOT_WEBHOOK_ALLOWED_NETWORKS" in done.stderr
    assert json.loads(done.stdout)["merchant_id"]

    networks = {"PAYGLOT_SANDBOX": "1", "PAYGLOT_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8"}
    done = call(["provision", "--name", "Test", "--json"], variables | networks)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_merchant_is_provisioned_by_the_installations_clock(new_database: Any, tmp_path: Path) -> None:
    url = new_database()
    variables = environment(
        tmp_path / "data",
        database_url=url,
        admin_token="b9c4-admin-for-provision-7d11-f0a2",
        secret_key="5e0d-key-for-provision-91aa-c3b7",
    )
    ask(url, "UPDATE installation SET clock_offset_seconds = 400 * 86400")
    merchant = provision(variables, "--webhook-url", "https://shop.example/hook")["merchant_id"]
    ahead = ask(url, "SELECT extract(days FROM created_at - now())::int FROM merchants WHERE id = $1", UUID(merchant))
    assert 399 <= ahead <= 400


def test_provision_says_so_when_it_has_no_secrets(tmp_path: Path) -> None:
    done = call(["provision", "--name", "X"], environment(tmp_path / "data"))
    assert done.returncode == 1
    assert "PAYGLOT_SECRET_KEY" in done.stderr


def test_api_and_worker_run_as_separate_processes(new_database: Any, tmp_path: Path) -> None:
    variables = environment(
        tmp_path / "data", port=free_port(), sandbox="true", database_url=new_database(),
        webhook_allowed_networks="127.0.0.0/8",
    )  # fmt: skip
    with (
        running(["serve", "--no-worker"], variables, tmp_path / "api.log") as api,
        running(["worker"], variables, tmp_path / "worker.log"),
    ):
        api.wait_until_ready()
        given = provision(variables)
        link = httpx.post(
            f"{api.base_url}/v1/payment-link", headers=given["dialects"]["p100"]["headers"], json={"amount": "5"}
        ).json()
        httpx.post(f"{api.base_url}/sandbox/v1/pay", json={"url": link["url"], "outcome": "paid"})
        deadline = time.monotonic() + 10
        while len(inbox(api.base_url, given["merchant_id"])) < 2:
            assert time.monotonic() < deadline, "the worker delivers what the API process wrote"
            time.sleep(0.1)


def test_killing_the_server_loses_nothing_that_was_answered_and_every_event_is_delivered(tmp_path: Path) -> None:
    variables = environment(tmp_path / "data", port=free_port())
    acknowledged: dict[str, bool] = {}
    stop = threading.Event()
    base_url = f"http://127.0.0.1:{variables['PAYGLOT_PORT']}"
    with running(["demo"], variables, tmp_path / "first.log") as first:
        first.wait_until_ready()
        given = provision(variables)
        headers = given["dialects"]["p100"]["headers"]

        def load() -> None:
            with httpx.Client(timeout=10) as client:
                while not stop.is_set():
                    try:
                        made = client.post(
                            f"{base_url}/v1/payment-link",
                            headers=headers,
                            json={"amount": "5", "reference": uuid4().hex},
                        )
                        if made.status_code != 200:
                            continue
                        acknowledged[made.json()["paymentLinkId"]] = False
                        paid = client.post(
                            f"{base_url}/sandbox/v1/pay", json={"url": made.json()["url"], "outcome": "paid"}
                        )
                        acknowledged[made.json()["paymentLinkId"]] = paid.status_code == 200
                    except httpx.TransportError:
                        continue

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 60
        while len(acknowledged) < 50 and time.monotonic() < deadline:
            time.sleep(0.02)
        first.process.kill()
        first.process.wait()
        stop.set()
        for thread in threads:
            thread.join()
    assert len(acknowledged) >= 50

    with running(["demo"], variables, tmp_path / "second.log") as second:
        second.wait_until_ready()
        paid = 0
        with httpx.Client(timeout=10) as client:
            for id, was_paid in acknowledged.items():
                read = client.get(f"{base_url}/v1/payment-link/details/{id}", headers=headers)
                assert read.status_code == 200, f"{id} was acknowledged and is gone"
                if was_paid:
                    assert read.json()["status"] == "CONFIRMED"
                paid += read.json()["status"] == "CONFIRMED"
        deadline = time.monotonic() + 75
        confirmed: set[str] = set()
        after = 0
        admin = {"Authorization": f"Bearer {given['admin_token']}"}
        while len(confirmed) < paid and time.monotonic() < deadline:
            found, after = _confirmed(base_url, given["merchant_id"], after)
            confirmed |= found
            time.sleep(0.5)
        assert len(confirmed) >= paid, "every event is delivered after the restart"
        pending = httpx.get(
            f"{base_url}/admin/v1/deliveries",
            params={"merchant_id": given["merchant_id"], "status": "exhausted"},
            headers=admin,
        ).json()
        assert pending["data"] == []
        assert second.stop() == 0


def _confirmed(base_url: str, merchant_id: str, after: int) -> tuple[set[str], int]:
    """Links that a webhook called CONFIRMED `after` a place in the inbox, and where the next ones will be."""
    found: set[str] = set()
    while True:
        page = httpx.get(
            f"{base_url}/sandbox/v1/inbox",
            params={"merchant_id": merchant_id, "after": after, "limit": 200},
            timeout=10,
        ).json()
        if not page["messages"]:
            return found, after
        for message in page["messages"]:
            body = message.get("json") or json.loads(message["body"])
            if body["status"] == "CONFIRMED":
                found.add(body["paymentLinkId"])
        after = page["after"]


def _data_dir(demo: Running) -> str:
    return str(demo.log.parent / "data")
