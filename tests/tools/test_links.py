"""Links outside, asked of a server on this machine; nothing else is reached."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.website import links


@pytest.fixture
def server():
    """The address of a server that answers with the number that a path ends in."""
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(int(self.path[-3:]))
            self.end_headers()

        def log_message(self, *_):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("code, said", [("200", ""), ("404", "gone: 404"), ("410", "gone: 410"), ("403", "unclear: 403"),
                                        ("429", "unclear: 429"), ("503", "unclear: 503")])
def test_an_answer_is_well_gone_or_unclear(server, code, said):
    answer = links.answer(f"{server}/{code}")
    assert answer.startswith(said) and bool(answer) == bool(said)


def test_a_server_that_is_not_there():
    assert links.answer("http://127.0.0.1:9/").startswith("unclear")  # it may be back tomorrow
    assert links.answer("https://[a").startswith("unclear")


def test_a_name_that_nobody_has(monkeypatch):
    def refuse(*_, **__):
        raise links.urllib.error.URLError(OSError(-2, "Name or service not known"))
    monkeypatch.setattr(links.urllib.request, "urlopen", refuse)
    assert links.answer("https://nowhere.org").startswith("gone")


@pytest.fixture
def course(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project.urls]\nRepository = "https://github.com/ann/course"\n')
    (tmp_path / "a.md").write_text("[a](https://a.org/x_(y)#z), https://b.org/404. https://github.com/ann/course/blob/main/a.md\n"
                                   "`http://127.0.0.1:8888/lab` https://HUB.EXAMPLE.EDU/x http://… https://a.org/{n}\n")
    (tmp_path / "untracked.md").write_text("https://c.org")
    for command in (["init", "-q"], ["add", "a.md", "pyproject.toml"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_each_address_outside_is_asked_once(course, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(links, "answer", lambda link: asked.append(link) or "gone: 404" * link.endswith("404"))
    assert links.main([], course) == 1
    assert sorted(asked) == ["https://a.org/x_(y)", "https://b.org/404"]
    assert capsys.readouterr().out == "gone: 404: https://b.org/404 in a.md\n2 addresses: 1 gone, 0 unclear\n"


def test_what_is_unclear_fails_nothing(course, monkeypatch):
    monkeypatch.setattr(links, "answer", lambda link: "unclear: 403")
    assert links.main([], course) == 0
    assert links.main(["all"], course) == 2


def test_the_course_names_many_and_none_of_this_machine():
    found = links.places()
    assert len(found) > 40 and not any("127.0.0.1" in link or "OWNER" in link for link in found)
