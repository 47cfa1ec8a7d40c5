"""What a terminal shows while work goes on: one line that moves, and in a pipe a line now and then."""
