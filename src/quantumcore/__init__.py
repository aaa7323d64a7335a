"""QuantumCore: an exchange in a box."""
