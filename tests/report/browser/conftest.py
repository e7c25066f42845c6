"""Headless Chromium, where XAI_JAX_BROWSER asks for it."""

import os
import shutil

import pytest

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage"
).split()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not os.environ.get("XAI_JAX_BROWSER"):
        pytest.skip("needs a browser: make report-test")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "install Debian's chromium and chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options, Service(driver))
    opened.set_script_timeout(20)
    opened.get(
        "about:blank"
    )  # away from the browser's own start page, which asks for things by itself
    yield opened
    opened.quit()
