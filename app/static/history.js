// The history by keyboard: the line of keys at the foot of the page says which do what.
"use strict";

const query = document.getElementById("q");
const keys = document.getElementById("keys");
const aside = document.querySelector("aside");
const records = [...document.querySelectorAll(".records tbody a")];

function move(step) {
  const next = records.indexOf(document.activeElement) + step;
  records[Math.max(0, Math.min(records.length - 1, next))]?.focus();
}

function current() {
  return document.activeElement.closest?.(".records tbody tr");
}

async function peek() {
  const link = current()?.querySelector("td a");
  if (!link) return;
  const answer = await fetch(link.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const shown = document.createElement("div");
  shown.id = "peek";
  shown.append(document.adoptNode(page.getElementById("record")));
  showLocalTimes(shown);
  closePeek();
  aside.prepend(shown);
  aside.classList.add("peeking");
}

function closePeek() {
  document.getElementById("peek")?.remove();
  aside?.classList.remove("peeking");
}

const actions = {
  "/": () => query.select(),
  j: () => move(1),
  k: () => move(-1),
  p: peek,
  x: () => current()?.querySelector("input").click(),
  c: () => document.getElementById("compare")?.requestSubmit(),
  Escape: closePeek,
  "?": () => { keys.open = !keys.open; },
};

keys.hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=checkbox]), select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
