"""Public client packages, unmodified, doing what their users do against a whole server."""
