"""What we ask of the world: protocols, each served by an embedded adapter and by a server."""
