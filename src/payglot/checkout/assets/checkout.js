"use strict";
// Everything here is comfort: without it the page works, and has a link to look again.
const all = (selector) => document.querySelectorAll(selector);
const language = document.documentElement.lang;

for (const time of all("time[data-local]")) {
  const at = new Date(time.dateTime);
  time.textContent = at.toLocaleString(navigator.languages.find((l) => l.startsWith(language)) || language, {
    dateStyle: "long", timeStyle: "short",
  });
}

for (const left of all("[data-seconds]")) {
  const end = performance.now() + left.dataset.seconds * 1000;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    left.textContent = parts.slice(parts[0] ? 0 : 1).map((n) => String(n).padStart(2, "0")).join(":");
    left.hidden = seconds > 86400;
    if (seconds) setTimeout(tick, 1000 - (performance.now() % 1000));
  };
  tick();
}

for (const button of all("[data-copy]")) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const area = document.body.appendChild(document.createElement("textarea"));
      area.value = button.dataset.copy;
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = button.dataset.done;
    setTimeout(() => (button.textContent = label), 2000);
  });
}

for (const form of all("form")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
    form.setAttribute("aria-busy", "true");
  });
}
addEventListener("pageshow", (event) => event.persisted && location.reload());

const problems = document.getElementById("problems");
if (problems) problems.focus();

const part = document.querySelector("[data-live]");
if (part) {
  const note = part.querySelector("[data-listening]");
  let stream;
  const listen = () => {
    stream = new EventSource(part.dataset.live);
    stream.addEventListener("open", () => note && (note.hidden = false));
    stream.addEventListener("status", (event) => {
      stream.close();
      const { redirect } = JSON.parse(event.data);
      if (redirect) location.replace(redirect);
      else location.reload();
    });
    stream.addEventListener("error", () => {
      if (!note || stream.readyState !== EventSource.CLOSED) return;
      note.hidden = true;
      setTimeout(listen, 10000);
    });
  };
  listen();
  addEventListener("pagehide", () => stream.close());
}
