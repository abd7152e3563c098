"""The operators' command line: over the operator API, signed with the caller's AWS credentials."""

from portcullis.cli.main import main

__all__ = ["main"]
