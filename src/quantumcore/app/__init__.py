"""Composition: settings, compose, run, supervise, health, command line."""
