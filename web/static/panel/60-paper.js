// On paper the newest attempt is open; afterwards everything is as it was.
const opened = [];
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll(".newest details:not([open])")) {
    details.open = true;
    opened.push(details);
  }
});
addEventListener("afterprint", () => {
  for (const details of opened.splice(0)) details.open = false;
});
