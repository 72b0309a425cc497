// Search, and a form to try each route. The key is held in its field only: no storage, no cookie.
"use strict";
(() => {
  const search = document.getElementById("search");
  const key = document.getElementById("key");
  const found = [...document.querySelectorAll("[data-words]")].map((element) => [
    element,
    element.dataset.words.toLowerCase(),
  ]);
  const areas = [...document.querySelectorAll(".area")];

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const [element, text] of found) {
      element.hidden = !words.every((word) => text.includes(word));
      if (!element.hidden) shown += 1;
    }
    for (const area of areas) {
      area.hidden = !area.querySelector(".operation:not([hidden])");
      const link = document.querySelector(`nav [data-area="${CSS.escape(area.id.slice(5))}"]`);
      if (link) link.hidden = area.hidden;
    }
    const codes = document.getElementById("all-codes");
    codes.hidden = !codes.querySelector(".code:not([hidden])");
    document.getElementById("nothing").hidden = shown > 0;
  }

  // A link to a code or a route leads to it, whatever is searched for and closed.
  function lead() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) {
      search.value = "";
      filter();
    }
    if (target.matches("details")) target.open = true;
    target.scrollIntoView();
  }

  function say(form, good, line, text) {
    const head = document.createElement("p");
    head.textContent = line;
    head.dataset.good = good ? "yes" : "no";
    const body = document.createElement("pre");
    body.textContent = text;
    form.querySelector("output").replaceChildren(head, body);
  }

  function headersOf(form) {
    const headers = { Accept: "application/json" };
    if (key.value) headers.Authorization = `Bearer ${key.value.trim()}`;
    if (form.elements.body) headers["Content-Type"] = "application/json";
    if (form.dataset.act) {
      const address = form.elements.path.value + (form.elements.body?.value ?? "");
      if (form.dataset.sent !== address) {
        form.dataset.sent = address; // another act: another key
        form.dataset.key = crypto.randomUUID();
      }
      headers["Idempotency-Key"] = form.dataset.key;
    }
    if (form.elements.confirmation.value) {
      headers["Confirmation-Token"] = form.elements.confirmation.value;
    }
    return headers;
  }

  async function send(form) {
    const path = form.elements.path.value.trim();
    if (!path.startsWith("/") || path.startsWith("//")) {
      say(form, false, "not sent", "the address begins with one slash");
      return;
    }
    const began = performance.now();
    const answer = await fetch(path, {
      method: form.dataset.method,
      headers: headersOf(form),
      body: form.elements.body ? form.elements.body.value : undefined,
      cache: "no-store",
      credentials: "omit",
    });
    const text = await answer.text();
    const took = Math.round(performance.now() - began);
    let told = null;
    try {
      told = JSON.parse(text);
    } catch {
      // shown as it is
    }
    say(form, answer.ok, `${answer.status} in ${took} ms`, told ? JSON.stringify(told, null, 2) : text);
    const token = form.querySelector(".token");
    form.elements.confirmation.value = "";
    token.hidden = answer.status !== 428;
    if (answer.status === 428) form.elements.confirmation.value = told.details.confirmation_token;
    if (answer.ok) delete form.dataset.sent; // the next one is another act
  }

  document.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await send(form);
    } catch (error) {
      say(form, false, "no answer", String(error));
    } finally {
      button.disabled = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, textarea")) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
  search.addEventListener("input", filter);
  window.addEventListener("hashchange", lead);
  lead();
})();
