"""How addresses on blockchains guard against a slip of the finger: one module per published encoding."""
