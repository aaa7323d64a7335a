"""How desks keep what people sign for: written down, then commanded, in numbered rows."""
