"""Webhooks, as DevDraft calls endpoints: made and changed by clients."""
