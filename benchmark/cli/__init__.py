"""The command line: verbs and options only, no work. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

import argparse
import errno
import sys
import traceback
from collections.abc import Sequence

from benchmark import __version__
from benchmark.cli import boards, checking, data, degrading, listing, outputs, reproducing, running, weights
from benchmark.cli.options import Parser
from benchmark.console import Console
from datasets.ops.errors import UserError

DONE, FAILED, USER_ERROR, INTERRUPTED = 0, 1, 2, 130
_DISK = {
    errno.ENOSPC: "The disk is full{where}: free some space and repeat the command; what was finished is kept.",
    errno.EDQUOT: "The disk quota is used up{where}: free some space, then give the same command again.",
    errno.EROFS: "The file system is read-only{where}: name another folder with --results or --data.",
    errno.EACCES: "Permission denied{where}: name a folder that you may write with --results or --data.",
    errno.EPERM: "Permission denied{where}: name a folder that you may write with --results or --data.",
}


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = Parser(
        prog="benchmark",
        description="A reproduction benchmark for image restoration: methods, their papers' conventions, one table.",
        epilog="Exit codes: 0 done, 1 a part failed, 2 something to put right (a sentence says what), 130 interrupted.",
    )
    root.add_argument("--version", action="version", version=f"restoration-benchmark {__version__}")
    verbs = root.add_subparsers(dest="command", metavar="VERB", required=True, parser_class=Parser)
    for module in (listing, data, running, reproducing, outputs, degrading, boards, checking, weights):
        module.add(verbs)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; default: the process's.
    Returns:
        the exit code. What a person can put right is one sentence on stderr.
    """
    try:
        args = parser().parse_args(argv)
    except SystemExit as end:  # argparse has printed its sentence, or the help
        return end.code if isinstance(end.code, int) else USER_ERROR
    console = Console(quiet=args.quiet, as_json=args.json)
    try:
        return int(args.verb(args, console) or DONE)
    except (UserError, KeyboardInterrupt, OSError) as error:
        code, sentence = explained(error)
        if args.debug or not sentence:
            traceback.print_exc()
        console.close()
        print(sentence, file=sys.stderr)
        return code
    finally:
        console.close()


def explained(error: BaseException) -> tuple[int, str]:
    """Exit code and sentence for what a person can put right; raises whatever else it gets anew."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "Interrupted: the same command goes on where this one stopped; what was finished is kept."
    if isinstance(error, UserError):
        return USER_ERROR, " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in _DISK:
        where = f" at {error.filename}" if error.filename else ""
        return USER_ERROR, _DISK[error.errno].format(where=where)
    raise error
