"""A service whose workers have much to do after one kind of answer: `python slow_worker.py serve`."""

import sys
import time

from app.cli.main import main
from app.supervisor import Supervisor
from app.worker import create_worker_app

SLOW_SECONDS = 2.0


def create():
    """Return a worker's application, with an end of each request that takes long and says when it is over."""
    answers_first = create_worker_app()

    def end(call, _):
        if call.path == "/version":
            time.sleep(SLOW_SECONDS)
            sys.stderr.write("the end of a request\n")

    answers_first._app.at_the_end_of_every_request(end)
    return answers_first


if __name__ == "__main__":
    sys.modules["app.cli.serve"].Supervisor = lambda **options: Supervisor(
        **options | {"target": "slow_worker:create"}
    )
    main()
