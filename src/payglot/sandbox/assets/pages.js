// Copy buttons, filters that apply by themselves, and lists that follow what happens. Every page works without it.
"use strict";

function copy(text, from) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const range = document.createRange();
  range.selectNodeContents(from);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  return document.execCommand("copy") ? Promise.resolve() : Promise.reject();
}

function enliven(within) {
  for (const button of within.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await copy(source.textContent, source);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl-C";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
});

for (const form of document.querySelectorAll("[data-submit-on-change]")) {
  form.querySelector("button").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}

// A browser opens few connections to one server: a page that nobody looks at gives its own back.
function follow(address, listeners) {
  const pulse = document.querySelector("[data-pulse]");
  let source = null;
  const open = () => {
    if (source) return;
    source = new EventSource(address());
    source.onopen = () => pulse && (pulse.hidden = false);
    source.onerror = () => {
      if (pulse) pulse.hidden = true;
      if (source && source.readyState === EventSource.CLOSED) {
        close();
        setTimeout(() => document.hidden || open(), 5000);
      }
    };
    for (const [name, hear] of Object.entries(listeners)) {
      source.addEventListener(name, (event) => hear(JSON.parse(event.data), event.lastEventId));
    }
  };
  const close = () => {
    if (source) source.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  if (!document.hidden) open();
}

const home = document.querySelector("[data-live]");
if (home) {
  const replace = (name) => (html) => {
    home.querySelector(`[data-part="${name}"]`).innerHTML = html;
  };
  follow(() => home.dataset.live, { links: replace("links"), webhooks: replace("webhooks") });
}

const stream = document.querySelector("[data-stream]");
if (stream) {
  const address = new URL(stream.dataset.stream, location.href);
  const empty = document.querySelector("[data-empty]");
  follow(() => address.href, {
    webhook: (html, id) => {
      address.searchParams.set("after", id);
      if (document.getElementById(`w${id}`)) return;
      const template = document.createElement("template");
      template.innerHTML = html;
      enliven(template.content);
      stream.prepend(template.content);
      empty.hidden = true;
    },
  });
}

function reveal() {
  const card = location.hash.startsWith("#w") && document.getElementById(location.hash.slice(1));
  if (card) card.querySelector("details").open = true;
}

addEventListener("hashchange", reveal);
enliven(document);
reveal();
