"""What the server gives, and what it keeps to itself."""

import socket
import threading

import pytest
from click.testing import CliRunner

from workbook.cli import main
from workbook.preview.server import open_server
from workbook.preview.state import State
from workbook.serve import Server


@pytest.fixture(params=["serve", "preview"])
def asked(request, tmp_path, capfd):
    """Asks a server of `books` for a path; returns the status and the body."""
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
    with opened[request.param](books) as server:
        assert server.server_address[0] == "127.0.0.1"
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def ask(path: str, method: str = "GET") -> tuple[int, bytes]:
            with socket.create_connection(("127.0.0.1", server.server_port), 10) as wire:
                wire.sendall(f"{method} {path} HTTP/1.0\r\n\r\n".encode())
                answer = b"".join(iter(lambda: wire.recv(1 << 16), b""))
            head, _, body = answer.partition(b"\r\n\r\n")
            return int(head.split()[1]), body

        yield ask
        server.shutdown()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/", b"index.html"),
        ("/zh/html/one.html?a#b", b"zh/html/one.html"),
        ("/%E6%B1%89%20%E5%AD%97/a.html", "汉 字/a.html".encode()),
        ("/inside.html", b"zh/html/one.html"),
    ],
)
def test_files_of_the_books_are_given(asked, path, body):
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
