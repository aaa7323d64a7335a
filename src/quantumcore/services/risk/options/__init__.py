"""Options: what they are, what is asked of them, and what their greeks add up to."""
