"""What the gateway answers, one file per area of the API. Handlers are functions of (gate, call)."""
