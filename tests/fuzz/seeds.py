"""Ids that exist, so that a fuzzed request can get further than a 404."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any

import httpx

from bench import calls
from bench.load import UNIQUE

MOST = 200


@dataclass
class Seeds:
    """Every id that the server has named so far."""

    ids: list[str]

    @classmethod
    def sown(cls, dialect: str, base_url: str, headers: dict[str, str]) -> "Seeds":
        """One link in each of a few states."""
        seeds = cls(ids=[])
        request = calls.of(dialect, headers).create
        for number, outcome in enumerate((None, "paid", "failed", "processing")):
            body = request["body"].replace(UNIQUE, f"seed{number}")
            answer = httpx.post(base_url + request["path"], headers=request["headers"], content=body)
            seeds.gather(answer.raise_for_status().content)
            if outcome:
                url = next(value for value in _texts(answer.json()) if value.startswith(base_url) and "/" in value[9:])
                httpx.post(f"{base_url}/sandbox/v1/pay", json={"url": url, "outcome": outcome})
        return seeds

    def gather(self, answer: bytes) -> None:
        try:
            found = [text for text in _texts(json.loads(answer)) if 16 <= len(text) <= 64 and text.isprintable()]
        except ValueError:
            return
        self.ids += [text for text in found if " " not in text and "/" not in text and ":" not in text]
        del self.ids[MOST:]

    def any(self, random: Random) -> str:
        return random.choice(self.ids)


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for each in value.values() for text in _texts(each)]
        case list():
            return [text for each in value for text in _texts(each)]
        case _:
            return []
