FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

COPY requirements-runtime.lock ./
RUN python -m venv /opt/payglot \
    && /opt/payglot/bin/pip install --require-hashes -r requirements-runtime.lock

COPY requirements-build.lock ./
RUN pip install --require-hashes -r requirements-build.lock

COPY LICENSE README.md pyproject.toml ./
COPY src src
COPY migrations migrations
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/payglot/bin/pip install --no-deps --no-index dist/*.whl


FROM python:3.13-slim

# The number lets Kubernetes check runAsNonRoot.
RUN useradd --uid 10001 --home-dir /var/lib/payglot --create-home --shell /usr/sbin/nologin payglot
COPY --from=build /opt/payglot /opt/payglot

ENV PATH=/opt/payglot/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PAYGLOT_DATA_DIR=/var/lib/payglot \
    PAYGLOT_HOST=0.0.0.0

USER 10001
# Only the embedded PostgreSQL and a sandbox's secrets are written here; all else may be read-only.
VOLUME /var/lib/payglot
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PAYGLOT_PORT') or 8000}/healthz\", timeout=2)"]
CMD ["payglot", "serve"]
