"""Pages are parsed: broken markup fails the test that fetched it."""

from html.parser import HTMLParser

import pytest

from tests.support.cast import csrf_token

VOID = {"meta", "link", "input", "br", "hr", "img"}
SVG_CLOSED = {"rect", "path"}


class Page(HTMLParser):
    """A parsed page: its text, its elements, and what is wrong with its markup."""

    def __init__(self, text):
        super().__init__()
        self.words, self.elements, self.faults, self._open = [], [], [], []
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self._open]
        ids = [a["id"] for _, a in self.elements if "id" in a]
        self.faults += [f"id {i} is there twice" for i in {i for i in ids if ids.count(i) > 1}]
        for tag, attributes in self.elements:
            if "style" in attributes or any(name.startswith("on") for name in attributes):
                self.faults.append(f"<{tag}> has what the content security policy forbids")

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def all(self, tag, **attributes):
        return [
            a for t, a in self.elements
            if t == tag and all(a.get(k) == v for k, v in attributes.items())
        ]  # fmt: skip


def parsed(answer):
    page = Page(answer.text)
    assert not page.faults, page.faults
    return page


@pytest.fixture
def get(browser_of):
    """Returns a function: fetch a page as a member of the cast."""

    def fetch(who, path, *, expect=200, **query):
        answer = browser_of(who).get(path, query_string=query or None)
        assert answer.status_code == expect, answer.text[:300]
        return parsed(answer)

    return fetch


@pytest.fixture
def post(browser_of):
    """Returns a function: send a form as a member of the cast."""

    def send(who, path, **fields):
        data = {"csrf_token": csrf_token()} | fields
        return browser_of(who).post(path, data=data)

    return send
