"""Payglot: payment links in five providers' dialects, over one small domain."""

__version__ = "0.1.0"
