"""Desks: who is answered and told, and what people have set."""
