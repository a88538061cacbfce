"""Test payments: for clients to try idempotency on. They pay no link."""
