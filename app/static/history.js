// The history by keyboard: / goes to the query, J and K go down and up the records, Enter opens one, ? shows the keys.
"use strict";

const query = document.getElementById("q");
const keys = document.getElementById("keys");
const records = [...document.querySelectorAll(".records tbody a")];

function move(step) {
  const next = records.indexOf(document.activeElement) + step;
  records[Math.max(0, Math.min(records.length - 1, next))]?.focus();
}

const actions = {
  "/": () => query.select(),
  j: () => move(1),
  k: () => move(-1),
  "?": () => { keys.open = !keys.open; },
};

keys.hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
