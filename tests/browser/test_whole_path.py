"""The whole path of a person, as they walk it."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import accessible
from tests.support.cast import PASSWORD
from tests.support.pages import make_token, shot, sign_in
from tests.support.waiting import until
from verifier.__main__ import main as verifier


def walk(page, theme, check=accessible):
    """Sign in, predict, make mistakes, find the records, make a token, sign out."""
    page.goto("/")
    expect(page).to_have_title("Sign in · Daybook")
    check(page)
    page.get_by_label("Email address").fill("owner@example.com")
    page.get_by_label("Password").fill("not the right password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Address or password is wrong.")
    check(page)
    sign_in(page)
    check(page)
    shot(page, f"home-{theme}")

    page.get_by_role("link", name="House prices", exact=True).click()
    expect(page.get_by_role("heading", name="Versions")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Predict", exact=True).click()
    page.get_by_role("link", name="Fill in typical values").click()
    living = page.get_by_label("Living area")
    living.fill("big")
    page.get_by_label("Bedrooms").fill("-1")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("alert")).to_contain_text("2 entries need another look.")
    expect(living).to_have_value("big")
    expect(page.get_by_text("Enter a whole number.")).to_be_visible()
    expect(page.get_by_text("Enter 0 or more.")).to_be_visible()
    check(page)
    shot(page, f"form-{theme}")
    living.fill("1500")
    page.get_by_label("Bedrooms").fill("3")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_text(re.compile(r"^1\d\d,\d{3} USD$"))).to_be_visible()
    check(page)
    record = page.url

    page.get_by_role("link", name="Again with these values").click()
    expect(page.get_by_label("Living area")).to_have_value("1500")
    page.goto("/models/breast-cancer/predict?values=typical")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("heading", name="Probabilities")).to_be_visible()
    check(page)
    shot(page, f"record-{theme}")

    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_role("row")).to_have_count(4)
    check(page)
    shot(page, f"history-{theme}")
    page.get_by_label("Find records").fill("status:refusd")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("status is never refusd. Did you mean refused?")).to_be_visible()
    check(page)
    shot(page, f"history-fault-{theme}")
    page.get_by_label("Find records").fill("status:refused -latency:>60000")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(re.compile("q=status%3Arefused"))
    shot(page, f"history-query-{theme}")
    page.get_by_role("link", name=re.compile("^…")).click()
    expect(page.get_by_role("heading", name="The inputs do not fit")).to_be_visible()
    check(page)
    page.goto(record)
    expect(page.get_by_text("owner@example.com").nth(1)).to_be_visible()

    page.get_by_role("link", name="owner@example.com").click()
    secret = make_token(page)
    check(page)
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text(secret)).to_have_count(0)
    check(page)
    shot(page, f"account-{theme}")
    return secret


def read_by_keyboard(page, theme):
    page.goto("/predictions")
    links = page.locator(".records tbody a")
    page.keyboard.press("/")
    expect(page.get_by_label("Find records")).to_be_focused()
    page.keyboard.press("Escape")
    for key, focused in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(links.nth(focused)).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_text("these keys")).to_be_visible()
    accessible(page)
    shot(page, f"history-keys-{theme}")
    address = links.nth(1).get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(address))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_person_walks_the_whole_path(open_page, service, theme):
    page = open_page(color_scheme=theme)
    secret = walk(page, theme)
    headers = {"Authorization": f"Bearer {secret}"}
    assert len(service.get("/api/v1/predictions", headers).json()["data"]) == 3
    read_by_keyboard(page, theme)
    page.goto("/account")
    page.get_by_role("button", name="Revoke my program").click()
    expect(page.get_by_role("status")).to_contain_text("is revoked")
    assert service.get("/api/v1/predictions", headers).status == 401
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · Daybook")
    page.goto("/predictions")
    expect(page).to_have_title("Sign in · Daybook")


def test_the_whole_path_works_without_javascript(open_page):
    walk(open_page(java_script_enabled=False), "plain", check=lambda _: None)


def test_the_whole_path_works_on_a_telephone(open_page):
    page = open_page(has_touch=True)
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page)
    for path in ("/", "/models/digits", "/models/digits/predict", "/predictions", "/account"):
        page.goto(path)
        accessible(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{path} is {width} wide"


def test_the_form_can_be_filled_by_keyboard_alone(open_page):
    page = open_page()
    page.goto("/")
    expect(page.get_by_label("Email address")).to_be_focused()
    page.keyboard.type("owner@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.goto("/models/breast-cancer/predict?values=typical")
    page.locator("#field-29").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Predict")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Diagnosis")).to_be_visible()


@pytest.mark.parametrize("who", ["auditor", "admin", "stranger"])
def test_every_role_has_pages_that_axe_passes(open_page, who):
    page = open_page()
    sign_in(page, who)
    for path in ("/", "/predictions", "/account", "/account/password", "/nothing"):
        page.goto(path)
        accessible(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_auditor_sees_that_the_book_is_good_and_takes_a_proof_away(
    open_page, service, theme, tmp_path
):
    """By the sealer and the verification of the running service."""
    page = open_page(color_scheme=theme)
    sign_in(page, "admin")
    page.goto("/models/breast-cancer/predict?values=typical")
    page.get_by_role("button", name="Predict").click()
    record = page.url
    expect(
        page.get_by_text(re.compile("will be sealed in seconds|In the book as leaf"))
    ).to_be_visible()
    accessible(page)
    until(lambda: page.goto(record) and page.get_by_text("In the book as leaf").count(), 30)
    accessible(page)
    shot(page, f"sealed-{theme}")
    page.get_by_text("How to check it").click()
    kept = {}
    for name in ("Download the proof", "and the record"):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        kept[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(kept[name])
    page.goto("/audit")
    key = page.locator("ul.plain li").last.inner_text()
    proof, its_record = kept.values()
    assert verifier(["proof", str(proof), "--record", str(its_record), "--key", key]) == 0

    page.get_by_role("button", name="Verify the whole book").click()
    expect(page.get_by_role("button", name="Verify the whole book")).to_be_visible(timeout=30_000)
    expect(page.get_by_text(re.compile("^Good on"))).to_be_visible()
    accessible(page)
    shot(page, f"audit-{theme}")

    page.goto("/admin")
    erasing = page.locator("form", has=page.get_by_role("button", name="Erase"))
    erasing.get_by_label("Reference or identifier").fill("nobody")
    erasing.get_by_label("Basis").fill("a request")
    erasing.get_by_label("There is no way back: erase it").check()
    erasing.get_by_role("button", name="Erase").click()
    expect(page.get_by_text("There are no records of that subject.")).to_be_visible()
    accessible(page)
    erasing.get_by_label("Of").select_option("a record, by its identifier")
    erasing.get_by_label("Reference or identifier").fill(record.rpartition("/")[2])
    erasing.get_by_role("button", name="Erase").click()
    expect(page.get_by_text("1 record is erased.")).to_be_visible()
    accessible(page)
    shot(page, f"admin-{theme}")
    page.goto(record)
    expect(page.get_by_role("heading", name="Erased")).to_be_visible()
    accessible(page)
    assert verifier(["proof", str(proof), "--key", key]) == 0, "the old proof still holds"
