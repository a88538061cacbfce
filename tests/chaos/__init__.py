"""Payglot broken on purpose, and what must hold nevertheless: `make chaos`, and a short form of it among the tests."""
