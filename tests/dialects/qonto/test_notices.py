"""The end of a consent: told on its own topic, and the last that the client hears until it has consent again."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import text

from payglot.dialects import DIALECTS
from payglot.domain.merchant import Merchant
from payglot.operations import endpoints
from payglot.store import events
from payglot.webhooks.format import Receiver
from tests.dialects.qonto.builders import a_link, golden, with_names
from tests.dialects.qonto.consenting import App, authorization_code, redeem, register
from tests.dialects.qonto.test_subscriptions import BODY, PATH
from tests.world import BASE_URL, World

TOPICS = ["v1/consent-revocations", "v1/payment-links"]
SCOPE = "organization.read payment_link.read webhook"


async def consent(world: World, merchant: Merchant, app: App) -> dict[str, str]:
    """What the client sends with the merchant's consent."""
    code = await authorization_code(world, merchant, app, scope=SCOPE)
    return {"Authorization": f"Bearer {(await redeem(world, app, code)).json()['access_token']}"}


async def subscription(world: World, headers: dict[str, str], *types: str) -> dict[str, Any]:
    made = await world.http.post(PATH, headers=headers, json=BODY | {"types": list(types)})
    assert made.status_code == 201, made.text
    body: dict[str, Any] = made.json()
    return body


async def withdraw(world: World, headers: dict[str, str]) -> None:
    assert (await world.http.delete("/v2/oauth2/consents", headers=headers)).status_code == 204


async def hears_of_links(world: World, merchant: Merchant, id: str) -> bool:
    """Whether a link made now is told to the subscription."""
    link = await a_link(world, merchant)
    async with world.services.database.single() as tx:
        (event,) = await events.of_link(tx, UUID(link["id"]))
        known = await endpoints.get(tx, merchant.id, UUID(id))
    receiver = Receiver(id=known.id, merchant_id=merchant.id, created_at=known.created_at, details=known.details)
    return len(DIALECTS["qonto"].webhooks.messages(event, receiver, BASE_URL)) == 1


async def test_the_end_of_a_consent_is_told_to_the_clients_own_subscribers_as_documented(world: World) -> None:
    merchant, other = await world.merchant(), await world.merchant()
    app, sibling = await register(world.http, merchant.id), await register(world.http, merchant.id)
    headers = await consent(world, merchant, app)
    own = await subscription(world, headers, *TOPICS)
    await subscription(world, headers, "v1/payment-links")
    await subscription(world, await consent(world, merchant, sibling), *TOPICS)
    await subscription(world, await consent(world, other, app), *TOPICS)

    await withdraw(world, headers)

    async with world.services.database.single() as tx:
        statement = text("SELECT endpoint_id, body FROM deliveries WHERE merchant_id IN (:merchant, :other)")
        (told,) = (await tx.execute(statement, {"merchant": merchant.id, "other": other.id})).all()
    assert str(told.endpoint_id) == own["id"]
    message = json.loads(told.body)
    names = {
        message["id"]: "message",
        own["id"]: "subscription",
        own["organization_id"]: "organization",
        own["membership_id"]: "membership",
        message["created_at"]: "now",
        app.id: "client",
    }
    assert list(message) == list(golden("webhook.consent"))
    assert with_names(message, names) == golden("webhook.consent")


async def test_a_client_without_consent_hears_of_nothing_until_it_has_consent_again(world: World) -> None:
    merchant = await world.merchant()
    app, sibling = await register(world.http, merchant.id), await register(world.http, merchant.id)
    headers = await consent(world, merchant, app)
    own = (await subscription(world, headers, *TOPICS))["id"]
    others = (await subscription(world, await consent(world, merchant, sibling), *TOPICS))["id"]
    assert await hears_of_links(world, merchant, own)

    await withdraw(world, headers)
    assert not await hears_of_links(world, merchant, own)
    assert await hears_of_links(world, merchant, others)

    again = await consent(world, merchant, app)
    assert await hears_of_links(world, merchant, own)
    assert (await world.http.get(f"{PATH}/{own}", headers=again)).json()["types"] == TOPICS
