"""What the server gives, and what it keeps to itself."""

import contextlib
import socket
import struct
import threading
import time
import tracemalloc

import psutil
import pytest
from click.testing import CliRunner

from workbook.cli import main
from workbook.preview.server import open_server
from workbook.preview.state import State
from workbook.serve import Handler, Server


@pytest.fixture(params=["serve", "preview"])
def server(request, tmp_path, capfd):
    """A server of `books`, which leaves no thread and no socket behind, and says nothing."""
    books = tmp_path / "books"
    for name in ("index.html", "zh/html/one.html", "汉 字/a.html"):
        (books / name).parent.mkdir(parents=True, exist_ok=True)
        (books / name).write_text(name)
    (tmp_path / "secret.txt").write_text("secret")
    (books / "out.txt").symlink_to(tmp_path / "secret.txt")
    (books / "above").symlink_to(tmp_path)
    (books / "inside.html").symlink_to("zh/html/one.html")
    (books / "round").symlink_to("round")
    opened = {
        "serve": Server,
        "preview": lambda folder: open_server(folder, 0, State(), lambda *_: ""),
    }
    before = threading.active_count()
    with opened[request.param](books) as server:
        assert server.server_address[0] == "127.0.0.1"
        server.thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        yield server
        if server.thread.is_alive():  # else the test did not come so far
            server.shutdown()
            server.thread.join()
    assert soon(lambda: threading.active_count() == before)
    assert soon(lambda: not connections(server))
    assert capfd.readouterr().err == ""


def connections(server):
    """What is open at the server's port, at either end."""
    every = psutil.Process().net_connections("tcp")
    return [each for each in every if server.server_port in (*each.laddr[1:], *each.raddr[1:])]


def soon(true):
    until = time.monotonic() + 10
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def asked(server):
    """Asks the server for a path; returns the status and the body."""
    server.thread.start()

    def ask(path: str, method: str = "GET") -> tuple[int, bytes]:
        with connected(server) as wire:
            wire.sendall(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
            head, _, body = answer(wire).partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    return ask


def connected(server):
    return socket.create_connection(("127.0.0.1", server.server_port), 10)


def answer(wire):
    return b"".join(iter(lambda: wire.recv(1 << 16), b""))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", b"index.html"),
        ("/zh/html/one.html?a#b", b"zh/html/one.html"),
        ("/%E6%B1%89%20%E5%AD%97/a.html", "汉 字/a.html".encode()),
        ("/inside.html", b"zh/html/one.html"),
    ],
)
def test_files_of_the_books_are_given(asked, path, body, monkeypatch):
    monkeypatch.setattr(Handler, "linger", 60)  # and no client waits for that
    assert asked(path) == (200, body)


@pytest.mark.parametrize(
    "path",
    [
        "/out.txt", "/above/secret.txt", "/above/", "/../secret.txt", "/%2e%2e/secret.txt",
        "/zh/", "/zh/html/", "/round", "/a%00b", "/%00", "/absent.html", "/" + "a" * 5000,
        "http://[", "//[", "/%", "/%ff", "*",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_nothing_else_is(asked, path, method):
    status, body = asked(path, method)
    assert status == 404
    assert b"secret" not in body and b"one.html" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "NONE"])
def test_nothing_can_be_changed(asked, method):
    status, body = asked("/index.html", method)
    assert status == 501
    assert b"index.html" not in body


LONG = 12_000_000  # bytes: more than the system keeps until somebody takes them
GET = b"GET / HTTP/1.0\r\n"
TOO_LARGE = b"HTTP/1.0 431 Request Header Fields Too Large"
REQUESTS = {
    "a long header": (GET + b"a: " + b"b" * LONG, TOO_LARGE),
    "long headers": (GET + (b"a: " + b"b" * 50_000 + b"\r\n") * 20 + b"\r\n", TOO_LARGE),
    "many headers": (GET + b"a: b\r\n" * 170_000 + b"\r\n", TOO_LARGE),
    "a long path": (b"GET /" + b"a" * LONG, b"HTTP/1.0 414 Request-URI Too Long"),
    "no request": (b"a" * 60_000 + b"\r\n\r\n", b"HTTP/1.0 400 Bad Request"),
    "a long method": (
        b"A" * 60_000 + b" / HTTP/1.0\r\n\r\n",
        b"HTTP/1.0 501 Not Implemented",
    ),
    "a body": (
        b"POST / HTTP/1.0\r\n\r\n" + b"a" * LONG,
        b"HTTP/1.0 501 Not Implemented",
    ),
}


