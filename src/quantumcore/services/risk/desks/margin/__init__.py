"""Margin of the engine: what is set, what models make, who is assessed, told and liquidated."""
