"""Risk (8004): what a position may lose, and the money that must be there for it.

folding, projection, store, tables   the engine's events become rows: balances, positions, orders, prices, limits
valuation/                           what an account is worth, needs and uses of its limits, at one sequence
figures/, margin/, options/          the mathematics, pure: statistics, requirements, prices and greeks
parameters, desks/                   what people set, who is answered and told, and the kill switch
work, service, settings              heavy computations as requests; the room as a whole
"""
