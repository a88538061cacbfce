"""The five recipes against the vectors of the providers' documentation, and everything that must not verify."""

from datetime import UTC, datetime

import pytest

from payglot.sandbox.verify import Received, verify

BRIDGE_BODY = (
    b'{"content":{"payment_link_id":"0b8f4a52-6f0e-4c57-9a7d-1d2c3b4a5e6f","payment_link_status":"COMPLETED",'
    b'"payment_link_client_reference":"ORDER-7781"},"timestamp":1760000000123,"type":"payment.link.updated"}'
)
BRIDGE_A = "D5DB400A7C73DAC8A9E2EA1A45FE2F15DF5199237BD3584ACC3708BD732DEA0C"
BRIDGE_B = "02096672F12AA686E5AEAFD8E9116B3B88CB485C78CA33FAFD4AF2FB074011E9"
SECRET_A, SECRET_B = "whk_example_secret_A", "whk_example_secret_B"

QONTO_BODY = b'{"test":"data"}'
QONTO_HEADER = "t=1704110400,v1=56aff06dc227db80d6568a5070f912c601c31f20451745d257cbc0b5dfa93805"

TXN_BODY = b'{"data":{"id":"5f0c2f6e-1d2a-4b7e-9c55-0a8c2f4d9e01","type":"invoices"},"meta":{}}'
TXN_SECRET = "whsec_dHhuLXByb3RvY29sLWRvYy1zYW1wbGUta2V5LTAwMDE="
TXN_SIGNATURE = "v1,UJjy6PJpQYI3ZXtyvPz/5Azb1fkSCOfW4xyWfE07pfA="
TXN_HEADERS = {"svix-id": "msg_2abc", "svix-timestamp": "1767225600", "svix-signature": TXN_SIGNATURE}

DEVDRAFT_SECRET = "whsec_0123456789abcdef0123456789abcdef"
DEVDRAFT_BODY = b'{"id":"evt_1","type":"payment_link.paid"}'
# printf '1767225600.<body>' | openssl dgst -sha256 -hmac <secret>
DEVDRAFT_HEX = "dd5800798be05a089d7918a89efc89afc2090474dd1fca6280095f2a0fd11de1"
DEVDRAFT_HEADERS = {"x-devdraft-timestamp": "1767225600", "x-devdraft-signature": f"sha256={DEVDRAFT_HEX}"}

T = 1767225600


def received(
    headers: dict[str, str], body: bytes = b"{}", secrets: tuple[str, ...] = ("secret",), at: int = T
) -> Received:
    return Received(headers=headers, body=body, secrets=secrets, at=datetime.fromtimestamp(at, UTC))


GOOD = {
    "p100: the token itself": ("p100", received({"authorization": "p100_whk_1"}, secrets=("p100_whk_1",))),
    "p100: the older token of a rotation": ("p100", received({"authorization": "old"}, secrets=("new", "old"))),
    "devdraft": ("devdraft", received(DEVDRAFT_HEADERS, DEVDRAFT_BODY, (DEVDRAFT_SECRET,))),
    "devdraft: 300 seconds old": (
        "devdraft",
        received(DEVDRAFT_HEADERS, DEVDRAFT_BODY, (DEVDRAFT_SECRET,), at=T + 300),
    ),
    "bridge: vector A": ("bridge", received({"bridgeapi-signature": f"v1={BRIDGE_A}"}, BRIDGE_BODY, (SECRET_A,))),
    "bridge: vector B": ("bridge", received({"bridgeapi-signature": f"v1={BRIDGE_B}"}, BRIDGE_BODY, (SECRET_B,))),
    "bridge: rotation, a receiver with the old secret": (
        "bridge",
        received({"bridgeapi-signature": f"v1={BRIDGE_B},v1={BRIDGE_A}"}, BRIDGE_BODY, (SECRET_A,)),
    ),
    "bridge: other schemes are ignored": (
        "bridge",
        received({"bridgeapi-signature": f"v2=00,v1={BRIDGE_A}"}, BRIDGE_BODY, (SECRET_A,)),
    ),
    "qonto: published vector": (
        "qonto",
        received({"x-qonto-signature": QONTO_HEADER}, QONTO_BODY, ("test-secret",), at=1704110400),
    ),
    "qonto: 5 minutes old": (
        "qonto",
        received({"x-qonto-signature": QONTO_HEADER}, QONTO_BODY, ("test-secret",), at=1704110700),
    ),
    "txn: vector": ("txn", received(TXN_HEADERS, TXN_BODY, (TXN_SECRET,))),
    "txn: one of several signatures": (
        "txn",
        received({**TXN_HEADERS, "svix-signature": f"v1,AAAA v2,BBBB {TXN_SIGNATURE}"}, TXN_BODY, (TXN_SECRET,)),
    ),
}


