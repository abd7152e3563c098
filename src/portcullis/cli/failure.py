"""How a command ends when it does not succeed: one message, one exit code, no stack trace."""

REFUSED = 1
USAGE = 2
UNREACHABLE = 3


class Failure(Exception):
    """``message`` says what happened and what to do; ``exit_code`` is for scripts."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
