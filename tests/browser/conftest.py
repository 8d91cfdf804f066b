"""A real browser against a running service."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from app import create_app
from config import PROJECT
from ml.examples import NAMES, write_example
from tests.support.cast import register
from tests.support.live import live_server
from tests.support.postgres import dispose, settings_for

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
AXE = PROJECT / "node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="session")
def chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("CI needs chromium: apt-get install chromium")
        pytest.skip("there is no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def examples_database(server, worker, cast_database, tmp_path_factory):
    """The name of a database with the cast and the three example models."""
    folder, name = tmp_path_factory.mktemp("examples"), f"examples_{worker}"
    app = create_app(settings_for(server.clone(name, cast_database), folder))
    with app.app_context():
        for example in NAMES:
            path, _, target = write_example(example, folder)
            register(path, example, target=target)
    dispose(app)
    yield name
    server.drop(name)


@pytest.fixture
def service(server, worker, examples_database, tmp_path):
    name = f"browser_{worker}"
    with live_server(server.clone(name, examples_database), tmp_path) as live:
        yield live
    server.drop(name)


@pytest.fixture
def open_page(chromium, service):
    """Returns a function that opens a page; what the browser complains about fails the test."""
    contexts, complaints = [], []

    def make(**options):
        context = chromium.new_context(
            base_url=service.url, viewport={"width": 1280, "height": 860}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if _is_complaint(m) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(message):
    # A form with faults is answered with 422 on purpose, a query with 400, and /nothing is nowhere.
    meant = any(f"status of {code}" in message.text for code in (400, 422))
    meant = meant or message.location["url"].endswith("/nothing")
    return message.type in ("error", "warning") and not meant


def accessible(page):
    """Fail if axe finds anything, of any impact."""
    page.evaluate(AXE.read_text())
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [
        f"{page.url}: {v['id']}: {v['help']}: {[n['html'][:120] for n in v['nodes'][:3]]}"
        for v in result["violations"]
    ]
    assert found == []
