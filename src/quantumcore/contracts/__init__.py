"""The language that every room speaks. Pure: no clock, no I/O, no await."""
