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
}

tick();
setInterval(tick, 15000);
