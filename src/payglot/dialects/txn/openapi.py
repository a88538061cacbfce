"""What the operations of this dialect have in common, for its OpenAPI document."""

from payglot.dialects.txn import frame
from payglot.web.openapi import RETRY_AFTER, Answer, query

_CHALLENGE = {"WWW-Authenticate": {"description": "How to prove who you are", "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "Where the link can be read", "schema": {"type": "string", "format": "uri"}}}

FAILURES: dict[int, Answer] = {
    400: ("Malformed document, or a parameter that is unknown or not acceptable", frame.Failures),
    401: ("The API key is missing or wrong", frame.Failures, _CHALLENGE),
    403: ("The caller's address is not allowed", frame.Failures),
    406: ("JSON:API without parameters is not acceptable to the client", frame.Failures),
    429: ("Too many requests", frame.Failures, RETRY_AFTER),
    500: ("Our fault", frame.Failures),
    503: ("Temporarily unavailable", frame.Failures, RETRY_AFTER),
}
NOT_FOUND: dict[int, Answer] = {404: ("No such record", frame.Failures)}
LINK_PARTS = ("target",)
INVOICE_PARTS = ("targetAccount", "address", "coinDeposits", "invoiceTransactions", "refundLinks", "binanceOrder")
PAYOUT_PARTS = ("accountCharged",)
INCLUDE_OF_LINK = query("include", "The child is always included", type="string", enum=["", *LINK_PARTS])
INCLUDE_OF_INVOICE = query("include", f"All are always included: {', '.join(INVOICE_PARTS)}", type="string")
INCLUDE_OF_PAYOUT = query("include", "The account is always included", type="string", enum=["", *PAYOUT_PARTS])
