"""P100: the seed's example and every documented failure."""

from tests.world import World


async def test_the_seeds_request_creates_a_link_that_can_be_read(world: World) -> None:
    merchant = await world.merchant()
    headers = await world.headers(merchant, "p100")
    expires_at = world.later(days=30)

    created = await world.http.post(
        "/v1/payment-link",
        headers=headers,
        json={"amount": "123.45", "expiresAt": expires_at, "reference": "example_ref_123"},
    )

    assert created.status_code == 200, created.text
    body = created.json()
    assert list(body) == ["paymentLinkId", "url", "amount", "expiresAt"]
    assert (body["amount"], body["expiresAt"]) == ("123.45", expires_at)

    read = await world.http.get(f"/v1/payment-link/details/{body['paymentLinkId']}", headers=headers)
    assert read.status_code == 200
    assert read.json() == {
        **body,
        "reference": "example_ref_123",
        "status": "PENDING",
        "createdAt": read.json()["createdAt"],
        "cryptocurrency": None,
        "network": None,
        "walletAddress": None,
        "totalAmountRequired": None,
        "receivedAmount": 0,
        "transactions": [],
    }
