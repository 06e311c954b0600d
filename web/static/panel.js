// Comfort only: every page works without this script.
"use strict";

function addCopyButton(source) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copier quiet";
  button.textContent = "Copy";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  source.after(button);
}

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "always" });

function relative(seconds) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return WORDS.format(Math.round(seconds / size), unit);
}

function tick() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.dataset.ago = relative((Date.parse(time.dateTime) - Date.now()) / 1000);
  }
}

if (navigator.clipboard) document.querySelectorAll("[data-copy]").forEach(addCopyButton);
tick();
setInterval(tick, 15000);
