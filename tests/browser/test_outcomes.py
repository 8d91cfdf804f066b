"""Outcomes and performance, as an analyst meets them."""

import re

import pandas as pd
import pytest
from playwright.sync_api import expect

from ml.examples import write_example
from tests.browser.conftest import accessible
from tests.support.pages import make_token, shot, sign_in


@pytest.fixture
def answered(open_page, service, tmp_path):
    """Returns a function that opens the performance of an example of which most answers have an outcome."""

    def opened(example, **options):
        page = open_page(**options)
        sign_in(page)
        page.goto("/account")
        headers = {"Authorization": f"Bearer {make_token(page, 'report outcomes')}"}
        _, path, target = write_example(example, tmp_path)
        table = pd.read_csv(path)
        rows = table.drop(columns=target).to_dict("records")
        address = f"{service.url}/api/v1/models/{example}/predictions"
        answer = page.request.post(address, data={"inputs": rows}, headers=headers).json()
        truths = table[target].tolist()[: len(rows) * 9 // 10]
        reports = [
            {"id": one["id"], "outcome": truth}
            for one, truth in zip(answer["predictions"], truths, strict=False)
        ]
        reported = page.request.post(
            f"{service.url}/api/v1/outcomes", data={"outcomes": reports}, headers=headers
        )
        assert reported.json()["recorded"] == len(truths)
        page.goto(f"/models/{example}/performance")
        return page

    return opened


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_analyst_sees_how_well_a_classifier_did(answered, theme):
    page = answered("breast-cancer", color_scheme=theme)
    expect(page.get_by_role("heading", name="Calibration")).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Calibration"))).to_be_visible()
    accessible(page)
    shot(page, f"performance-{theme}")
    page.get_by_role("region", name="Confusion").get_by_role("link").first.click()
    expect(page.get_by_label("Find records")).to_have_value(re.compile("outcome:.* prediction:"))
    expect(page.get_by_role("region", name="Records")).to_be_visible()


def test_an_analyst_sees_how_far_off_numbers_were(answered):
    page = answered("house-prices")
    expect(page.get_by_role("img", name=re.compile("^Residuals"))).to_be_visible()
    accessible(page)
    shot(page, "performance-numbers")


def test_an_outcome_is_recorded_on_the_page_of_its_record(open_page):
    page = open_page()
    sign_in(page)
    page.goto("/models/breast-cancer/predict?values=typical")
    page.get_by_role("button", name="Predict").click()
    page.get_by_label("What turned out to be true").select_option("malignant")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_text("The outcome is recorded.")).to_be_visible()
    page.get_by_label("Correct it").select_option("benign")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("s")).to_have_text("malignant")
    accessible(page)
    shot(page, "outcome")
