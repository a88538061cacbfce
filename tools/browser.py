"""Finds a Chromium for the tests, or gets one: Playwright's own, or the distribution's package.

`python -m tools.browser` prepares one and says where; it leaves judging its absence to the tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SETTING = "PAYGLOT_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
DOWNLOAD_TIMEOUT_SECONDS = 120
INSTALL_TIMEOUT_SECONDS = 300

MISSING = f"No Chromium was found or could be installed; install one, or name it in {SETTING}."


def find() -> Path | None:
    """A browser that is there already: the one that PAYGLOT_BROWSER names, or any known one."""
    if chosen := os.environ.get(SETTING):
        return Path(chosen) if os.access(chosen, os.X_OK) else None
    on_path = [found for name in NAMES if (found := shutil.which(name))]
    for candidate in (*on_path, *MACOS_APPLICATIONS):
        if os.access(candidate, os.X_OK):
            return Path(candidate)
    return _playwrights()


def get() -> Path | None:
    """A browser, installed if need be; None if there is no way."""
    for attempt in (_download, _install_package):
        if found := find():
            return found
        attempt()
    return find()


def _playwrights() -> Path | None:
    if folder := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        cache = Path(folder)
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches" / "ms-playwright"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"
    patterns = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
    found = [path for pattern in patterns for path in cache.glob(pattern) if os.access(path, os.X_OK)]
    return max(found, default=None)


def _download() -> None:
    print("Getting a browser for the tests (once)", flush=True)
    _try([sys.executable, "-m", "playwright", "install", "chromium"], DOWNLOAD_TIMEOUT_SECONDS)


def _install_package() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    _try(["apt-get", "update", "-qq"], INSTALL_TIMEOUT_SECONDS)
    _try(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"], INSTALL_TIMEOUT_SECONDS)


def _try(command: list[str], timeout_seconds: float) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command, check=False, capture_output=True, timeout=timeout_seconds, env=environment, start_new_session=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return


def main() -> None:
    browser = get()
    print(f"Browser for the tests: {browser}" if browser else MISSING, flush=True)


if __name__ == "__main__":
    main()
