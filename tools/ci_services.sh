#!/usr/bin/env bash
# Installs what the tests use beside Python and a browser: Node.js with npm, and a Redis server. What is there stays.
# It knows Debian and Ubuntu, as root. Elsewhere it says what is missing and leaves judging that to the tests.
set -euo pipefail

oldest_node=18

have_node() {
  command -v node >/dev/null && command -v npm >/dev/null &&
    [ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge "$oldest_node" ]
}

have_redis() {
  command -v redis-server >/dev/null
}

packages=()
have_node || packages+=(nodejs npm)
have_redis || packages+=(redis-server)

if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${packages[*]} for the tests (once)"
  export DEBIAN_FRONTEND=noninteractive
  # The tests start a Redis of their own; the runlevel keeps the package from starting another one.
  export RUNLEVEL=1
  { apt-get update -qq && apt-get install -qq -y --no-install-recommends "${packages[@]}"; } >/dev/null || true
  hash -r
fi

have_node && echo "Node.js for the tests: $(node --version)" || echo "Node.js $oldest_node or newer with npm is missing."
have_redis && echo "Redis for the tests: $(command -v redis-server)" || echo "redis-server is missing."
