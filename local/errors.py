"""What can go wrong in the local run and is no bug: told in one message with its remedy, without a stack trace."""


class LocalRunError(Exception):
    """A foreseeable failure; the message says what to do."""
