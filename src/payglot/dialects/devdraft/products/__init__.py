"""Products: what links sell, with pictures."""