@pytest.mark.parametrize(("request_", "status"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_that_is_too_large_is_answered_when_it_was_sent(
    server, asked, request_, status
):
    with connected(server) as wire:
        wire.sendall(request_)
        assert answer(wire).split(b"\r\n")[0] == status
    assert asked("/") == (200, b"index.html")


@pytest.mark.parametrize("begun", [b"", GET, GET + b"a: "], ids=["path", "headers", "header"])
def test_a_request_without_an_end_is_answered_and_takes_no_memory(server, asked, begun):
    part = (b"a: b\r\n" if begun == GET else b"a") * 10_000

    def send(wire):
        with contextlib.suppress(OSError):
            wire.sendall(begun)
            while True:
                wire.sendall(part)

    tracemalloc.start()
    with connected(server) as wire:
        sending = threading.Thread(target=send, args=[wire], daemon=True)
        sending.start()
        assert wire.recv(1 << 10).startswith(b"HTTP/1.0 4")
        assert asked("/") == (200, b"index.html")
        sending.join(10)
        assert not sending.is_alive()
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_two_hundred_clients_at_once(server):
    with contextlib.ExitStack() as ending:
        wires = [ending.enter_context(connected(server)) for _ in range(200)]
        for wire in wires:
            wire.sendall(GET + b"\r\n")
        server.thread.start()
        answers = [answer(wire) for wire in wires]
    assert {text.split()[1] + text[-12:] for text in answers} == {b"200\r\nindex.html"}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(Handler, "timeout", Handler.timeout / 100)
    monkeypatch.setattr(Handler, "linger", Handler.linger / 10)


@pytest.mark.parametrize("said", [b"", b"GET", GET, GET + b"a: b"])
@pytest.mark.usefixtures("impatient")
def test_clients_that_say_nothing_hold_nobody_up_and_no_thread(server, asked, said):
    before = threading.active_count()
    with contextlib.ExitStack() as ending:
        wires = [ending.enter_context(connected(server)) for _ in range(20)]
        for wire in wires:
            wire.sendall(said)
        assert asked("/") == (200, b"index.html")
        assert {answer(wire) for wire in wires} == {b""}
        assert soon(lambda: threading.active_count() == before)


@pytest.fixture(params=["/large.pdf", "/zh/html/large.html"])
def large(request, server, tmp_path):
    (tmp_path / "books" / request.param[1:]).write_bytes(b"a" * 50_000_000)
    return f"GET {request.param} HTTP/1.0\r\n\r\n".encode()


@pytest.mark.usefixtures("impatient")
def test_a_client_that_takes_nothing_of_its_answer_holds_no_thread(server, asked, large):
    before = threading.active_count()
    with connected(server) as wire:
        wire.sendall(large)
        assert soon(lambda: threading.active_count() > before)
        assert asked("/") == (200, b"index.html")
        assert soon(lambda: threading.active_count() == before)


@pytest.mark.parametrize("reset", [0, 1])
def test_a_client_that_closes_in_the_middle_of_its_answer(server, asked, large, reset):
    with connected(server) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", reset, 0))
        wire.sendall(large)
        assert wire.recv(1000).startswith(b"HTTP/1.0 200")
    assert asked("/") == (200, b"index.html")


def test_a_port_that_is_taken_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "_book").mkdir()
    (tmp_path / "_quarto.yml").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert (done.exit_code, done.output) == (
        1,
        f"Error: port {port} is not to be had (Address already in use); "
        "give another with --port\n",
    )
