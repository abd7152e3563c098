"""The wire format: signing, key formats, problem details. Standard library only."""
