"""The browser that tests use: the one that was named, or one that is there, and it works."""

from pathlib import Path

import pytest

from tools import browser


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(browser.SETTING, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setattr(browser, "MACOS_APPLICATIONS", ())


def test_a_bare_machine_has_none() -> None:
    assert browser.find() is None


def test_the_one_that_is_named_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin" / "chromium")
    monkeypatch.setenv(browser.SETTING, str(program(tmp_path / "mine")))
    assert browser.find() == tmp_path / "mine"


def test_a_named_one_that_is_not_there_is_not_replaced_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "chromium")
    monkeypatch.setenv(browser.SETTING, str(tmp_path / "missing"))
    assert browser.find() is None


def test_one_on_the_path_is_found(tmp_path: Path) -> None:
    expected = program(tmp_path / "bin" / "google-chrome")
    assert browser.find() == expected


@pytest.mark.parametrize("place", ["chromium-1200/chrome-linux64/chrome", "chromium-1200/chrome-linux/chrome"])
def test_playwrights_own_is_found(tmp_path: Path, place: str) -> None:
    expected = program(tmp_path / "playwright" / place)
    assert browser.find() == expected


def test_nothing_is_installed_where_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = program(tmp_path / "bin" / "chromium")
    monkeypatch.setattr(browser, "_download", lambda: pytest.fail("nothing needs to be downloaded"))
    assert browser.get() == expected
