"""Margin: three profiles of requirement, and the ladder of a liquidation. Pure; integers and decimals."""
