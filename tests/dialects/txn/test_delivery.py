"""Webhooks as they arrive: sent to a real receiver, verified by the packages that the scheme's own users have."""

import json

import pytest
import standardwebhooks
import svix

from payglot.dialects.txn import DIALECT
from payglot.domain.transfer import TransferStatus
from payglot.operations import endpoints
from tests.dialects.txn.builders import INVOICES, a_link, check_linkage, choose, get, send, words
from tests.webhooks.receivers import Received, receiver
from tests.webhooks.test_dispatcher import dispatching
from tests.world import World


def verify(secret: str, request: Received) -> None:
    """Both packages take the raw body and raise unless signature and time hold."""
    svix.Webhook(secret).verify(request.body, request.headers)
    renamed = {name.replace("svix-", "webhook-"): value for name, value in request.headers.items()}
    standardwebhooks.Webhook(secret).verify(request.body, renamed)


async def test_a_link_paid_arrives_state_by_state_and_verifies(quiet: World) -> None:
    merchant, secret = await quiet.merchant(), DIALECT.webhooks.new_secret()
    async with receiver() as there, dispatching(quiet) as dispatcher:
        async with quiet.services.database.transaction() as tx:
            endpoint = await endpoints.create(
                tx,
                quiet.services.vault,
                merchant_id=merchant.id,
                dialect="txn",
                url=there.url,
                secret=secret,
                now=quiet.now,
            )
        link = await a_link(quiet, merchant, reference="order-7731")
        payment = await choose(quiet, merchant, link["id"])
        dispatcher.wake()
        await there.wait_for(1)
        await send(quiet, payment, status=TransferStatus.DETECTED)
        dispatcher.wake()
        await there.wait_for(2)
        rotated = DIALECT.webhooks.new_secret()
        async with quiet.services.database.transaction() as tx:
            await endpoints.rotate_secret(
                tx, quiet.services.vault, merchant.id, endpoint.id, secret=rotated, now=quiet.now
            )
        await send(quiet, payment)
        dispatcher.wake()
        requests = list(await there.wait_for(3))

    for request in requests:
        assert request.line.startswith("POST ")
        assert request.headers["content-type"] == "application/json"
        verify(secret, request)
    verify(rotated, requests[-1])
    with pytest.raises(svix.WebhookVerificationError):
        verify(rotated, requests[0])
    assert len({request.headers["svix-id"] for request in requests}) == 3
    bodies = [json.loads(request.body) for request in requests]
    assert [words(body["data"]) for body in bodies] == [
        ("pending", "unpaid", "expecting"),
        ("processing", "unpaid", "on_time"),
        ("completed", "full", "on_time"),
    ]
    for body in bodies:
        check_linkage(body)
        assert list(body) == ["data", "included", "meta"]
    assert {**bodies[-1], "jsonapi": {"version": "1.0"}} == (
        await get(quiet, merchant, f"{INVOICES}/{payment.id}")
    ).json()
