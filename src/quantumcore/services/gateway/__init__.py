"""The gateway (8000): the one door for people and programs. REST and WebSocket outside, the bus inside."""
