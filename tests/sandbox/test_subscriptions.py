"""A subscription on a running server: months pass by the sandbox clock, and every webhook arrives and verifies."""

from collections.abc import Callable
from typing import Any

from tests.sandbox.builders import ADMIN
from tests.sandbox.serving import Served, serving

DAY = 86_400


async def advance(served: Served, days: float) -> dict[str, Any]:
    body = {"advance_seconds": round(days * DAY)}
    moved = await served.http.post("/sandbox/v1/clock", headers=ADMIN, json=body)
    assert moved.status_code == 200, moved.text
    assert moved.json()["settled"] is True
    answer: dict[str, Any] = moved.json()
    return answer


async def told(served: Served) -> list[dict[str, Any]]:
    """Oldest first."""
    query = {"merchant_id": served.given["merchant_id"]}
    messages = (await served.http.get("/sandbox/v1/inbox", params=query)).json()["messages"]
    assert all(message["verified"] for message in messages)
    found = [message["json"] for message in messages]
    return sorted(found, key=lambda message: (message["created_at"], message["id"]))


async def test_a_year_of_a_subscription(new_database: Callable[..., str]) -> None:
    async with serving(new_database()) as served:
        headers = served.given["dialects"]["devdraft"]["headers"]
        body = {"title": "Tea club", "url": "tea", "linkType": "SUBSCRIPTION", "amount": 9.99}
        link = (await served.http.post("/api/v0/payment-links", headers=headers, json=body)).json()
        paid = await served.http.post("/sandbox/v1/pay", json={"url": link["url"], "outcome": "paid"})
        assert paid.status_code == 200, paid.text
        await advance(served, 0)
        before = await told(served)

        await advance(served, 32)
        (opened,) = (await told(served))[len(before) :]
        renewal = opened["data"]
        again = await served.http.post("/sandbox/v1/pay", json={"url": renewal["url"], "outcome": "paid"})
        assert again.status_code == 200, again.text
        await advance(served, 365 - 32)
        after = await told(served)
        listed = (await served.http.get("/admin/v1/subscriptions", headers=ADMIN)).json()["data"]
        path = f"/admin/v1/subscriptions/{listed[0]['id']}"
        shown = (await served.http.get(path, headers=ADMIN)).json()
        canceled = (await served.http.post(f"{path}/cancel", headers=ADMIN)).json()
        await advance(served, 365)
        last = await told(served)

    assert [m["type"] for m in before] == [
        "payment_link.created",
        "payment.created",
        "payment.completed",
        "payment_link.paid",
    ]
    assert (opened["type"], renewal["status"], renewal["amount"]) == ("payment_link.created", "ACTIVE", 9.99)
    assert renewal["subscription"]["id"] == before[2]["data"]["subscriptionId"]
    renewals = [m for m in after if "subscription" in m["data"]]
    created = [m["data"]["subscription"]["period"] for m in renewals if m["type"] == "payment_link.created"]
    expired = [m["data"]["subscription"]["period"] for m in renewals if m["type"] == "payment_link.expired"]
    assert (created, expired) == (list(range(2, 13 + 1)), list(range(3, 12 + 1)))
    assert [period["status"] for period in shown["history"]] == ["paid", "paid", *["unpaid"] * 10, "due"]
    assert (shown["status"], shown["unpaid"], canceled["status"]) == ("past_due", 10, "canceled")
    assert [(m["type"], m["data"]["subscription"]["period"]) for m in last[len(after) :]] == [
        ("payment_link.cancelled", 13)
    ]
    assert len({m["id"] for m in last}) == len(last), "nothing was told twice"
