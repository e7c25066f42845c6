"""Headless Chromium, where XAI_JAX_BROWSER asks for it."""

import os

import chromium
import pytest


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not os.environ.get("XAI_JAX_BROWSER"):
        pytest.skip("needs a browser: make report-test")
    opened = chromium.opened(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.quit()
