"""Auth (8001): who may do what, and how he proves it."""
