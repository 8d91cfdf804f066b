// Suggestions while a query is written: fields, then the values of the field (ARIA Authoring Practices, combobox).
"use strict";

const MOST = 8;
const box = document.getElementById("q");
const list = document.getElementById("suggestions");
let fields = null;
let active = -1;

async function load() {
  if (fields) return;
  fields = [];
  const answer = await fetch(box.dataset.fields);
  if (answer.ok) fields = (await answer.json()).data;
}

function word() {
  const before = box.value.slice(0, box.selectionStart);
  const last = (before.match(/(?:"[^"]*"?|[^\s()"])+|[\s()]/g) ?? []).at(-1) ?? "";
  const text = /^[\s()]$/.test(last) ? "" : last.replace(/^-/, "");
  return { text, start: before.length - text.length };
}

function matches(text) {
  const colon = text.indexOf(":");
  const [known, sought] = colon < 0
    ? [fields.map((field) => ({ text: `${field.name}:`, note: field.note })), text]
    : [(fields.find((field) => field.name === text.slice(0, colon))?.values ?? []).map((value) => ({ text: `${text.slice(0, colon + 1)}${value}` })), text];
  const wanted = sought.toLowerCase();
  const fitting = known.filter((one) => one.text.toLowerCase().includes(wanted) && one.text !== text);
  fitting.sort((a, b) => b.text.toLowerCase().startsWith(wanted) - a.text.toLowerCase().startsWith(wanted));
  return text ? fitting.slice(0, MOST) : [];
}

function show(found) {
  active = -1;
  list.replaceChildren(...found.map((one, n) => {
    const item = document.createElement("li");
    item.id = `suggestion-${n}`;
    item.role = "option";
    item.dataset.text = one.text;
    item.append(Object.assign(document.createElement("code"), { textContent: one.text }));
    if (one.note) item.append(Object.assign(document.createElement("span"), { className: "muted", textContent: ` ${one.note}` }));
    return item;
  }));
  list.hidden = !found.length;
  box.setAttribute("aria-expanded", String(!list.hidden));
  mark();
}

function mark() {
  [...list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === active)));
  if (active < 0) box.removeAttribute("aria-activedescendant");
  else box.setAttribute("aria-activedescendant", `suggestion-${active}`);
}

function take(item) {
  const { start } = word();
  const text = item.dataset.text;
  const after = box.value.slice(box.selectionStart);
  box.value = box.value.slice(0, start) + text + (text.endsWith(":") || after.startsWith(" ") ? "" : " ") + after;
  const end = box.value.length - after.length;
  box.setSelectionRange(end, end);
  update();
}

async function update() {
  await load();
  show(matches(word().text));
}

box.addEventListener("input", update);
box.addEventListener("blur", () => setTimeout(() => show([])));
list.addEventListener("mousedown", (event) => {
  event.preventDefault();
  const item = event.target.closest("li");
  if (item) take(item);
});
box.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    active = (active + step + list.children.length + 1) % (list.children.length + 1);
    if (active === list.children.length) active = -1;
    mark();
  } else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) take(list.children[active]);
  else if (event.key === "Escape") show([]);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
