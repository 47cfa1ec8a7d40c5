"""Completion in the shell, by argcomplete where it is installed (the extra `complete`): see docs/completion.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

from benchmark.cli.parser import Parser


def complete(root: Parser) -> None:
    """Answer the shell's question for words, and end the process; do nothing where argcomplete is missing."""
    try:
        import argcomplete
    except ImportError:
        return
    for action in _actions(root):
        if (known := _known(action)) is not None:
            action.completer = _listed(known)  # type: ignore[attr-defined]  # argcomplete's way to ask an option
    argcomplete.autocomplete(root)


def _actions(root: Parser) -> Iterator[argparse.Action]:
    for verb in root.verbs.values():
        yield from verb._actions


def _known(action: argparse.Action) -> Callable[[], list[str]] | None:
    """The function that knows the names of an option's values; None where there are none, or argparse has them."""
    import datasets
    import methods
    from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST

    if "--methods" in action.option_strings:
        return lambda: ["all", *methods.names()]
    if "--dataset" in action.option_strings:
        return datasets.names
    if "--conventions" in action.option_strings:
        return lambda: [*CONVENTIONS, *ON_REQUEST]
    return None


def _listed(known: Callable[[], list[str]]) -> Callable[..., list[str]]:
    """Names for the last of several with commas between them; what stands before it stays."""

    def completer(prefix: str, **_: object) -> list[str]:
        before = prefix[: prefix.rfind(",") + 1]
        return [f"{before}{name}" for name in known() if f"{before}{name}".startswith(prefix)]

    return completer
