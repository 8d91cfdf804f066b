// Parts of a page that tell of work under way are fetched again until it is done. Without this script the
// page says how to look again.
"use strict";

const PAUSE_MILLISECONDS = 1000;

async function lookAgain(part) {
  const answer = await fetch(location.pathname, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(part.id);
  if (!answer.ok || !fresh) return;
  part.replaceWith(fresh);
  schedule(fresh);
}

function schedule(part) {
  if ("again" in part.dataset) setTimeout(() => lookAgain(part).catch(() => schedule(part)), PAUSE_MILLISECONDS);
}

document.querySelectorAll("[data-again]").forEach(schedule);
