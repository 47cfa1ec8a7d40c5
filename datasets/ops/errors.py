"""The one exception that a person may cause: its text is a whole sentence that says what to do."""


class UserError(ValueError):
    """Something the user can put right. The text says what was expected, what came, and the command that fixes it.

    The command line prints the text and exits with 2; nothing else is caught there.
    """
