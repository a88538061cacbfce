"""Settings: read from the environment, judged in sentences, documented as they are."""

import ipaddress
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from payglot import settings
from payglot.settings import Settings
from tools import settings as documented

GOOD = "q8Zt0cV5nB2xL7mK4jH1gF6dS3aP9oIu"
ALSO_GOOD = GOOD[::-1]


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(f"PAYGLOT_{name}", value)
    return settings.load()


def test_nothing_needs_to_be_set_for_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, SANDBOX="true")
    assert settings.check(found) == []
    assert found.database_url is None
    assert found.public_url == "http://127.0.0.1:8000"


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, PORT="", DATABASE_URL="", ADMIN_TOKEN="")
    assert (found.port, found.database_url, found.admin_token) == (8000, None, None)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:9000"),
        ("0.0.0.0", "http://127.0.0.1:9000"),
        ("::", "http://127.0.0.1:9000"),
        ("::1", "http://[::1]:9000"),
        ("pay.internal", "http://pay.internal:9000"),
    ],
)
def test_the_public_address_follows_host_and_port(monkeypatch: pytest.MonkeyPatch, host: str, expected: str) -> None:
    assert load(monkeypatch, HOST=host, PORT="9000").public_url == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [("https://Pay.Example.com/", "https://pay.example.com"), ("http://localhost:8000", "http://localhost:8000")],
)
def test_the_public_address_is_an_origin(monkeypatch: pytest.MonkeyPatch, given: str, expected: str) -> None:
    assert load(monkeypatch, PUBLIC_URL=given).public_url == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "http"),
        ("PUBLIC_URL", "pay.example.com"),
        ("PUBLIC_URL", "ftp://pay.example.com"),
        ("PUBLIC_URL", "https://pay.example.com/shop"),
        ("PUBLIC_URL", "https://pay.example.com?x=1"),
        ("PUBLIC_URL", "https://user@pay.example.com"),
        ("PUBLIC_URL", "https://[pay.example.com"),
        ("DATABASE_URL", "mysql://geheim:geheim@db/payglot"),
        ("DATABASE_URL", "geheim"),
        ("WEBHOOK_ALLOWED_NETWORKS", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("LOG_FORMAT", "xml"),
        ("SANDBOX", "perhaps"),
    ],
)
def test_a_wrong_value_is_a_sentence_that_does_not_repeat_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(settings.SettingsProblem, match=f"^PAYGLOT_{name}: .*\\.$") as caught:
        load(monkeypatch, **{name: value})
    assert "geheim" not in str(caught.value)


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(settings.SettingsProblem) as caught:
        load(monkeypatch, PORT="x", POOL_SIZE="x")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_the_database_is_reached_by_the_asynchronous_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    found = load(monkeypatch, DATABASE_URL=f"{scheme}://user:word@db:5432/payglot").database_url
    assert found == SecretStr("postgresql+asyncpg://user:word@db:5432/payglot")


def test_networks_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, WEBHOOK_ALLOWED_NETWORKS="10.0.0.0/8, fd00::/8,").webhook_allowed_networks
    assert found == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def test_a_demo_is_a_sandbox_whose_webhooks_may_stay_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch).webhook_allowed_networks == ()
    found = settings.for_demo(load(monkeypatch))
    assert found.sandbox
    assert found.webhook_allowed_networks == settings.LOOPBACK


def test_a_demo_keeps_the_networks_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings.for_demo(load(monkeypatch, WEBHOOK_ALLOWED_NETWORKS="10.0.0.0/8"))
    assert found.webhook_allowed_networks == (ipaddress.ip_network("10.0.0.0/8"),)


def test_outside_a_sandbox_both_secrets_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = settings.check(load(monkeypatch))
    assert [problem.split()[0] for problem in problems] == ["PAYGLOT_ADMIN_TOKEN", "PAYGLOT_SECRET_KEY"]
    assert settings.check(load(monkeypatch, ADMIN_TOKEN=GOOD, SECRET_KEY=ALSO_GOOD)) == []


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("", "is missing"),
        (GOOD[:31], "is shorter than 32 characters"),
        ("a" * 64, "is a placeholder"),
        ("change-me-change-me-change-me-1234", "is a placeholder"),
        ("an-example-of-a-very-long-secret-key", "is a placeholder"),
        ("PASSWORD-0123456789-abcdefghijklmn", "is a placeholder"),
    ],
)
def test_a_weak_secret_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, secret: str, complaint: str
) -> None:
    [problem] = settings.check(load(monkeypatch, ADMIN_TOKEN=GOOD, SECRET_KEY=secret))
    assert problem.startswith(f"PAYGLOT_SECRET_KEY {complaint}")
    assert not secret or secret not in problem


