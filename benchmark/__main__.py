"""``python -m benchmark``."""
# PYTHON_ARGCOMPLETE_OK

from __future__ import annotations

import signal
import sys

from benchmark.cli import SIGNALLED, main

if __name__ == "__main__":
    code = main()
    if code > SIGNALLED:  # whoever presses Ctrl-C again while it ends sees no traceback
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
