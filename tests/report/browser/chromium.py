"""How the tests of this folder look at a page in the browser."""

PHONE, DESKTOP = (360, 800), (1400, 900)


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
