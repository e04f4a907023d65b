"use strict";
// Fetches the page again and puts its contents in place of what is shown, unless somebody is marking text in it.
const pause = 5000;
async function refresh() {
  if (document.hidden || !getSelection().isCollapsed) return;
  try {
    const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(2 * pause) });
    if (!answer.ok) throw new Error(answer.status);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(fresh.querySelector("main"));
    document.title = fresh.title;
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
}
async function again() {
  await refresh();
  setTimeout(again, pause);
}
setTimeout(again, pause);
document.addEventListener("visibilitychange", refresh);
