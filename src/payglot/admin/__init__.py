"""The operator's API, and what an operator's monitoring reads."""
