// Reviewing by keyboard: a verdict is one key, and Enter goes on to the next record.
"use strict";

const review = document.getElementById("review");
const verdict = (value) => review.querySelector(`[name=verdict][value=${value}]`);
const choose = (value) => { verdict(value).checked = true; verdict(value).focus(); };

const actions = {
  a: () => choose("agree"),
  d: () => choose("disagree"),
  u: () => choose("unsure"),
  c: () => document.getElementById("correction").focus(),
  r: () => document.getElementById("reason").focus(),
  n: () => document.getElementById("note").focus(),
  s: () => document.getElementById("skip")?.click(),
};

document.getElementById("keys")?.removeAttribute("hidden");
document.addEventListener("keydown", (event) => {
  if (!review || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const action = actions[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});
