"""What can be wrong with a query."""


class QueryError(ValueError):
    """A query cannot be understood.

    Args:
        message: what is wrong, and what would be right, for people.
        start: where in the query it begins, in characters.
        end: where it ends.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
