"""Customers: whom a link may be for."""
