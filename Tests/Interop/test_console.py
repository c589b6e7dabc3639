"""The console in a real browser."""

import pytest
import requests

from leat import wait_until

CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_shows_the_flow(stack, browser, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    outside = []
    page.on("request", lambda request: outside.append(request.url) if not request.url.startswith((stack.url("console"), "data:")) else None)
    page.goto(stack.url("console"), wait_until="domcontentloaded")
    wait_until("the topic and the table on the page", lambda: all(
        text in page.content() for text in ("users_created", "created_users", "user_automation")), 15, every=0.2)
    assert not errors and not outside
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), "the page does not scroll sideways"
    context.close()


def test_the_page_is_accessible(stack, browser):
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page()
    page.goto(stack.url("console"), wait_until="domcontentloaded")
    wait_until("the flow", lambda: "users_created" in page.content(), 15, every=0.2)
    found = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert not found, [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found]
    page.close()


def test_a_record_cannot_write_to_the_page(stack, browser):
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": stack.address("broker")})
    producer.produce("users_created", '{"id": "<img src=x onerror=window.pwned=1>"}')
    assert producer.flush(10) == 0
    page = browser.new_page()
    page.goto(stack.url("console"), wait_until="domcontentloaded")
    wait_until("the record on the page", lambda: "onerror" in page.inner_text("body"), 20, every=0.2)
    assert page.evaluate("window.pwned") is None
    page.close()


def test_the_console_serves_itself(stack):
    answer = requests.get(stack.url("console"), timeout=10)
    assert answer.status_code == 200 and "Content-Security-Policy" in answer.headers
