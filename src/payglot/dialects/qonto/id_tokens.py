"""ID tokens, and where clients find what to check them with: OpenID Connect Core and Discovery 1.0.

The key follows from the operator's secret key, so it is the same in every process and rests nowhere. That there is a
discovery document is inferred: the server that the provider's token prefixes point to has one.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import APIRouter
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import Response

from payglot.dialects.qonto import auth, schemas, webhooks
from payglot.operations.vault import Vault
from payglot.web import openapi
from payglot.web.answers import answer
from payglot.web.call import services_of
from payglot.web.routes import PlainRoute

router = APIRouter(route_class=PlainRoute)

ALGORITHM = "ES256"
CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/.well-known/jwks.json"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (SEC 2, 2.4.2)


def issue(vault: Vault, *, issuer: str, client_id: str, merchant_id: UUID, nonce: str | None, now: datetime) -> str:
    """Who consented: the merchant's membership, as webhooks name it, for as long as an access token lives."""
    key = _key(vault.seed("qonto id tokens"))
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": webhooks.endpoint_details(merchant_id)["membership_id"],
        "aud": client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + auth.ACCESS_TOKEN_TTL).timestamp()),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return jwt.encode({"alg": ALGORITHM, "kid": key.thumbprint()}, claims, key)


@router.get(
    CONFIGURATION_PATH,
    **openapi.operation(
        "The authorization server's own description", answers={200: ("OK", schemas.Discovery)}, secured=False
    ),
)
async def configuration(request: Request) -> Response:
    issuer = services_of(request).public_url
    shown: schemas.Discovery = {
        "issuer": issuer,
        "authorization_endpoint": issuer + auth.AUTHORIZE_PATH,
        "token_endpoint": issuer + auth.TOKEN_PATH,
        "revocation_endpoint": issuer + auth.REVOKE_PATH,
        "jwks_uri": issuer + KEYS_PATH,
        "scopes_supported": list(auth.OAUTH_SCOPES),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "none"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
    }
    return answer(200, shown)


@router.get(
    KEYS_PATH,
    **openapi.operation("The keys that ID tokens verify with", answers={200: ("OK", schemas.Keys)}, secured=False),
)
async def keys(request: Request) -> Response:
    key = _key(services_of(request).vault.seed("qonto id tokens"))
    return answer(200, {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint()}]})


@lru_cache(maxsize=8)
def _key(seed: bytes) -> ECKey:
    private = ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ECKey.import_key(pem, {"use": "sig", "alg": ALGORITHM})
