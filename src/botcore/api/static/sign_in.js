// Signs in: by a one-time link, a password, a second factor, an invitation. Tokens stay where no
// script reads them: the server sets the cookie, and what the answers carry is not kept here.
"use strict";
(() => {
  const ANSWER_MS = 30_000;
  const SHORT = 8; // characters below which a password is refused
  const LONG = 15; // from which it is called good
  const TITLE = document.title.replace(/^.*– /, "");
  const main = document.getElementById("sign-in");
  const notice = document.getElementById("notice");
  const held = { token: "", user: "", challenge: "", stay: false };

  // ---- what the server says

  class Refusal extends Error {
    constructor({ code, cause, fix, details }) {
      super(cause);
      Object.assign(this, { code, cause, fix, details: details ?? {} });
    }
  }

  async function post(path, body) {
    let answer;
    try {
      answer = await fetch(`/api/v1/auth/${path}`, {
        method: "POST",
        headers: {
          Accept: "application/json",
          "Content-Type": "application/json",
          "X-Botcore": "1",
        },
        body: JSON.stringify(body),
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch {
      throw new Refusal({
        code: "NO_ANSWER",
        cause: "the platform does not answer",
        fix: "see with `./bot status` whether it runs, then try again",
      });
    }
    const told = await answer.json().catch(() => null);
    if (answer.ok && told) return told;
    throw new Refusal(
      told?.code
        ? told
        : {
            code: `STATUS_${answer.status}`,
            cause: "the answer is not Bot Core's",
            fix: "see whether a proxy stands between, then try again",
          },
    );
  }

  // ---- what is shown

  function section(id) {
    return document.getElementById(id);
  }

  // Text with what stands in backticks as code.
  function written(element, text) {
    const parts = text.split("`").map((part, at) => {
      if (at % 2 === 0) return part;
      const code = document.createElement("code");
      code.textContent = part;
      return code;
    });
    element.replaceChildren(...parts);
  }

  function sentence(text) {
    const begun = text.charAt(0).toUpperCase() + text.slice(1);
    return /[.!?]$/.test(begun) ? begun : `${begun}.`;
  }

  function show(id, { title = "", lead = "", focus = true } = {}) {
    for (const each of main.querySelectorAll("section")) each.hidden = each.id !== id;
    const shown = section(id);
    const heading = shown.querySelector("h2");
    if (title) heading.textContent = title;
    const words = shown.querySelector(".lead");
    if (words) written(words, lead);
    calm(shown);
    document.title = `${heading.textContent} – ${TITLE}`;
    if (!focus) return;
    const fields = [...shown.querySelectorAll("form input:not([readonly])")];
    const first = fields.find((field) => !field.value && field.type !== "checkbox");
    (first ?? heading).focus();
  }

  function calm(shown) {
    shown.querySelector(".problem")?.setAttribute("hidden", "");
    for (const field of shown.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
    }
  }

  function complain(id, refusal) {
    const box = section(id).querySelector(".problem");
    const lines = [
      ["cause", sentence(refusal.cause)],
      ["fix", refusal.fix ? sentence(refusal.fix) : ""],
      ["code", refusal.code],
    ].map(([kind, text]) => {
      const line = document.createElement("p");
      line.className = kind;
      written(line, text);
      return line;
    });
    box.replaceChildren(...lines);
    box.hidden = false;
    const wrong = section(id).querySelector(`[name="${FIELD[refusal.code] ?? ""}"]`);
    if (wrong) {
      wrong.setAttribute("aria-invalid", "true");
      wrong.focus();
      wrong.select();
    }
  }

  const FIELD = {
    SIGN_IN_INCORRECT: "password",
    PASSWORD_LENGTH: "password",
    PASSWORD_COMMON: "password",
    USERNAME_TAKEN: "username",
    CODE_WRONG: "code",
  };

  // ---- where it goes on

  // Only to a page of this server: a link from elsewhere must not lead elsewhere.
  function wayBack() {
    const place = location.pathname === "/sign-in" ? "/" : location.pathname + location.search;
    const wish = new URLSearchParams(location.hash.slice(1)).get("to") ?? place;
    let found;
    try {
      found = new URL(wish, location.origin);
    } catch {
      found = null;
    }
    if (found?.origin !== location.origin || found.pathname === "/sign-in") {
      found = new URL("/", location.origin);
    }
    return found.href;
  }

  function finish(told) {
    if (told.status === "second_factor") {
      held.challenge = told.challenge;
      asksFor("code");
      show("code", { lead: `For ${told.username}.` });
      return;
    }
    const next = wayBack();
    forget();
    location.replace(next);
  }

  function forget() {
    held.token = "";
    if (history.state?.token) history.replaceState(null, "");
  }

  // ---- links

  const LOST = {
    LINK_UNKNOWN: "This link is not known here",
    LINK_EXPIRED: "This link has expired",
    LINK_USED: "This link was used before",
    REGISTRATION_CLOSED: "This link makes no account any more",
    INVITATION_UNKNOWN: "This invitation is not known here",
    INVITATION_USED: "This invitation was used before",
    INVITATION_ENDED: "This invitation has ended",
  };

  function lose(refusal) {
    const isOver = refusal.code in LOST;
    if (isOver) forget();
    show("lost", {
      title: LOST[refusal.code] ?? "The link was not taken",
      lead:
        refusal.code === "LINK_USED"
          ? "If it was not you who used it, look who is signed in: `./bot user sessions NAME`."
          : "",
      focus: false,
    });
    document.querySelector('[data-act="retry"]').hidden = isOver;
    complain("lost", refusal);
    section("lost").querySelector("h2").focus();
  }

  async function take() {
    show("wait");
    try {
      finish(await post("link/take", { token: held.token, device: device() }));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.code === "LINK_REGISTERS") {
        register("Make the owner's account", OWNER);
      } else if (refusal.code === "PASSWORD_LENGTH") {
        // None was sent: this link wants one.
        section("reset").querySelector('[name="username"]').value = held.user;
        show("reset", { lead: held.user ? `For ${held.user}. The old one ends with it.` : "" });
      } else {
        lose(refusal);
      }
    }
  }

  const OWNER =
    "The owner may do everything here: trade, set limits, let others in. There is no default password, so choose a name and a password.";
  const INVITED = "You were invited to this Bot Core.";

  function register(title, lead) {
    show("register", { title, lead });
  }

  // ---- the forms

  const SEND = {
    password: (form) =>
      post("login", {
        username: form.username.value.trim(),
        password: form.password.value,
        stay_signed_in: form.stay.checked,
        device: device(),
      }),
    register: (form) =>
      post("register", {
        token: held.token,
        username: form.username.value.trim(),
        password: form.password.value,
        stay_signed_in: form.stay.checked,
        device: device(),
      }),
    reset: (form) =>
      post("link/take", {
        token: held.token,
        password: form.password.value,
        stay_signed_in: form.stay.checked,
        device: device(),
      }),
    code: (form) =>
      post("mfa", { challenge: held.challenge, code: form.code.value.replace(/\s/g, "") }),
  };

  async function send(id, form) {
    const button = form.querySelector('[type="submit"]');
    if (button.disabled) return;
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    let wait_s = 0;
    try {
      calm(section(id));
      finish(await SEND[id](form.elements));
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.code in LOST) {
        lose(refusal);
      } else if (refusal.code === "CHALLENGE_ENDED") {
        show("password");
        complain("password", refusal);
      } else {
        complain(id, refusal);
        wait_s = Number(refusal.details.retry_after_s) || 0;
      }
    } finally {
      form.removeAttribute("aria-busy");
      await until(button, wait_s);
      button.disabled = false;
    }
  }

  // The button says how long the server takes no further try.
  async function until(button, seconds) {
    if (seconds <= 0) return;
    const words = button.textContent;
    const end = performance.now() + seconds * 1000;
    for (let left = seconds; left > 0; left = Math.ceil((end - performance.now()) / 1000)) {
      button.textContent = `Wait ${left} s`;
      await new Promise((done) => setTimeout(done, 250));
    }
    button.textContent = words;
  }

  function asksFor(kind) {
    const isCode = kind === "code";
    const field = document.getElementById("code-code");
    field.value = "";
    field.dataset.kind = kind;
    field.inputMode = isCode ? "numeric" : "text";
    field.autocomplete = isCode ? "one-time-code" : "off";
    document.querySelector('label[for="code-code"]').textContent = isCode
      ? "Six-digit code"
      : "Recovery code";
    document.getElementById("code-hint").textContent = isCode
      ? "From your authenticator app; each code is good once."
      : "One of the ten you were shown when you set the second factor up; each is good once.";
    document.querySelector('[data-act="recovery"]').textContent = isCode
      ? "Use a recovery code"
      : "Use a code of the app";
    field.focus();
  }

  function measure(field) {
    const count = [...field.value].length;
    const level = count >= LONG ? "good" : count >= SHORT ? "enough" : "short";
    const bar = field.closest(".field").querySelector(".length");
    bar.value = Math.min(count, LONG);
    bar.dataset.level = level;
    const word = count === 1 ? "character" : "characters";
    field.closest(".field").querySelector("[data-length]").textContent = {
      short: count
        ? `${count} ${word}: ${SHORT} are the least, ${LONG} are better.`
        : "8 characters or more; 15 are better. Any will do, four random words too.",
      enough: `${count} characters: long enough if it is hard to guess; ${LONG} are better.`,
      good: `${count} characters: good.`,
    }[level];
  }

  function peek(button) {
    const field = document.getElementById(button.getAttribute("aria-controls"));
    const isShown = field.type === "password";
    field.type = isShown ? "text" : "password";
    button.setAttribute("aria-pressed", String(isShown));
    button.textContent = isShown ? "Hide" : "Show";
    field.focus();
  }

  async function leave(button) {
    button.disabled = true;
    try {
      await post("logout", {});
      window.BroadcastChannel && new BroadcastChannel("botcore").postMessage("signed-out");
      main.dataset.person = "";
      location.replace("/sign-in#why=out");
    } catch (refusal) {
      complain("inside", refusal);
    }
    button.disabled = false;
  }

  const ACT = {
    peek,
    recovery: () =>
      asksFor(document.getElementById("code-code").dataset.kind === "code" ? "recovery" : "code"),
    again: () => show("password"),
    password: () => show("password"),
    retry: take,
    on: () => location.replace(wayBack()),
    out: leave,
  };

  // What the list of sessions calls this browser.
  function device() {
    const agent = navigator.userAgent;
    const named = (names) => names.find(([mark]) => agent.includes(mark))?.[1];
    const browser = named([
      ["Edg/", "Edge"],
      ["OPR/", "Opera"],
      ["Firefox/", "Firefox"],
      ["FxiOS/", "Firefox"],
      ["Chrome/", "Chrome"],
      ["CriOS/", "Chrome"],
      ["Safari/", "Safari"],
    ]);
    const system = named([
      ["Android", "Android"],
      ["iPhone", "iPhone"],
      ["iPad", "iPad"],
      ["Mac OS X", "macOS"],
      ["Windows", "Windows"],
      ["CrOS", "ChromeOS"],
      ["Linux", "Linux"],
    ]);
    return `${browser ?? "a browser"} on ${system ?? "an unknown system"}`;
  }

  // ---- the beginning

  const WHY = {
    ended:
      "You were signed out: your session's time was over, or somebody ended it. Sign in to go back to where you were.",
    elsewhere: "You signed out in another window. Sign in to go back to where you were.",
    out: "You are signed out.",
  };

  function begin() {
    const words = new URLSearchParams(location.hash.slice(1));
    const given = words.get("link") ?? words.get("invitation");
    if (given) {
      // Out of the address at once; the history's own state keeps it if the page is loaded again.
      const user = words.get("user") ?? "";
      history.replaceState({ token: given, user }, "", location.href.split("#")[0]);
    }
    held.token = history.state?.token ?? "";
    held.user = history.state?.user ?? "";
    const why = WHY[words.get("why")] ?? (location.pathname === "/sign-in" ? "" : PLACE);
    notice.textContent = given ? "" : why;
    notice.hidden = !notice.textContent;
    if (held.token.startsWith("inv_")) {
      register("Make your account", INVITED);
    } else if (held.token) {
      take();
    } else if (main.dataset.person) {
      show("inside", { lead: `As ${main.dataset.person}.` });
    } else {
      show("password");
    }
  }

  const PLACE = "Sign in to see this page.";

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    send(event.target.closest("section").id, event.target);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button) ACT[button.dataset.act](button);
  });
  document.addEventListener("input", (event) => {
    event.target.removeAttribute("aria-invalid");
    if (event.target.autocomplete === "new-password") measure(event.target);
  });
  // Coming back by the browser's own button must not find half a sign-in.
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  window.addEventListener("hashchange", begin);
  document.getElementById("server").textContent = location.host;
  begin();
})();
