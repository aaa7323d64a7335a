"""Guards of the engine: from what people set to commands, and from events to what stands."""
