"""How the auth room's tables came to be, step by step."""
