"""Desks: who is answered and told, and what people have set; margin of the engine has a room of its own, and how what is signed for is kept too."""
