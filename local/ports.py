"""The ports of this machine that `make run` listens on."""

import os
import socket
from contextlib import closing
from dataclasses import dataclass

from local.programs import Failure

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    """A port on `HOST`, and the environment variable that changes it. 0 means any free port."""

    number: int
    variable: str

    @classmethod
    def from_environment(cls, variable: str, default: int) -> "Port":
        """Raises `Failure` for anything but a port number."""
        text = os.environ.get(variable) or str(default)
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            raise Failure(f"{variable} must be a port number from 1 to 65535, not {text!r}.")
        return cls(int(text), variable)

    def listen(self) -> socket.socket:
        """Takes the port at once, so that no other program takes it while the stack starts."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self.number))
            listener.listen()
        except OSError as fault:
            listener.close()
            other = self.number + 1 if self.number < 65535 else self.number - 1
            raise Failure(
                f"Cannot listen on port {self.number} of {HOST} ({fault.strerror})."
                f" To use another port: {self.variable}={other} make run"
            ) from None
        return listener

    def find_free(self) -> int:
        """The number of a port that a program can listen on as soon as it starts."""
        with closing(self.listen()) as listener:
            number: int = listener.getsockname()[1]
            return number
