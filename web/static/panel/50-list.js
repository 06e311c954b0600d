
// What a list holds is told to those who hear the page, and so is what has come since.
const told = document.querySelector("#found");
if (told) setTimeout(() => (told.textContent = told.dataset.says), 500);

// The rows stay where they are; how many are newer is said beside them.
const again = document.querySelector("[data-newer]");

async function askNewer() {
  if (document.hidden) return;
  let answer;
  try {
    const response = await fetch(again.dataset.newer, { redirect: "error" });
    if (!response.ok) return;
    answer = await response.json();
  } catch {
    return;  // Away for a moment: there is a next time.
  }
  const words = answer.count ? `${answer.words}: show` : "Look again";
  const label = again.querySelector("span");
  if (label.textContent === words) return;
  label.textContent = words;
  again.classList.toggle("fresh", answer.count > 0);
  if (answer.count) told.textContent = answer.words;
}

if (again) setInterval(askNewer, 15000);

// Whoever searched or chose an outcome goes on from there, not from the top of the page.
const PLACE = "sendtrace-place";

function keepPlace(event) {
  const from = event.type === "submit" ? document.activeElement : event.target.closest("a[id]");
  if (from?.id) sessionStorage.setItem(PLACE, from.id);
}

const place = sessionStorage.getItem(PLACE);
sessionStorage.removeItem(PLACE);
if (place) document.getElementById(place)?.focus({ preventScroll: true });
// On a phone the fields stand between the box and what was found: they open when they are wanted.
const fields = document.querySelector(".fields");
const isInUse = fields?.contains(document.activeElement) || fields?.querySelector(":target");
if (fields && !isInUse && matchMedia("(max-width: 46rem)").matches) fields.open = false;
document.querySelector("#filters")?.addEventListener("submit", keepPlace);
document.querySelector(".outcomes")?.addEventListener("click", keepPlace);

// One box for all boxes of the page.
const whole = document.querySelector("#whole");
if (whole) {
  const picks = [...document.querySelectorAll(".pick input")];
  whole.closest("label").hidden = false;
  const show = () => {
    const picked = picks.filter((one) => one.checked).length;
    whole.checked = picked === picks.length;
    whole.indeterminate = picked > 0 && picked < picks.length;
  };
  whole.addEventListener("change", () => picks.forEach((one) => (one.checked = whole.checked)));
  picks.forEach((one) => one.addEventListener("change", show));
  show();
}

// Several lines do not fit into the box: whoever pastes a whole bounce is at its message at once.
const TELLING = /^\s*(x-sendtrace-id|(x-)?(original-)?message-id|original-envelope-id|(original|final)-recipient|diagnostic-code):/i;
const MOST = 6000;

function gist(text) {
  if (encodeURIComponent(text).length <= MOST) return text;
  let lines = text.split("\n").filter((line) => TELLING.test(line)).map((line) => line.slice(0, 300));
  if (!lines.length) lines = text.split("\n");
  while (lines.length > 1 && encodeURIComponent(lines.join("\n")).length > MOST) lines.shift();
  return lines.join("\n").slice(-2000);
}

document.querySelector("#filters #q")?.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain").trim();
  if (!text.includes("\n")) return;
  event.preventDefault();
  location.assign(`${event.target.form.getAttribute("action")}?${new URLSearchParams({ q: gist(text) })}`);
});
