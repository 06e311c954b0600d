// The page of a message that is still open follows what happens: it is told that something has
// changed, fetches itself and exchanges its parts. What is open, focused or half typed stays.
const AGAIN = 30000;
const FOCUSABLE = "a, button, input, select, textarea, summary, [tabindex]";
const announcer = document.createElement("p");
let source = null;
let version = null;
let isOn = false;
let isFetching = false;
let isStale = false;

const marker = () => document.querySelector("[data-live]");

function show() {
  const node = marker();
  if (!node) return;
  node.classList.toggle("on", isOn);
  node.querySelector("a").hidden = isOn;
  node.querySelector("span").hidden = !isOn;
}

function turn(on) {
  isOn = on;
  show();
}

// Whoever types or marks text in a part keeps it as it is.
function isBusy(part) {
  const active = document.activeElement;
  if (part.contains(active) && active.matches("input, select, textarea:not([readonly])")) return true;
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea:not([readonly])")];
  if (fields.some((one) => one.value !== one.defaultValue)) return true;
  const marked = document.getSelection();
  return !marked.isCollapsed && part.contains(marked.anchorNode);
}

// What an element is called, so that it is found again in a part that has been exchanged.
function nameOf(element, part) {
  const same = (one) => one.tagName === element.tagName && one.textContent === element.textContent;
  const index = [...part.querySelectorAll(FOCUSABLE)].filter(same).indexOf(element);
  return (fresh) => {
    if (element.id) return fresh.querySelector(`#${CSS.escape(element.id)}`);
    return [...fresh.querySelectorAll(FOCUSABLE)].filter(same)[index];
  };
}

function exchange(part, fresh) {
  const opened = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
  const closed = [...part.querySelectorAll("details[id]:not([open])")].map((one) => one.id);
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const again = active && nameOf(active, part);
  for (const details of fresh.querySelectorAll("details[id]")) {
    if (opened.includes(details.id)) details.open = true;
    if (closed.includes(details.id)) details.open = false;
  }
  part.replaceWith(fresh);
  document.dispatchEvent(new CustomEvent("sendtrace:exchanged"));
  const target = again && (again(fresh) ?? document.getElementById("main"));
  if (target) target.focus({ preventScroll: true });
}

// What is focused or at the top of the window stays where it is, whatever grows above it.
function keepPlace(change) {
  const isSeen = (one) => one && one.getBoundingClientRect().top >= 0;
  const focused = document.activeElement?.closest("[data-part] [id]");
  const anchors = [...document.querySelectorAll("[data-part] [id]")];
  const first = isSeen(focused) ? focused : anchors.find(isSeen);
  const top = first?.getBoundingClientRect().top;
  const before = window.scrollY;
  change();
  const found = first && document.getElementById(first.id);
  if (found && before > 0) window.scrollBy(0, found.getBoundingClientRect().top - top);
}

function exchangeAll(fresh) {
  const said = document.querySelector("[data-spoken]")?.textContent;
  let isComplete = true;
  keepPlace(() => {
    for (const part of document.querySelectorAll("[data-part]")) {
      const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!other) continue;
      if (isBusy(part)) isComplete = false;
      else exchange(part, document.adoptNode(other));
    }
  });
  document.title = fresh.title;
  const says = document.querySelector("[data-spoken]")?.textContent;
  if (says !== said) announcer.textContent = says;
  return isComplete;
}

async function refresh() {
  if (isFetching) {
    isStale = true;
    return;
  }
  isFetching = true;
  try {
    const response = await fetch(location.href);
    if (!response.ok || response.redirected) return stop();
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const told = fresh.querySelector("[data-live]")?.dataset.version ?? "";
    if (exchangeAll(fresh)) version = told;
    else setTimeout(refresh, 2000);
    show();
  } catch {
    turn(false);
  } finally {
    isFetching = false;
  }
  if (isStale) {
    isStale = false;
    await refresh();
  }
}

function stop() {
  source?.close();
  source = null;
  turn(false);
}

function begin() {
  const node = marker();
  if (!node || source || document.hidden) return;
  version ??= node.dataset.version;
  source = new EventSource(node.dataset.live);
  source.addEventListener("open", () => turn(true));
  source.addEventListener("version", (event) => {
    if (event.data !== version) refresh();
  });
  source.addEventListener("final", () => {
    stop();
    refresh();
  });
  source.addEventListener("error", () => {
    turn(false);
    if (source?.readyState !== EventSource.CLOSED) return; // it comes again by itself
    stop();
    setTimeout(() => refresh().then(begin), AGAIN);
  });
}

if (marker() && window.EventSource) {
  announcer.className = "gone";
  announcer.setAttribute("role", "status");
  announcer.setAttribute("aria-live", "polite");
  document.getElementById("main").append(announcer);
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : begin()));
  begin();
}
