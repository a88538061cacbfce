"""`devdraft`, DevDraft's own Python SDK. Its methods for links answer no body, so the raw one is told."""

import json
from typing import Any

import devdraft
import steps

_client: Any = None


def connect(base_url: str, headers: dict[str, str]) -> None:
    global _client
    configuration = devdraft.Configuration(host=base_url)
    configuration.api_key.update(headers)
    _client = devdraft.ApiClient(configuration)


def health() -> Any:
    api = devdraft.APIHealthApi(_client)
    own, public = api.health_controller_check_v0(), api.health_controller_public_health_check_v0()
    return {"own": own.to_dict(), "public": public.to_dict()}


def create(link: dict[str, Any], key: str | None = None) -> Any:
    sent = devdraft.CreatePaymentLinkDto.from_dict(link)
    headers = {"idempotency-key": key} if key else None
    return _told(_links().payment_links_controller_create_with_http_info(sent, _headers=headers))


def read(id: str) -> Any:
    return _told(_links().payment_links_controller_find_one_with_http_info(id))


def find_all(skip: int, take: int) -> Any:
    return _told(_links().payment_links_controller_find_all_with_http_info(skip=str(skip), take=str(take)))


def update(id: str, changes: dict[str, Any]) -> Any:
    return _told(_links().payment_links_controller_update_with_http_info(id, changes))


def add_product(**fields: Any) -> Any:
    return _told(devdraft.ProductsApi(_client).product_controller_create_with_http_info(**fields))


def add_customer(**fields: Any) -> Any:
    sent = devdraft.CreateCustomerDto.from_dict(fields)
    return _told(devdraft.CustomersApi(_client).customer_controller_create_with_http_info(sent))


def add_tax(**fields: Any) -> Any:
    sent = devdraft.CreateTaxDto.from_dict(fields)
    return devdraft.TaxesApi(_client).tax_controller_create(sent).to_dict()


def add_webhook(**fields: Any) -> Any:
    sent = devdraft.CreateWebhookDto.from_dict(fields)
    # The SDK's own model of the answer leaves the secret out.
    answer = devdraft.WebhooksApi(_client).webhook_controller_create_with_http_info(sent)
    return {"parsed": answer.data.to_dict(), "raw": json.loads(answer.raw_data)}


def webhooks() -> Any:
    return [webhook.to_dict() for webhook in devdraft.WebhooksApi(_client).webhook_controller_find_all()]


def change_webhook(id: str, **changes: Any) -> Any:
    sent = devdraft.UpdateWebhookDto.from_dict(changes)
    return devdraft.WebhooksApi(_client).webhook_controller_update(id, sent).to_dict()


def remove_webhook(id: str) -> Any:
    return devdraft.WebhooksApi(_client).webhook_controller_remove(id).to_dict()


def test_payment(key: str, **fields: Any) -> Any:
    sent = devdraft.PaymentRequestDto.from_dict(fields)
    return devdraft.TestPaymentsApi(_client).test_payment_controller_create_payment_v0(key, sent).to_dict()


def refund_test_payment(id: str, key: str) -> Any:
    return devdraft.TestPaymentsApi(_client).test_payment_controller_refund_payment_v0(id, key).to_dict()


def _links() -> Any:
    return devdraft.PaymentLinksApi(_client)


def _told(answer: Any) -> Any:
    return {"status": answer.status_code, "headers": dict(answer.headers), "body": json.loads(answer.raw_data)}


def _explain(error: Exception) -> dict[str, Any]:
    if isinstance(error, devdraft.ApiException):
        return {"status": error.status, "body": json.loads(error.body) if error.body else None}
    return {}


if __name__ == "__main__":
    steps.take(globals(), _explain)
