"""What we count. One registry per process; labels are few and closed."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

requests = Counter("payglot_requests", "Requests by entrance and status.", ("entrance", "status"), registry=REGISTRY)
request_seconds = Histogram(
    "payglot_request_seconds",
    "Time to answer a request.",
    ("entrance",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
attempts = Counter(
    "payglot_delivery_attempts", "Webhook attempts by dialect and outcome.", ("dialect", "outcome"), registry=REGISTRY
)
lag_seconds = Gauge("payglot_delivery_lag_seconds", "How long the oldest due delivery has been due.", registry=REGISTRY)
events_waiting = Gauge("payglot_events_waiting", "Events not fanned out yet.", registry=REGISTRY)
links = Gauge("payglot_links", "Links by dialect and status.", ("dialect", "status"), registry=REGISTRY)
endpoints = Gauge(
    "payglot_endpoints_in_trouble",
    "Endpoints that only fail at present, and endpoints that are paused.",
    ("state",),
    registry=REGISTRY,
)
