// A button beside everything that is worth copying; what a server said is copied as it said it.
function textOf(source) {
  return source.value ?? (source.matches("pre") ? source.textContent : source.textContent.trim());
}

function addCopyButton(source) {
  const button = document.createElement("button");
  const name = source.dataset.copy || "Copy";
  button.type = "button";
  button.className = "copier quiet";
  button.textContent = name;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf(source));
      button.textContent = "Copied";
    } catch {
      button.textContent = "Copying is not allowed here";
    }
    setTimeout(() => (button.textContent = name), 2000);
  });
  source.after(button);
}

function addCopyButtons() {
  if (!navigator.clipboard) return;
  for (const source of document.querySelectorAll("[data-copy]")) {
    if (!source.nextElementSibling?.matches(".copier")) addCopyButton(source);
  }
}

addCopyButtons();
document.addEventListener("sendtrace:exchanged", addCopyButtons);
