// Keys, and pages that are shown anew. Everything works without it.
"use strict";

const EVERY_MS = 5000;

const typing = (target) => target.closest("input, textarea, select");

// A live page is asked for again, and its content put in place of what is shown.
async function renew() {
  const main = document.querySelector("main[data-live]");
  if (!main || document.hidden || main.contains(document.activeElement) || main.querySelector("details[open]")) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const renewed = page.querySelector("main[data-live]");
    if (renewed) main.replaceChildren(...renewed.childNodes);
  } catch {
    // The gateway is away: what is shown stays, and it is asked again.
  }
}
setInterval(renew, EVERY_MS);

// On a narrow screen the parts do not all fit beside each other: the one that is shown is among those that do.
document.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// j and k go through the rows that lead somewhere.
function move(by) {
  const links = [...document.querySelectorAll("main [data-row] a[data-open]")];
  if (links.length === 0) return;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
  links[next].focus();
}

let leads = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (leads) {
    leads = false;
    const part = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
    if (part) location.href = part.href;
    return;
  }
  if (event.key === "g") leads = true;
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "Escape") document.activeElement?.blur();
  else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select?.();
    }
  }
});

// A click anywhere in a row leads where its link does.
document.addEventListener("click", (event) => {
  if (event.target.closest("a, button, input, summary, label") || String(getSelection())) return;
  event.target.closest("[data-row]")?.querySelector("a[data-open]")?.click();
});
