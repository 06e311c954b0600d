"""What can be measured of a page that is open: each script answers with what is wrong."""

from playwright.async_api import Page

SMALL_TARGETS = """() => {
  const found = [];
  const inline = (node) => getComputedStyle(node).display === "inline";
  for (const node of document.querySelectorAll("a, button, input, select, textarea, summary")) {
    const box = node.getBoundingClientRect();
    if (node.type === "hidden" || box.width === 0 || node.closest(".skip")) continue;
    if (inline(node) && node.closest("p, th, td, dd")) continue;  // the exception for text
    if (node.type === "radio" && node.closest("label")) continue;
    if (box.width < 24 || box.height < 24) found.push(node.outerHTML.slice(0, 120));
  }
  return found;
}"""

SIDEWAYS = """() => {
  const wide = document.documentElement;
  return wide.scrollWidth > wide.clientWidth
    ? [...document.querySelectorAll("body *")]
        .filter((node) => node.getBoundingClientRect().right > wide.clientWidth + 1)
        .map((node) => node.outerHTML.slice(0, 100)).slice(0, 5)
    : [];
}"""

CUT = """() => {
  const found = [];
  const scrolls = (node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowX);
  for (const node of document.querySelectorAll("main *")) {
    if (!node.innerText || node.closest(".gone, thead, select, textarea")) continue;
    for (let box = node.parentElement; box && !scrolls(box); box = box.parentElement) {
      if (getComputedStyle(box).overflowX === "visible") continue;
      if (node.getBoundingClientRect().right > box.getBoundingClientRect().right + 1)
        found.push(`${node.outerHTML.slice(0, 90)} in ${box.className}`);
    }
  }
  return found.slice(0, 5);
}"""

SMUGGLED = """() => {
  const found = [];
  const note = (node) => found.push(node.outerHTML.slice(0, 120));
  const ours = "link[rel=icon], link[rel=stylesheet], script[src], meta[name], meta[charset]";
  const foreign = "script, style, link, meta, base, iframe, frame, object, embed, img, video, "
    + "audio, source, math, template, noscript, svg a, svg animate, svg script, foreignObject";
  for (const node of document.querySelectorAll(foreign)) if (!node.matches(ours)) note(node);
  for (const node of document.querySelectorAll("*")) {
    for (const {name, value} of node.attributes) {
      const leads = ["href", "src", "action", "formaction", "xlink:href"].includes(name);
      const away = leads && new URL(value, location.href).origin !== location.origin;
      if (away || /^on|^(style|srcdoc|srcset|autofocus)$/.test(name)) note(node);
    }
  }
  return found;
}"""
"""Elements and attributes that no page of ours has: text became markup."""

HIDDEN_FOCUS = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return "";
  if (["date", "time"].includes(node.type)) return "";  // the browser marks its parts
  const box = node.getBoundingClientRect();
  const seen = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const marked = [null, "::after", "::before"].some((part) => seen(getComputedStyle(node, part)));
  if (!marked) return "no outline: " + node.outerHTML.slice(0, 120);
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return inside ? "" : "out of sight: " + node.outerHTML.slice(0, 120);
}"""

STOP = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return -1;
  return [...document.querySelectorAll("*")].indexOf(node);
}"""

WORDS = """() => [...document.querySelectorAll("main *")]
  .filter((node) => !node.closest("select, textarea, [aria-live], [data-until]"))
  .filter((node) => !node.closest(".copier, .whole, .live"))  // what only a script can offer
  .filter((node) => node.checkVisibility({visibilityProperty: true}))
  .flatMap((node) => [...node.childNodes].filter((one) => one.nodeType === Node.TEXT_NODE))
  .map((one) => one.data.trim()).filter((text) => text)"""


async def open_all(page: Page) -> None:
    """Open every row and every disclosure of a page."""
    await page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


def is_complaint(text: str) -> bool:
    """Whether the console says that a page did something wrong.

    Advice about forms is none, and neither is a page that says that its address is wrong.
    """
    return not text.startswith("[DOM]") and "responded with a status of 40" not in text
