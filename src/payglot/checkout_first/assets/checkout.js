"use strict";
// Everything here is a convenience: the page works without it.

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
  });
}

addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.firstChild.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.firstChild.textContent = button.dataset.done;
    setTimeout(() => { button.firstChild.textContent = label; }, 1500);
  });
}

for (const line of document.querySelectorAll("[data-deadline]")) {
  const end = Date.parse(line.dataset.deadline);
  const show = () => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    if (left > 86400) return;
    const pad = (number) => String(number).padStart(2, "0");
    line.querySelector("span").textContent =
      (left >= 3600 ? Math.floor(left / 3600) + ":" : "") + pad(Math.floor(left / 60) % 60) + ":" + pad(left % 60);
    line.hidden = false;
  };
  show();
  setInterval(show, 1000);
}

const live = document.querySelector("[data-live]");
if (live) {
  const source = new EventSource(live.dataset.live);
  source.addEventListener("moved", () => { source.close(); location.reload(); });
}

document.querySelector("[role=alert]")?.focus();
