"""The history as an analyst works with it."""

import re
from datetime import datetime, timedelta

import pandas as pd
import pytest
from playwright.sync_api import expect

from ml.examples import write_example
from tests.browser.conftest import accessible
from tests.support.pages import make_token, shot, sign_in


@pytest.fixture
def history(open_page, service, tmp_path):
    """Returns a function that opens the history of 143 records."""

    def opened(**options):
        page = open_page(**options)
        sign_in(page)
        page.goto("/account")
        headers = {"Authorization": f"Bearer {make_token(page)}"}
        _, table, target = write_example("breast-cancer", tmp_path)
        rows = pd.read_csv(table).drop(columns=target).to_dict("records")
        address = f"{service.url}/api/v1/models/breast-cancer/predictions"
        assert page.request.post(address, data={"inputs": rows}, headers=headers).status == 201
        page.goto("/predictions")
        return page

    return opened


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_analyst_narrows_the_list_by_clicks_and_goes_back(history, theme):
    page = history(color_scheme=theme)
    beside = page.get_by_role("complementary", name="Overview")
    expect(beside.get_by_text("143 records")).to_be_visible()
    accessible(page)
    shot(page, f"overview-{theme}")
    beside.get_by_role("link", name=re.compile("^malignant")).click()
    expect(page.get_by_label("Find records")).to_have_value(
        "model:breast-cancer prediction:malignant"
    )
    count = beside.locator(".count strong").inner_text()
    assert 0 < int(count) < 143
    chart = beside.get_by_role("group", name="Mean radius")
    chart.scroll_into_view_if_needed()
    bars = chart.get_by_role("link")
    first, last = bars.nth(4).bounding_box(), bars.nth(7).bounding_box()
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 10)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 10, steps=5)
    page.mouse.up()
    expect(page.get_by_label("Find records")).to_have_value(
        re.compile(
            r"^model:breast-cancer prediction:malignant mean_radius:>=[\d.]+ mean_radius:<[\d.]+$"
        )
    )
    expect(beside.locator(".count strong")).not_to_have_text(count)
    accessible(page)
    shot(page, f"overview-narrowed-{theme}")
    page.go_back()
    expect(page.get_by_label("Find records")).to_have_value(
        "model:breast-cancer prediction:malignant"
    )
    beside.get_by_role("link", name=re.compile("^malignant")).click()
    expect(page.get_by_label("Find records")).to_have_value("model:breast-cancer")


def test_the_overview_works_without_javascript(history):
    page = history(java_script_enabled=False)
    page.get_by_role("link", name="Overview of these records").click()
    page.get_by_role("link", name=re.compile("^malignant")).click()
    expect(page.get_by_label("Find records")).to_have_value(
        "model:breast-cancer prediction:malignant"
    )


def test_records_are_looked_at_marked_and_compared_by_keyboard_alone(history):
    page = history()
    press = page.keyboard.press
    press("j")
    press("p")
    peek = page.locator("#peek")
    expect(peek.get_by_role("heading", name="Diagnosis")).to_be_visible()
    expect(page.locator("#overview")).to_be_hidden()
    accessible(page)
    shot(page, "peek")
    press("Escape")
    expect(peek).to_have_count(0)
    expect(page.locator("#overview")).to_be_visible()
    press("x")
    press("j")
    press("x")
    press("c")
    expect(page.get_by_role("heading", name="Two records")).to_be_visible()
    expect(page.get_by_role("heading", name="Inputs")).to_be_visible()
    accessible(page)
    shot(page, "compare")


def test_a_query_is_written_with_suggestions(history):
    page = history()
    page.keyboard.press("/")
    page.keyboard.type("mod")
    suggestions = page.get_by_role("listbox", name="Suggestions")
    expect(suggestions.get_by_role("option", name=re.compile("^model:"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Find records")).to_have_value("model:")
    page.keyboard.type("brea")
    accessible(page)
    shot(page, "suggestions")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Find records")).to_have_value("model:breast-cancer ")
    page.keyboard.type("worst_ar")
    expect(suggestions.get_by_role("option", name="worst_area: number")).to_be_visible()
    page.keyboard.press("Escape")
    expect(suggestions).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is no")).to_have_count(0)


def test_times_are_in_the_zone_of_the_reader_and_in_utc_behind_them(history):
    page = history(timezone_id="Asia/Tokyo")
    expect(page.get_by_role("columnheader", name="Time (Asia/Tokyo)")).to_be_visible()
    shown = page.locator(".records time").first
    local = datetime.fromisoformat(shown.inner_text())
    utc = datetime.fromisoformat(shown.get_attribute("title").removesuffix(" UTC"))
    assert local - utc == timedelta(hours=9)


def test_tables_show_all_their_columns_on_a_laptop(history):
    page = history()
    page.goto("/account")
    headers = {"Authorization": f"Bearer {make_token(page)}"}
    address = "/api/v1/models/breast-cancer/predictions"
    assert page.request.post(address, data={"inputs": [{}]}, headers=headers).status == 422
    for path, name in [
        ("/predictions", "Records"),
        ("/models/breast-cancer", "Inputs of version 1"),
        ("/models/house-prices", "Inputs of version 1"),
    ]:
        page.goto(path)
        table = page.get_by_role("region", name=name, exact=True)
        hidden = table.evaluate("e => e.scrollWidth - e.clientWidth")
        assert hidden == 0, f"{path} hides {hidden} pixels"
