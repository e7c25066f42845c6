"""Headless Chromium, and how the tests of this folder look at a page in it."""

import shutil
from pathlib import Path

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage"
).split()
PHONE, DESKTOP = (360, 800), (1400, 900)


def opened(profile: Path):
    """A browser with a profile of its own, to be quit; its programs are looked for in the PATH."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "install Debian's chromium and chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options, Service(driver))
    made.set_script_timeout(20)
    made.get("about:blank")  # away from the browser's own start page, which asks for things
    return made


def visit(browser, path, size=DESKTOP, **media):
    """Opens the page afresh and waits until the first canvases are drawn."""
    metrics = dict(width=size[0], height=size[1], deviceScaleFactor=1, mobile=size == PHONE)
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": name.replace("_", "-"), "value": v} for name, v in media.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(path.as_uri())
    settle(browser)


def settle(browser):
    """Two frames after all pending pictures are decoded."""
    browser.execute_async_script(
        """const done = arguments[0];
        const wait = () => document.querySelector("[data-waking]") ? setTimeout(wait, 20)
          : requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)));
        setTimeout(wait, 50);"""
    )


def choose(browser, name: str, value: str):
    browser.execute_script(
        """const control = document.querySelector(".controls").elements[arguments[0]];
        control.value = arguments[1];
        control.dispatchEvent(new Event("input", { bubbles: true }));""",
        *(name, value),
    )
    settle(browser)
