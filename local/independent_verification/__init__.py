"""A log of this project, sound and tampered with, before verifiers that others wrote."""
