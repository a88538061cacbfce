"""Taxes: what a link may charge beside its price."""
