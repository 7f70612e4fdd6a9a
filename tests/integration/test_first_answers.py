"""`make run` waits for first answers as long as it has patience, and asks no oftener meanwhile."""

import socket
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from local.front import AT_ONCE
from local.health import warm_up
from local.programs import Failure, Programs


def test_a_request_that_is_slow_is_waited_for_and_not_asked_again(tmp_path: Path) -> None:
    """Each request that is given up would go on starting a process beside the next one's."""
    patience, asked = 1.5, list[socket.socket]()
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listener:

        def takes_all_and_answers_none() -> None:
            try:
                while True:
                    asked.append(listener.accept()[0])
            except OSError:
                return

        threading.Thread(target=takes_all_and_answers_none, daemon=True).start()
        programs = Programs(tmp_path, "http://127.0.0.1:1", tmp_path)
        host, port = listener.getsockname()
        began = time.monotonic()
        with pytest.raises(Failure, match="timed out"):
            warm_up(f"http://{host}:{port}", programs, patience)
        took = time.monotonic() - began
        listener.shutdown(socket.SHUT_RDWR)
    for each in asked:
        each.close()
    assert len(asked) == AT_ONCE
    assert patience * 0.9 < took < 15
