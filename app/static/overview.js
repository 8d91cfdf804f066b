// The overview beside the list, and bars to choose from: drag over some of them to ask for that range.
"use strict";

async function showBeside(link) {
  const answer = await fetch(link.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const overview = page.getElementById("overview");
  const times = overview?.querySelector(".times");
  if (!overview) return;
  if (times) document.getElementById("times").replaceChildren(document.adoptNode(times));
  link.replaceWith(document.adoptNode(overview));
  document.querySelectorAll("svg.brush").forEach(brush);
}

function brush(chart) {
  const bars = [...chart.querySelectorAll("a")];
  let first = -1;
  let last = -1;

  const at = (event) => bars.indexOf(document.elementFromPoint(event.clientX, event.clientY)?.closest("a"));

  function mark() {
    const [from, to] = [Math.min(first, last), Math.max(first, last)];
    bars.forEach((bar, n) => bar.classList.toggle("brushed", first >= 0 && n >= from && n <= to));
    return [from, to];
  }

  chart.addEventListener("pointerdown", (event) => { if (!event.button) first = last = at(event); });
  chart.addEventListener("dragstart", (event) => event.preventDefault());
  chart.addEventListener("click", (event) => { if (first !== last) event.preventDefault(); }, true);
  document.addEventListener("pointermove", (event) => {
    if (first < 0 || at(event) < 0) return;
    last = at(event);
    mark();
  });
  document.addEventListener("pointerup", () => {
    if (first >= 0 && first !== last) ask(chart, ...mark().map((n) => bars[n].dataset));
    setTimeout(() => { first = last = -1; });
  });
}

function ask({ dataset: { address, name, without } }, { low }, { high }) {
  const asked = `${without} ${name}:>=${low} ${name}:<${high}`.trim();
  location.assign(`${address}?${new URLSearchParams({ q: asked })}`);
}

const link = document.getElementById("overview-link");
if (link) showBeside(link);
else document.querySelectorAll("svg.brush").forEach(brush);
