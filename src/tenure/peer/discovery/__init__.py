"""How peers find each other: one module for each way. The names and what they need: docs/peers.md."""
