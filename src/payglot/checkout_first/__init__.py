"""The page the payer sees. Server-rendered, works without JavaScript, knows no provider: flows tell it everything."""

from payglot.checkout_first.entrance import build as build

__all__ = ["build"]
