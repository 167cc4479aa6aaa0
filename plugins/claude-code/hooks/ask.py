"""Asks the resident service what to tell the agent, and prints the answer as it is.

    python3 -I -S ask.py PAYLOAD_FILE DATA_FOLDER SOURCE

Run by ``hook.sh`` with any Python from 3.8. Invariant: it ends within its budget (SEASONED_HOOK_BUDGET_MS, milliseconds,
45 unless set), with exit code 0, having printed a whole answer or nothing. A service that is away is started behind, for
the next time, and not waited for. Imports are what costs here: json or socket take longer than all that is done.
"""

import _socket
import posix
import sys
import time

SO_PEERCRED = 17  # Linux; the second of its three numbers is the user
AGAIN_S = 10.0
MOST_LOG = 65536


def main(payload: str, data: str, source: str) -> None:
    """Ask, print, and start the service where there is none. Raises OSError, ValueError."""
    until = time.monotonic() + float(posix.environ.get(b"SEASONED_HOOK_BUDGET_MS", b"45")) / 1000
    run = data + "/run"
    try:
        connection = connected(read(run + "/address"), until)
    except (FileNotFoundError, ConnectionRefusedError):
        start(data, run)
        return
    body = read(payload)
    left = max(until - time.monotonic(), 0.001)
    head = f"POST /hook/{source} HTTP/1.1\r\nHost: seasoned\r\nConnection: close\r\n"
    head += f"Seasoned-Budget-Ms: {left * 1000:.0f}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    answer = answered(connection, until)
    while answer:
        answer = answer[posix.write(1, answer) :]


def connected(address: bytes, until: float) -> _socket.socket:
    """A connection to a service of this user's own. Raises OSError."""
    folder = posix.stat(address.rpartition(b"/")[0])
    me = posix.getuid()
    if folder.st_uid != me or folder.st_mode & 0o022:
        raise OSError("the folder of the service's socket is not private to this user")
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.settimeout(max(until - time.monotonic(), 0.001))
    connection.connect(address)
    if sys.platform == "linux":
        peer = connection.getsockopt(_socket.SOL_SOCKET, SO_PEERCRED, 12)
        if int.from_bytes(peer[4:8], sys.byteorder) != me:
            raise OSError("the service is another user's")
    return connection


def answered(connection: _socket.socket, until: float) -> bytes:
    """The body of a whole answer. Raises OSError, ValueError."""
    got = b""
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        connection.settimeout(left)
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    if not lines[0].startswith(b"http/1.1 200"):
        raise ValueError("it answered " + lines[0].decode("ascii", "replace")[:80])
    if b"content-length: " + str(len(body)).encode() not in lines:
        raise ValueError("it did not answer whole")
    return body


def start(data: str, run: str) -> None:
    """Start the service behind, at most once in ten seconds, and do not wait for it. Raises OSError."""
    marker = run + "/asked"
    if exists(marker) and abs(time.time() - posix.stat(marker).st_mtime) < AGAIN_S:
        return
    if not exists(run):
        posix.mkdir(run, 0o700)
    folder = posix.stat(run)
    # The service makes it 0700, a checkout does not: what lies in it is run.
    if folder.st_uid != posix.getuid() or folder.st_mode & 0o077:
        raise OSError("the folder run is not private to this user")
    posix.close(posix.open(marker, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC, 0o600))
    posix.utime(marker)
    if posix.fork() == 0:
        become(data, run)


def become(data: str, run: str) -> None:
    """In the new process: be the service, in a session of its own; the agent's pipes are closed. Never returns."""
    try:
        posix.setsid()
        posix.chdir(data)
        nothing = posix.open("/dev/null", posix.O_RDWR)
        said = posix.open(run + "/started.log", posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC, 0o600)
        for number, to in enumerate((nothing, nothing, said)):
            posix.dup2(to, number)
        import json  # here nobody waits any more

        command: list[str] = json.loads(read(run + "/start")) if exists(run + "/start") else []
        if not command or not posix.access(command[0], posix.X_OK):
            command = found("seasoned", ["--home", data, "service", "run"])
        posix.execv(command[0], command)
    except BaseException as error:  # noqa: BLE001  said where the next start, or a person, looks
        posix.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "backslashreplace"))
    finally:
        posix._exit(0)  # pyright: ignore[reportPrivateUsage]  its public name


def found(name: str, arguments: "list[str]") -> "list[str]":
    """``name`` as it stands on the path, with arguments. Raises OSError where it does not."""
    for folder in posix.environ.get(b"PATH", b"").decode(errors="surrogateescape").split(":"):
        if folder.startswith("/") and posix.access(f"{folder}/{name}", posix.X_OK):
            return [f"{folder}/{name}", *arguments]
    raise OSError(f"run/start names no program, and there is no {name} on the path")


def exists(path: str) -> bool:
    """Whether there is something of this name."""
    try:
        posix.stat(path)
    except FileNotFoundError:
        return False
    return True


def read(path: str) -> bytes:
    """All bytes of a file. Raises OSError."""
    descriptor = posix.open(path, posix.O_RDONLY)
    content = b""
    while piece := posix.read(descriptor, 1 << 24):
        content += piece
    posix.close(descriptor)
    return content


def note(data: str, source: str, said: str) -> None:
    """One line into the log that ``hook.sh`` writes too. Raises OSError."""
    log = data + "/hooks.log"
    if exists(log) and posix.stat(log).st_size > MOST_LOG:
        posix.rename(log, log + ".1")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = f"{at} ask {source}: {said[:200]}\n"
    descriptor = posix.open(log, posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_NOFOLLOW, 0o600)
    posix.write(descriptor, line.encode("utf-8", "backslashreplace"))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:4])
    except BaseException as error:  # noqa: BLE001  the hook fails open, whatever it is
        try:  # noqa: SIM105  contextlib costs a millisecond
            note(sys.argv[2], sys.argv[3], f"no answer: {type(error).__name__}: {error}")
        except BaseException:  # noqa: BLE001, S110  not even the log can be written, and there is nobody else to tell
            pass
    posix._exit(0)  # pyright: ignore[reportPrivateUsage]  its public name
