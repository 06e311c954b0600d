
// Keys for those who look for mail all day. They are off where the page says so, and while typing.
const rows = [...document.querySelectorAll(".entry summary")];

function step(by) {
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
}

const KEYS = {
  "/": () => document.querySelector("#q")?.focus(),
  "j": () => step(1),
  "k": () => step(-1),
  "o": () => (rows.includes(document.activeElement) ? document.activeElement : rows[0])?.click(),
  "?": () => (location.href = "/help#keys"),
};

if (document.querySelector("[data-keys]")) {
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
}
