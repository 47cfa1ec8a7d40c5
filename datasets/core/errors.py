"""The one exception that a person may cause: its text is a whole sentence that says what to do."""

_LONGEST = 3000  # letters of a sentence


class UserError(ValueError):
    """Something the user can put right. The text says what was expected, what came, and the command that fixes it.

    The command line prints the text and exits with 2; nothing else is caught there.
    """

    def __str__(self) -> str:
        """The text; of one that quotes something without end the middle is left out."""
        text = super().__str__()
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"