def test_one_secret_for_both_purposes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = settings.check(load(monkeypatch, ADMIN_TOKEN=GOOD, SECRET_KEY=GOOD))
    assert "must differ" in problem


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, ADMIN_TOKEN=GOOD, SECRET_KEY=GOOD, DATABASE_URL=f"postgresql://u:{GOOD}@db/p")
    assert GOOD not in repr(found) + str(found) + found.model_dump_json()


def test_a_sandbox_makes_its_secrets_once(tmp_path: Path) -> None:
    sandbox = Settings(sandbox=True, data_dir=tmp_path / "data")
    first, second = settings.with_sandbox_secrets(sandbox), settings.with_sandbox_secrets(sandbox)
    assert first.admin_token is not None
    assert settings.check(first.model_copy(update={"sandbox": False})) == []
    assert (first.admin_token, first.secret_key) == (second.admin_token, second.secret_key)


def test_the_file_of_a_sandbox_is_for_its_owner_only(tmp_path: Path) -> None:
    settings.with_sandbox_secrets(Settings(sandbox=True, data_dir=tmp_path))
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    program = (
        "from payglot.settings import load, with_sandbox_secrets;"
        "print(with_sandbox_secrets(load(sandbox=True)).secret_key.get_secret_value())"
    )
    command = [sys.executable, "-c", program]
    environment = {"PAYGLOT_DATA_DIR": str(tmp_path)}
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(4)]
    assert len({process.communicate()[0] for process in processes}) == 1


def test_a_given_secret_wins_over_a_stored_one(tmp_path: Path) -> None:
    made = settings.with_sandbox_secrets(Settings(sandbox=True, data_dir=tmp_path))
    given = Settings(sandbox=True, data_dir=tmp_path, admin_token=SecretStr(GOOD))
    found = settings.with_sandbox_secrets(given)
    assert (found.admin_token, found.secret_key) == (SecretStr(GOOD), made.secret_key)


def test_nothing_is_made_outside_a_sandbox(tmp_path: Path) -> None:
    live = Settings(data_dir=tmp_path / "data")
    assert settings.with_sandbox_secrets(live) is live
    assert settings.with_stored_secrets(live) is live
    assert not (tmp_path / "data").exists()


def test_a_command_beside_a_sandbox_finds_its_secrets(tmp_path: Path) -> None:
    made = settings.with_sandbox_secrets(Settings(sandbox=True, data_dir=tmp_path))
    found = settings.with_stored_secrets(Settings(data_dir=tmp_path))
    assert (found.admin_token, found.secret_key) == (made.admin_token, made.secret_key)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"admin_token": "x"})])
def test_a_damaged_file_is_told_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "sandbox-secrets.json").write_text(text)
    with pytest.raises(settings.SettingsProblem, match=r"sandbox-secrets\.json cannot be read"):
        settings.with_sandbox_secrets(Settings(sandbox=True, data_dir=tmp_path))


def test_an_unusable_data_directory_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(settings.SettingsProblem, match="cannot be used") as caught:
        settings.with_sandbox_secrets(Settings(sandbox=True, data_dir=tmp_path / "file"))
    assert "\n" not in str(caught.value)


def test_every_setting_is_documented_as_it_is() -> None:
    assert documented.PAGE.read_text() == documented.render(), "run: .venv/bin/python -m tools.settings"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETAIN_DELIVERIES_DAYS", "0"),
        ("RETAIN_ATTEMPTS_DAYS", "a week"),
        ("RETAIN_IDEMPOTENCY_DAYS", "-1"),
        ("RETAIN_AUDIT_DAYS", "30"),
    ],
)
def test_what_is_kept_is_a_number_of_days_or_forever(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(settings.SettingsProblem, match=f"PAYGLOT_{name}"):
        load(monkeypatch, **{name: value})
    assert load(monkeypatch, **{name: "forever"}).model_dump()[name.lower()] is None
