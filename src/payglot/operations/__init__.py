"""What the server can do: one function per verb, grouped by noun. Functions take `tx` and never commit."""
