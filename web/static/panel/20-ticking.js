// "3 minutes ago" goes on while the page is open. Words as those of web/times.py.
const UNITS = [["second", 1, 60], ["minute", 60, 60], ["hour", 3600, 24], ["day", 86400, Infinity]];

function span(seconds) {
  for (const [unit, size, most] of UNITS) {
    const number = Math.round(seconds / size);
    if (number < most) return `${number.toLocaleString("en")} ${unit}${number === 1 ? "" : "s"}`;
  }
}

// The clock of this browser may not be that of the server: what has happened is never to come.
function ago(time) {
  const seconds = (Date.now() - Date.parse(time)) / 1000;
  return seconds < 1 ? "just now" : `${span(seconds)} ago`;
}

function ahead(time) {
  const seconds = (Date.parse(time) - Date.now()) / 1000;
  return seconds < 1 ? "due now" : `in ${span(seconds)}`;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.dataset.ago = ago(time.dateTime);
  }
  for (const word of document.querySelectorAll("[data-until]")) {
    word.textContent = ahead(word.dataset.until);
  }
}

tick();
setInterval(tick, 15000);
document.addEventListener("sendtrace:exchanged", tick);
