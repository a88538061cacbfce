"""Requests that nobody means well with, made from the OpenAPI documents: the right shape in most places, and something
hostile in a few."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

HOSTILE_TEXTS = (
    "", " ", "\x00", "a\x00b", "\r\nX-Injected: yes", "a" * 300, "a" * 20_000, "é" * 500, "\u202e", "٣", "１２", "ⅷ",
    "\ud800", "👩‍👩‍👧‍👦" * 50, "' OR '1'='1",
    "'; DROP TABLE links;--", "%", "_", "\\", "../../../../etc/passwd", "%00", "%2e%2e%2f",
    "<script>alert(1)</script>", "{{7*7}}", "${jndi:ldap://x/a}", "javascript:alert(1)", "http://127.0.0.1/",
    "//evil.example",
    "https://user:pass@evil.example/", "https://evil.example\\@shop.example/", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "0000-00-00", "2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z", "1e400", "-0",
    "1e5", "+1", "0x10",
    "1_000", "1,5", "NaN", "Infinity", "1" * 400, "0." + "0" * 400 + "1", "-1", "0",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff", "null", "true", "[]", "{}", "(((((((((((((((((((a)*)*)*)*)*)*)*)*)*)*",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "FR76" + "9" * 30, "=HYPERLINK(1)", "data:text/html,x",
)  # fmt: skip
HOSTILE_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**40, 1.5, 1e308, 5e-324, -0.0,
    float("nan"), float("inf"),
    [], {}, [[]], [None], {"": ""}, {"$ref": "#"}, {"__proto__": {}}, [0] * 1001, {str(n): n for n in range(1001)},
)  # fmt: skip
HOSTILE_BODIES = (
    b"", b" ", b"{", b"}", b"[]", b"null", b"1", b'"a"', b"\x00", b"\xff\xfe{\x00}\x00", b"{" * 5000,
    b"[" * 5000, b'{"a":' * 5000,
    b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":1e99999}', b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b"{'a':1}",
    b"a=b&c=d", b"<a/>",
    b"\xef\xbb\xbf{}", b"{}" * 1000, b'{"a":' + b"9" * 100_000 + b"}",
    b'{"a":"' + b"x" * 900_000 + b'"}', b"[" + b"1," * 200_000 + b"1]",
    b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n\x00\r\n--x--", b"%" * 1000,
)  # fmt: skip
CONTENT_TYPES = (
    "application/json", "application/vnd.api+json", "text/plain", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "multipart/form-data", "application/json; charset=utf-16", "", "a" * 500,
    "application/xml",
)  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND")
PAGES = (
    "/", "/pay/{}", "/pay/{}/{}", "/pay/{}/pay", "/redirect/{}", "/pay?paymentLinkId={}", "/docs/{}",
    "/openapi/{}.json", "/sandbox/inbox",
    "/sandbox/inbox?merchant_id={}", "/sandbox/v1/inbox?merchant_id={}", "/sandbox/inbox/{}",
    "/oauth2/auth?client_id={}", "/metrics",
    "/healthz", "/readyz", "/{}", "//{}", "/%2e%2e/{}", "/v1/payment-link/{}/..%2f..%2f", "/static/{}",
    "/favicon.ico", "/robots.txt",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request. `target` is as it goes onto the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None


class Maker:
    """Of one document. `headers` prove who asks; `ids` name things that there are."""

    def __init__(
        self, document: Mapping[str, Any], headers: Mapping[str, str], ids: Sequence[str], random: Random
    ) -> None:
        self._document = document
        self._headers = dict(headers)
        self.ids = list(ids)
        self._random = random
        self._operations = [
            (path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method.upper() in METHODS and not _moves_everything(path, method)
        ]

    def requests(self) -> Iterator[Asked]:
        while True:
            for path, method, operation in self._operations:
                yield self._of(path, method.upper(), operation)

    def _of(self, path: str, method: str, operation: Mapping[str, Any]) -> Asked:
        random = self._random
        parameters = [self._resolved(each) for each in operation.get("parameters", ())]
        for part in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            value = random.choice(self.ids) if self.ids and random.random() < 0.8 else self._text()
            path = path.replace("{" + part + "}", quote(value, safe="", errors="replace"))
        query = []
        for each in parameters:
            if each.get("in") == "query" and random.random() < 0.4:
                value = self._instance(each.get("schema", {})) if random.random() < 0.5 else self._text()
                text = value if isinstance(value, str) else json.dumps(value)
                query += [(each["name"], text)] * random.choice((1, 1, 1, 2))
        if random.random() < 0.05:
            query.append((self._text(), self._text()))
        target = path[:4000] + ("?" + "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in query) if query else "")
        headers, body = dict(self._headers), None
        fate = random.random()
        if fate < 0.04:
            headers = {}
        elif fate < 0.08 and headers:
            name = random.choice(list(headers))
            headers[name] = random.choice(("", "Bearer", "Bearer ", "Basic Og==", "a" * 5000, "é", headers[name] + "x"))
        for each in parameters:
            if each.get("in") == "header" and each["name"] not in headers and random.random() < 0.5:
                headers[each["name"]] = random.choice(("", "x" * 300, "a,b", "-1", "99999999999999999999", "é"))
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        if content or (method in ("POST", "PATCH", "PUT") and random.random() < 0.2):
            type = next(iter(content), "application/json")
            body = self._body(content.get(type, {}).get("schema", {}), type)
            headers["Content-Type"] = type if random.random() < 0.95 else random.choice(CONTENT_TYPES)
        if random.random() < 0.02:
            method = random.choice(METHODS)
        return Asked(method=method, target=target, headers=headers, body=body)

    def _body(self, schema: Mapping[str, Any], type: str) -> bytes:
        random = self._random
        if random.random() < 0.08:
            return random.choice(HOSTILE_BODIES)
        value = self._instance(schema)
        if random.random() < 0.6:
            value = self._spoiled(value)
        if type.startswith("application/x-www-form-urlencoded") and isinstance(value, dict):
            return "&".join(f"{_quoted(k)}={_quoted(str(v))}" for k, v in value.items()).encode()
        raw = json.dumps(value, ensure_ascii=random.random() < 0.9).encode(errors="surrogatepass")
        return raw[: random.randrange(len(raw) + 1)] if random.random() < 0.02 else raw

    def _spoiled(self, value: Any) -> Any:
        """With one thing in it replaced, left out, or added."""
        random = self._random
        if isinstance(value, dict) and value and random.random() < 0.9:
            key = random.choice(list(value))
            if random.random() < 0.15:
                return {name: each for name, each in value.items() if name != key}
            if random.random() < 0.1:
                return value | {self._text()[:100]: self._hostile()}
            return value | {key: self._spoiled(value[key])}
        if isinstance(value, list) and value and random.random() < 0.7:
            return [self._spoiled(value[0]), *value[1:]]
        return self._hostile()

    def _hostile(self) -> Any:
        return self._text() if self._random.random() < 0.6 else self._random.choice(HOSTILE_VALUES)

    def _text(self) -> str:
        return self._random.choice(HOSTILE_TEXTS)

    def _instance(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """Something like what the schema asks for."""
        random, schema = self._random, self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice(schema["enum"])
        if schema.get("examples") and random.random() < 0.7:
            return random.choice(schema["examples"])
        if "example" in schema and random.random() < 0.7:
            return schema["example"]
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self._instance(random.choice(schema[several]), depth)
        if "allOf" in schema:
            parts = [self._instance(each, depth) for each in schema["allOf"]]
            return {name: value for part in parts if isinstance(part, dict) for name, value in part.items()}
        kind = schema.get("type")
        chosen: str | None = random.choice(kind) if isinstance(kind, list) else kind
        match chosen:
            case "object" | None if depth < 6:
                required = schema.get("required", ())
                return {
                    name: self._instance(each, depth + 1)
                    for name, each in schema.get("properties", {}).items()
                    if name in required or random.random() < 0.4
                }
            case "array" if depth < 6:
                return [self._instance(schema.get("items", {}), depth + 1) for _ in range(random.randrange(3))]
            case "integer":
                return random.choice((1, 2, 10, 100, 999_999))
            case "number":
                return random.choice((1, 9.99, 100.5))
            case "boolean":
                return random.random() < 0.5
            case "string":
                return self._word(schema)
            case _:
                return None

    def _word(self, schema: Mapping[str, Any]) -> str:
        random = self._random
        match schema.get("format"):
            case "uuid":
                return random.choice(self.ids) if self.ids else "00000000-0000-4000-8000-000000000000"
            case "date-time":
                return f"20{random.randrange(27, 60)}-0{random.randrange(1, 10)}-15T10:00:00.000Z"
            case "date":
                return "2027-03-01"
            case "uri":
                return "https://shop.example.com/thanks"
            case "email":
                return "payer@example.com"
            case _:
                pass
        return random.choice(
            ("1.00", "10", "EUR", "Order 7781", f"ref-{random.randrange(10**9)}", "https://shop.example.com/a")
        )

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(10):
            if "$ref" not in schema:
                break
            found: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            schema = found
        return schema


def pages(ids: Sequence[str], random: Random) -> Iterator[Asked]:
    """Of what browsers see, with ids that there are and others, and forms that none of them sent."""
    while True:
        for page in PAGES:
            target = page
            while "{}" in target:
                value = random.choice(ids) if ids and random.random() < 0.6 else random.choice(HOSTILE_TEXTS)
                target = target.replace("{}", quote(value, safe="", errors="replace")[:3000], 1)
            if random.random() < 0.3:
                target += f"{'&' if '?' in target else '?'}{_quoted(random.choice(HOSTILE_TEXTS)[:500])}=1"
            method = random.choice(("GET", "GET", "POST", *METHODS))
            body = None
            headers = {"Accept-Language": random.choice(("de", "fr;q=2", "*", "x" * 300, "en,,;q=", "é"))}
            if method == "POST":
                fields = ("method", "amount", "quantity", "email", "name", "token", "csrf", "bank", "coin", "address")
                body = "&".join(f"{f}={_quoted(random.choice(HOSTILE_TEXTS)[:2000])}" for f in fields).encode()
                headers["Content-Type"] = random.choice(CONTENT_TYPES)
            yield Asked(method=method, target=target, headers=headers, body=body)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")[:6000]


def _moves_everything(path: str, method: str) -> bool:
    """The clock, and the keys that the others are asked with: nothing after it would get anywhere."""
    return method != "get" and path.endswith(("/clock", "/revoke", "/token", "/{merchant_id}"))
