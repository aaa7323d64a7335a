"""The engine in readable Python: what each rule means is said here first."""
