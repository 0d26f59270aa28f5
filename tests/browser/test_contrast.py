"""Text stands out from what lies behind it, in both themes (WCAG 2.2: 4.5 to 1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser_session import new_page, open_app, wait_until_quiet

ENOUGH, LOOKS, BETWEEN_LOOKS = 4.5, 40, 250
CAPTIONS = '[data-testid="stCaptionContainer"] :is(p, code)'
BUTTONS = '[data-testid="stBaseButton-primary"] p, [data-tag] span, [role="combobox"]'
# For every element of a selector: the contrast of its text with the opaque background that it lies on.
CONTRASTS = """(selector) => {
  const rgba = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const linear = (part) => (part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (node) => {
    const colour = rgba(getComputedStyle(node).backgroundColor);
    return colour[3] === 1 || !node.parentElement ? colour : [...over(colour, ground(node.parentElement)), 1];
  };
  const opacity = (node) => (node ? getComputedStyle(node).opacity * opacity(node.parentElement) : 1);
  return [...document.querySelectorAll(selector)].map((node) => {
    const under = ground(node);
    const [r, g, b, a] = rgba(getComputedStyle(node).color);
    const lights = [light(over([r, g, b, a * opacity(node)], under)), light(under)].sort((x, y) => y - x);
    return (lights[0] + 0.05) / (lights[1] + 0.05);
  });
}"""


def settled_contrasts(page: Page, selector: str) -> list[float]:
    """Return the contrasts once all suffice; what is being drawn may still be faint. Fails if they never do."""
    for _ in range(LOOKS):
        contrasts: list[float] = page.evaluate(CONTRASTS, selector)
        if contrasts and min(contrasts) >= ENOUGH:
            return contrasts
        page.wait_for_timeout(BETWEEN_LOOKS)
    raise AssertionError(sorted(contrasts))


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.long)])
def test_captions_and_the_code_in_them_have_enough_contrast(browser: Browser, app: str, dark: bool) -> None:
    with new_page(browser, dark=dark) as page:
        open_app(page, f"{app}/methods")
        page.locator('[data-testid="stCaptionContainer"] code').first.wait_for()
        wait_until_quiet(page)
        settled_contrasts(page, CAPTIONS)


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True])
def test_buttons_and_chosen_boxes_have_enough_contrast(browser: Browser, app: str, dark: bool) -> None:
    with new_page(browser, dark=dark) as page:
        open_app(page, f"{app}/detection")
        page.get_by_role("tab", name="Start with a sample").click()
        page.locator('[class*="st-key-use-detector"] button').click()
        page.locator('.box[aria-label^="1: class 6"]').press("Enter")
        page.locator("[data-tag]", has_text="class 6").wait_for()
        wait_until_quiet(page)
        assert len(settled_contrasts(page, BUTTONS)) >= 3
