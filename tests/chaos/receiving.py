"""Receivers that misbehave, addresses that are none of ours, and input that means harm: the parts by name."""

from collections.abc import Mapping

from tests.chaos import delivering, entering, outbound, working
from tests.chaos.goals import Part

PARTS: Mapping[str, Part] = {
    "receivers that misbehave": outbound.bounded,
    "addresses": outbound.refused,
    "redirects": outbound.redirected,
    "deliveries": delivering.measure,
    "workers": working.measure,
    "input": entering.measure,
}
