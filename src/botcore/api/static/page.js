// Renews the page in place each second. Without this script the page reloads itself instead.
"use strict";
(() => {
  const EVERY_MS = 1000;
  const ANSWER_MS = 2500;
  const STALE_MS = 3000;
  // What the server sends is escaped there; this policy is the only one the page's rules allow.
  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("botcore", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  let answered = performance.now();

  // Make `old` like `fresh` node by node: focus, selection and scroll positions stay.
  function renew(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    const before = [...old.childNodes];
    const after = [...fresh.childNodes];
    after.forEach((child, at) => {
      if (at < before.length) renew(before[at], child);
      else old.append(child);
    });
    before.slice(after.length).forEach((child) => child.remove());
  }

  async function ask() {
    const answer = await fetch("/fragment", {
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = policy.createHTML(await answer.text());
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("view");
    if (!fresh) throw new Error("no view");
    return fresh;
  }

  // The page itself knows best that nobody answers it: it must not go on looking live.
  function sayStale() {
    const silent_s = Math.floor((performance.now() - answered) / 1000);
    const view = document.getElementById("view");
    view.dataset.freshness = "stale";
    const badge = view.querySelector(".badge.state");
    badge.dataset.freshness = "stale";
    const [icon, word, detail] = badge.children;
    if (word.textContent !== "Stale") word.textContent = "Stale";
    icon.textContent = "■";
    detail.textContent = `platform not answering since ${silent_s} s`;
    if (!document.title.startsWith("(stale)")) document.title = `(stale) ${document.title}`;
  }

  async function turn() {
    if (!document.hidden) {
      try {
        const fresh = await ask();
        const view = document.getElementById("view");
        if (fresh.dataset.build !== view.dataset.build) {
          location.reload();
          return;
        }
        document.title = fresh.dataset.title;
        renew(view, fresh);
        answered = performance.now();
      } catch {
        if (performance.now() - answered > STALE_MS) sayStale();
      }
    }
    setTimeout(turn, EVERY_MS);
  }

  document.addEventListener("visibilitychange", () => {
    // A page that was hidden is as old as it was long hidden, until it has asked again.
    if (!document.hidden && performance.now() - answered > STALE_MS) sayStale();
  });
  setTimeout(turn, EVERY_MS);
})();
