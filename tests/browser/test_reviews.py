"""Reviewing by keyboard alone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import accessible
from tests.support.pages import make_token, shot, sign_in


@pytest.fixture
def doubtful(open_page, service):
    """Returns a function that opens a queue of four answers."""

    def opened(**options):
        page = open_page(**options)
        sign_in(page)
        page.goto("/account")
        headers = {"Authorization": f"Bearer {make_token(page)}"}
        rows = [{"age": age, "visits": 3, "country": "FR"} for age in (20.0, 35.0, 50.0, 65.0)]
        address = f"{service.url}/api/v1/models/churn/predictions"
        assert page.request.post(address, data={"inputs": rows}, headers=headers).status == 201
        page.goto("/reviews")
        accessible(page)
        page.get_by_role("link", name="Make the first one.").click()
        page.get_by_label("Whose answers").select_option("churn")
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Name").fill("Doubtful")
        page.get_by_label("which are").select_option("least_confident")
        accessible(page)
        shot(page, "queue-form")
        page.get_by_role("button", name="Make the queue").click()
        expect(page.get_by_role("heading", name="Doubtful")).to_be_visible()
        return page

    return opened


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_record_is_reviewed_in_two_keystrokes(doubtful, theme):
    page = doubtful(color_scheme=theme)
    accessible(page)
    page.get_by_role("link", name=re.compile("^Review: 4 for you")).press("Enter")
    for left in (4, 3, 2):
        expect(page.get_by_text(f"{left} left for you")).to_be_visible()
        if left == 4:
            accessible(page)
            shot(page, f"review-{theme}")
        page.keyboard.press("a")
        page.keyboard.press("Enter")
    expect(page.get_by_text("1 left for you")).to_be_visible()
    page.keyboard.press("d")
    page.keyboard.press("n")
    page.keyboard.type("Ask the branch.")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is nothing left for you to review here.")).to_be_visible()
    expect(page.locator(".figures")).to_contain_text("4 of 4")
    accessible(page)
    shot(page, f"queue-{theme}")
    page.goto("/predictions?q=review:disagree")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ask the branch.")).to_be_visible()
    accessible(page)


def test_without_scripts_reviewing_works_too(doubtful, chromium, service):
    page = doubtful()
    state = page.context.storage_state()
    context = chromium.new_context(
        base_url=service.url, java_script_enabled=False, storage_state=state
    )
    plain = context.new_page()
    plain.goto("/reviews")
    plain.get_by_role("link", name="4").click()
    plain.get_by_label("Unsure").check()
    plain.get_by_role("button", name="Record, and next").click()
    expect(plain.get_by_text("3 left for you")).to_be_visible()
    context.close()
