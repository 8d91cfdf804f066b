// Times in the reader's zone; the same time in UTC stands behind each of them.
"use strict";

function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    if (time.title) continue;
    time.title = `${time.textContent} UTC`;
    time.textContent = new Date(time.dateTime).toLocaleString("sv-SE");
  }
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const place of root.querySelectorAll("[data-zone]")) place.textContent = zone;
}

showLocalTimes(document);