@pytest.mark.parametrize(("dialect", "request_"), GOOD.values(), ids=GOOD.keys())
def test_what_the_documentation_calls_genuine_verifies(dialect: str, request_: Received) -> None:
    assert verify(dialect, request_).verified


def changed(given: Received, **headers: str) -> Received:
    return received({**given.headers, **headers}, given.body, tuple(given.secrets), int(given.at.timestamp()))


TXN, QONTO, DEVDRAFT = GOOD["txn: vector"][1], GOOD["qonto: published vector"][1], GOOD["devdraft"][1]
BAD = {
    "no secret to check with": ("p100", received({"authorization": "x"}, secrets=()), "no secret"),
    "p100: no token": ("p100", received({}), "Authorization is missing"),
    "p100: another token": ("p100", received({"authorization": "other"}), "not the endpoint's"),
    "p100: a bearer prefix": ("p100", received({"authorization": "Bearer secret"}), "not the endpoint's"),
    "devdraft: no signature": ("devdraft", received({"x-devdraft-timestamp": "1"}), "X-Devdraft-Signature is missing"),
    "devdraft: no timestamp": (
        "devdraft",
        received({"x-devdraft-signature": "sha256=00"}),
        "X-Devdraft-Timestamp is missing",
    ),
    "devdraft: too old": (
        "devdraft",
        received(DEVDRAFT_HEADERS, DEVDRAFT_BODY, (DEVDRAFT_SECRET,), at=T + 301),
        "old",
    ),
    "devdraft: another time signed": (
        "devdraft",
        changed(DEVDRAFT, **{"x-devdraft-timestamp": str(T - 1)}),
        "does not match",
    ),
    "devdraft: without the scheme": ("devdraft", changed(DEVDRAFT, **{"x-devdraft-signature": DEVDRAFT_HEX}), "not"),
    "devdraft: a time that is not one": ("devdraft", changed(DEVDRAFT, **{"x-devdraft-timestamp": "now"}), "Unix"),
    "devdraft: a changed body": (
        "devdraft",
        received(DEVDRAFT_HEADERS, DEVDRAFT_BODY + b" ", (DEVDRAFT_SECRET,)),
        "does not match",
    ),
    "bridge: no signature": ("bridge", received({}), "BridgeApi-Signature is missing"),
    "bridge: another scheme only": ("bridge", received({"bridgeapi-signature": "v2=AA"}), "no v1"),
    "bridge: lower case": (
        "bridge",
        received({"bridgeapi-signature": f"v1={BRIDGE_A.lower()}"}, BRIDGE_BODY, (SECRET_A,)),
        "does not match",
    ),
    "bridge: a space after the comma": (
        "bridge",
        received({"bridgeapi-signature": f"v1={BRIDGE_B}, v1={BRIDGE_A}"}, BRIDGE_BODY, (SECRET_A,)),
        "does not match",
    ),
    "qonto: no signature": ("qonto", received({}), "X-Qonto-Signature is missing"),
    "qonto: no time": ("qonto", received({"x-qonto-signature": "v1=00"}), "not of the form"),
    "qonto: two times": ("qonto", changed(QONTO, **{"x-qonto-signature": f"t=1,{QONTO_HEADER}"}), "not of the form"),
    "qonto: too old": (
        "qonto",
        received({"x-qonto-signature": QONTO_HEADER}, QONTO_BODY, ("test-secret",), at=1704110701),
        "old",
    ),
    "qonto: another secret": (
        "qonto",
        received({"x-qonto-signature": QONTO_HEADER}, QONTO_BODY, ("other",), at=1704110400),
        "does not match",
    ),
    "txn: no id": (
        "txn",
        received({k: v for k, v in TXN_HEADERS.items() if k != "svix-id"}),
        "svix-id is missing",
    ),
    "txn: another id": ("txn", changed(TXN, **{"svix-id": "msg_2abd"}), "does not match"),
    "txn: too old": ("txn", received(TXN_HEADERS, TXN_BODY, (TXN_SECRET,), at=T + 301), "old"),
    "txn: too early": ("txn", received(TXN_HEADERS, TXN_BODY, (TXN_SECRET,), at=T - 301), "ahead"),
    "txn: a secret that is not base64": ("txn", received(TXN_HEADERS, TXN_BODY, ("whsec_!",)), "not base64"),
    "txn: without the version": ("txn", changed(TXN, **{"svix-signature": TXN_SIGNATURE[3:]}), "does not match"),
}


@pytest.mark.parametrize(("dialect", "request_", "reason"), BAD.values(), ids=BAD.keys())
def test_anything_else_does_not_verify_and_says_why(dialect: str, request_: Received, reason: str) -> None:
    verdict = verify(dialect, request_)

    assert not verdict.verified
    assert reason in verdict.reason
