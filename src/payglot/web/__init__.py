"""What every HTTP entrance shares: callers, bodies, transactions, idempotency, answers."""
