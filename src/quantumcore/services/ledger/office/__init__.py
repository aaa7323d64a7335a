"""The back office: what people decide about money, kept where nothing can rebuild it from the journal."""
