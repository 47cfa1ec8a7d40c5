"""The command line: verbs and options only, no work. Nothing heavy is imported before a verb needs it."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from benchmark.cli import (
    boards,
    checking,
    config_file,
    data,
    degrading,
    explaining,
    exporting,
    fetching,
    listing,
    outputs,
    papering,
    reporting,
    reproducing,
    running,
    status,
    weights,
)
from benchmark.cli.parser import PROGRAM, Parser, SentenceExit
from benchmark.cli.start import START
from benchmark.console import Console
from benchmark.paths import OWN, earlier_results
from benchmark.version import __version__
from datasets.core.errors import UserError
from datasets.core.names import printable
from datasets.core.sealed import DamagedWarning

DONE, FAILED, USER_ERROR, SIGNALLED = 0, 1, 2, 128  # the last: plus the signal's number
_LONG = ("prepare", "run", "train", "reproduce", "restore", "score", "submit", "degrade", "check", "conformance")
_RECORDING = ("run", "train", "reproduce", "score", "leaderboard", "report", "paper")
_DISK = {
    errno.ENOSPC: "The disk is full{where}: free some space and repeat the command; what was finished is kept.",
    errno.EDQUOT: "The disk quota is used up{where}: free some space, then give the same command again.",
    errno.EROFS: "The file system is read-only{where}: name another folder with --results or --data.",
    errno.EACCES: "Permission denied{where}: name a folder that you may write with --results or --data.",
    errno.EPERM: "Permission denied{where}: name a folder that you may write with --results or --data.",
    errno.ENAMETOOLONG: "A name is too long for the file system{where}: give a shorter one.",
    errno.ENOTDIR: "A folder was expected{where}, where there is a file: name another one.",
    errno.EEXIST: "A folder was expected{where}, where there is a file: name another one.",
    errno.EISDIR: "A file was expected{where}, where there is a folder: name another one.",
    errno.ELOOP: "Links lead round in a circle{where}: name another place.",
}


def parser() -> Parser:
    """The whole command line."""
    root = Parser(
        prog=PROGRAM,
        description="A reproduction benchmark for image restoration: methods, their papers' conventions, one table.",
        epilog="Exit codes: 0 done, 1 a part failed, 2 something to put right (a sentence says what), 130 interrupted.",
    )
    about = "print the version and end"
    root.add_argument("--version", action="version", version=f"restoration-benchmark {__version__}", help=about)
    verbs = root.add_subparsers(dest="command", metavar="VERB", required=True, parser_class=Parser, help="what to do")
    rooms = (
        *(listing, explaining, data, running, reproducing, status, outputs, degrading, fetching, exporting),
        *(boards, reporting, papering, checking, weights),
    )
    for module in rooms:
        module.add(verbs)
    root.verbs = dict(verbs.choices)
    return root


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The words of a command as options, those of a --config file among them. Raises UserError, SystemExit."""
    root = parser()
    if words and words[0] in root.verbs:
        config_file.apply(root.verbs[words[0]], words)
    return root.parse_args(words)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; default: the process's.
    Returns:
        the exit code. What a person can put right is one sentence on stderr; under --json also a document on stdout.
    """
    _expect_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    if "_ARGCOMPLETE" in os.environ:
        from benchmark.cli.completing import complete

        complete(parser())
    if not words:
        print(START)
        return DONE
    console = Console(quiet="--quiet" in words, as_json="--json" in words, wide="--wide" in words)
    try:
        return _done(words, console)
    except BrokenPipeError:
        # Whoever read the output (``| head -1``) has gone: nothing more is said, at the end of the process either.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SIGNALLED + signal.SIGPIPE
    except SentenceExit as end:
        return _failed(USER_ERROR, end.sentence, console)
    except SystemExit as end:  # argparse has printed the help
        return end.code if isinstance(end.code, int) else USER_ERROR
    except (Exception, KeyboardInterrupt) as error:
        return _told(error, console, debug="--debug" in words)
    finally:
        with suppress(BrokenPipeError):
            console.close()


def _done(words: Sequence[str], console: Console) -> int:
    """Carry out the verb; its exit code."""
    args = arguments(words)
    if str(getattr(args, "device", "")).startswith("cuda"):
        from benchmark.environment import device

        device(args.device)  # before anything is planned or prepared
    named = getattr(args, "outputs", None)  # of `score`: a run, wherever it lies
    if args.command in _RECORDING and args.results == OWN and not named and (sentence := earlier_results()):
        console.say(sentence)
    if args.command in _LONG:
        console.begin("starting")  # before anything heavy is imported, which takes seconds by itself
    with _warnings_told(console):
        return int(args.verb(args, console) or DONE)


def _told(error: BaseException, console: Console, debug: bool) -> int:
    """The exit code of an error that a person can put right, once it is told; any other one is raised again."""
    try:
        code, sentence = explained(error)
    except Exception:
        _failed(FAILED, f"{type(error).__name__}: {error}", console, to_people=False)
        raise
    if debug:
        console.close()
        traceback.print_exception(error)
    return _failed(code, sentence, console)


def _failed(code: int, sentence: str, console: Console, to_people: bool = True) -> int:
    """Say why a command ended: a sentence on stderr, and under --json a document where there is none yet."""
    with suppress(BrokenPipeError):
        console.close()
        if not console.emitted:
            console.emit({"error": sentence, "exit_code": code})
    if to_people:
        print(printable(sentence), file=sys.stderr)
    return code


def _expect_streams() -> None:
    """Where stdout or stderr was closed, its place is taken before a file of ours gets it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for the whole process


@contextmanager
def _warnings_told(console: Console) -> Iterator[None]:
    """Warnings of damaged files are sentences, as errors are."""
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *more: object) -> None:
            if issubclass(category, DamagedWarning):
                console.error(str(message))
            else:
                others(message, category, *more)  # type: ignore[arg-type]

        warnings.showwarning = show  # type: ignore[assignment]
        yield


def explained(error: BaseException) -> tuple[int, str]:
    """Exit code and sentence for what a person can put right; whatever else it gets is raised again."""
    if isinstance(error, KeyboardInterrupt):
        return SIGNALLED + getattr(
            error, "signal", signal.SIGINT
        ), "Interrupted: the same command goes on where this one stopped; what was finished is kept."
    if isinstance(error, UserError):
        return USER_ERROR, " ".join(str(error).split())
    if isinstance(error, UnicodeEncodeError):
        wrong = str(error.object)[max(0, error.start - 40) : error.end + 40].splitlines()
        return USER_ERROR, f"A name is no UTF-8: rename {next(iter(wrong), '')!r}, then give the same command again."
    if isinstance(error, MemoryError) or "can't start new thread" in str(error):
        return USER_ERROR, "Memory ran out: end other programs, or give the command more; what was finished is kept."
    if isinstance(error, OSError) and error.errno in _DISK:
        where = f" at {error.filename}" if error.filename else ""
        return USER_ERROR, _DISK[error.errno].format(where=where)
    raise error
