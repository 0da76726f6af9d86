"""What a person can mend: every error of the project has this base, and its message says what, where and what to do."""


class AbstainError(Exception):
    """An expected error: bad input, a full disk. It ends a job with its own words and no traceback."""
