// "3 minutes ago" goes on while the page is open.
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
  for (const span of document.querySelectorAll("[data-until]")) {
    const seconds = (Date.parse(span.dataset.until) - Date.now()) / 1000;
    span.textContent = seconds > 0 ? relative(seconds) : "due now";
  }
}

tick();
setInterval(tick, 15000);
document.addEventListener("sendtrace:exchanged", tick);
