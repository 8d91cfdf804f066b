"""The page of the API, offline and under the content security policy."""

from playwright.sync_api import expect

from tests.browser.conftest import accessible
from tests.support.pages import make_token, shot, sign_in


def authorize(page, token):
    page.get_by_role("button", name="Authorize").click()
    box = page.locator(".auth-container").filter(has=page.get_by_label("auth-bearer-value"))
    box.get_by_label("auth-bearer-value").fill(token)
    box.locator(".authorize").click()
    page.get_by_role("button", name="Close").first.click()


def test_a_developer_reads_the_api_and_tries_it(open_page, service):
    page, elsewhere = open_page(color_scheme="light", reduced_motion="reduce"), []
    page.on("request", lambda one: elsewhere.append(one.url))
    sign_in(page)
    page.goto("/account")
    token = make_token(page)
    page.get_by_role("link", name="API", exact=True).click()
    authorize(page, token)
    shot(page, "docs-light")
    own = page.locator("[id$=ask_breast_cancer]")
    own.get_by_role("button").first.click()
    expect(own.get_by_text("mean_radius").first).to_be_visible()
    accessible(page)
    page.emulate_media(color_scheme="dark")
    accessible(page)
    shot(page, "docs-dark")
    own.get_by_role("button", name="Try it out").click()
    own.get_by_role("button", name="Execute").click()
    answered = own.locator(".live-responses-table .response")
    expect(answered.locator(".response-col_status")).to_contain_text("201")
    expect(answered.get_by_text("leaf_hash").first).to_be_visible()
    own_addresses = (service.url, "data:", "blob:")
    assert [url for url in elsewhere if not url.startswith(own_addresses)] == []
    page.goto("/predictions")
    expect(page.get_by_role("region", name="Records")).to_contain_text("breast-cancer")


def test_without_scripts_the_page_gives_the_file(open_page):
    page = open_page(java_script_enabled=False)
    sign_in(page)
    page.goto("/docs")
    expect(page.get_by_text("This page shows the file only where scripts run.")).to_be_visible()
    answer = page.request.get(page.get_by_role("link", name="openapi.json").get_attribute("href"))
    assert answer.json()["openapi"] == "3.1.0"
