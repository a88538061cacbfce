"""How money arrives: card, bank transfer, stablecoin, behind one protocol."""
