"""What people do in the browser again and again."""

from playwright.sync_api import expect

from config import PROJECT
from tests.support.cast import PASSWORD

SHOTS = PROJECT / "tests/browser/screenshots"


def shot(page, name):
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def sign_in(page, who="owner"):
    page.goto("/")
    page.get_by_label("Email address").fill(f"{who}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Models")).to_be_visible()


def make_token(page, *more):
    """Make a token on the account page; return it."""
    page.get_by_label("Name", exact=True).fill("my program")
    page.get_by_label("ask for predictions").check()
    page.get_by_label("read your own records").check()
    for scope in more:
        page.get_by_label(scope).check()
    page.get_by_role("button", name="Make token").click()
    expect(page.get_by_role("heading", name="Your token")).to_be_visible()
    return page.locator("pre.secret").inner_text()
