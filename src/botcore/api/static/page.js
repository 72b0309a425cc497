// Renews the page in place each second. Without this script the page reloads itself instead.
"use strict";
(() => {
  const EVERY_MS = 1000;
  const ANSWER_MS = 2500;
  const STALE_MS = 3000;
  const RENEW_EVERY_MS = 12 * 3_600_000;
  const RENEW_LOOK_MS = 60_000;
  const RENEW_ANSWER_MS = 20_000;
  const RENEWED = "botcore-renewed";
  const SIGNED_OUT = "signed-out";
  // What the server sends is escaped there; this policy is the only one the page's rules allow.
  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("botcore", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const others = window.BroadcastChannel ? new BroadcastChannel("botcore") : null;
  let answered = performance.now();
  let isSigningOut = false;

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
    if (answer.status === 401 && !isSigningOut) leave("ended");
    if (!answer.ok) throw new Error(String(answer.status));
    const text = policy.createHTML(await answer.text());
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("view");
    if (!fresh) throw new Error("no view");
    return fresh;
  }

  // To the sign-in page, and from there back to this one.
  function leave(why) {
    const here = location.pathname + location.search + location.hash;
    location.replace(`/sign-in#why=${why}&to=${encodeURIComponent(here)}`);
  }

  function post(path) {
    return fetch(`/api/v1/auth/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Botcore": "1" },
      body: "{}",
      cache: "no-store",
      signal: AbortSignal.timeout(RENEW_ANSWER_MS),
    });
  }

  async function signOut(button) {
    button.disabled = true;
    isSigningOut = true; // what is asked from here on may be refused before the sign-out is answered
    try {
      const answer = await post("logout");
      if (!answer.ok) throw new Error(String(answer.status));
      others?.postMessage(SIGNED_OUT);
      location.replace("/sign-in#why=out");
    } catch {
      isSigningOut = false;
      button.disabled = false;
      button.textContent = "Not signed out: try again";
    }
  }

  // Looking at a page is no exchange of its token, without which a session that stays ends after a
  // week. Two windows never exchange the same token: that would look like a theft, and end it.
  async function renewSession() {
    if (!document.querySelector("[data-sign-out]") || !navigator.locks) return;
    await navigator.locks.request(RENEWED, { ifAvailable: true }, async (lock) => {
      const last = Number(localStorage.getItem(RENEWED));
      if (!lock || (last && Date.now() - last < RENEW_EVERY_MS)) return;
      localStorage.setItem(RENEWED, String(Date.now()));
      if (last) await post("refresh").catch(() => null); // what failed is tried at the next time
    });
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
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sign-out]");
    if (button) signOut(button);
  });
  others?.addEventListener("message", (event) => {
    if (event.data === SIGNED_OUT) leave("elsewhere");
  });
  setTimeout(turn, EVERY_MS);
  setInterval(renewSession, RENEW_LOOK_MS);
  renewSession();
})();
