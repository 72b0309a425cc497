"use strict";

/* Draws what the page holds in its element `drawn`; asks nobody for anything. */
(() => {
  const data = JSON.parse(document.getElementById("drawn").textContent);
  const trips = data.trips;
  const AMBIGUOUS = 1, OPEN = 2, SHORT = 4;
  const PAGE = 50;
  const byId = (id) => document.getElementById(id);

  /* ---- words */
  const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2, minimumFractionDigits: 2 });
  const fine = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 8 });
  const small = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
  const minus = (text) => text.replace("-", "−");
  const money = (x) => x === null ? "–" : minus(x && Math.abs(x) < 1 ? small.format(x) : grouped.format(x));
  const signed = (x) => x > 0 ? `+${money(x)}` : money(x);
  const percent = (x, sign) => x === null ? "–" : minus(`${sign && x > 0 ? "+" : ""}${(100 * x).toFixed(2)}%`);
  const price = (x) => x ? fine.format(x) : "–";
  const iso = (t) => new Date(1000 * (data.start + t)).toISOString();
  const minute = (t) => iso(t).slice(0, 16).replace("T", " ");
  const full = (t) => t % 60 ? iso(t).slice(0, 19).replace("T", " ") : minute(t);
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const length = (seconds) => {
    for (let at = 0; at < UNITS.length; at++) {
      const [unit, size] = UNITS[at];
      if (seconds >= size) {
        const rest = at + 1 < UNITS.length ? Math.floor(seconds % size / UNITS[at + 1][1]) : 0;
        return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${UNITS[at + 1][0]}` : ""}`;
      }
    }
    return "0 s";
  };

  /* ---- canvas */
  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const one = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      text: one("text"), muted: one("muted"), line: one("line"), accent: one("accent"), area: one("area"),
      hold: one("hold"), up: one("up"), down: one("down"), fall: one("fall"), card: one("card"),
    };
  };

  const prepared = (canvas) => {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    return { pen, width, height };
  };

  const redrawn = [];
  let planned = false;
  const plan = () => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => { planned = false; redrawn.forEach((draw) => draw()); });
  };
  const watch = (canvas, draw) => {
    redrawn.push(draw);
    new ResizeObserver(plan).observe(canvas);
  };
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", plan);

  const niceSteps = (low, high, most) => {
    const rough = (high - low) / Math.max(1, most);
    if (!(rough > 0)) return [low];
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((x) => x * power).find((x) => x >= rough);
    const found = [];
    for (let x = Math.ceil(low / step) * step; x <= high + step * 1e-9; x += step) found.push(x);
    return found;
  };

  const TIMES = [60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 1209600];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const timeTicks = (from, to, most) => {
    const span = to - from;
    const step = TIMES.find((x) => span / x <= most);
    const found = [];
    if (step) {
      const origin = data.start;
      for (let t = Math.ceil((from + origin) / step) * step - origin; t <= to; t += step) {
        const text = iso(t);
        found.push([t, step < 86400 && text.slice(11, 16) !== "00:00" ? text.slice(11, 16) : `${+text.slice(8, 10)} ${MONTHS[+text.slice(5, 7) - 1]}`]);
      }
      return found;
    }
    const months = Math.ceil(span / 2629800 / most);
    const stride = [1, 2, 3, 6, 12, 24, 60].find((x) => x >= months) || 120;
    const first = new Date(1000 * (data.start + from));
    const day = new Date(Date.UTC(first.getUTCFullYear(), 0, 1));
    for (;;) {
      const t = day / 1000 - data.start;
      if (t > to) return found;
      if (t >= from) found.push([t, day.getUTCMonth() ? MONTHS[day.getUTCMonth()] : String(day.getUTCFullYear())]);
      day.setUTCMonth(day.getUTCMonth() + stride);
    }
  };

  const short = (x) => {
    const size = Math.abs(x);
    if (size >= 1e6) return minus(`${+(x / 1e6).toFixed(2)}M`);
    if (size >= 1e4) return minus(`${+(x / 1e3).toFixed(2)}k`);
    return minus(String(+x.toPrecision(5)));
  };

  /* The first index whose value is above x. */
  const after = (values, x) => {
    let low = 0, high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] <= x) low = middle + 1; else high = middle;
    }
    return low;
  };

  const verticals = (pen, c, ticks, x, top, bottom, edge) => {
    pen.strokeStyle = c.line;
    pen.fillStyle = c.muted;
    pen.textAlign = "center";
    pen.lineWidth = 1;
    let reached = -Infinity;
    for (const [t, text] of ticks) {
      const at = Math.round(x(t)) + 0.5;
      pen.beginPath();
      pen.moveTo(at, top);
      pen.lineTo(at, bottom);
      pen.stroke();
      const half = pen.measureText(text).width / 2;
      if (at - half > Math.max(0, reached + 6) && at + half <= edge) {
        pen.fillText(text, at, bottom + 15);
        reached = at + half;
      }
    }
  };

  const horizontals = (pen, c, values, y, left, right, word) => {
    pen.strokeStyle = c.line;
    pen.fillStyle = c.muted;
    pen.textAlign = "right";
    for (const value of values) {
      const at = Math.round(y(value)) + 0.5;
      pen.beginPath();
      pen.moveTo(left, at);
      pen.lineTo(right, at);
      pen.stroke();
      pen.fillText(word(value), left - 6, at + 4);
    }
  };

  /* ---- equity and drawdown */
  const equityChart = () => {
    const canvas = byId("equity-chart"), read = byId("equity-read");
    const end = data.end - data.start;
    const told = read.textContent;
    let cursor = null;
    const known = (curve) => Math.max(0, after(curve.t, cursor) - 1);

    const draw = () => {
      const { pen, width, height } = prepared(canvas);
      const c = colours();
      const left = 58, right = width - 8, top = 10, foot = height - 22;
      const split = Math.round(top + (foot - top) * 0.7), second = split + 16;
      const x = (t) => left + (right - left) * t / end;
      const curves = data.held ? [data.equity, data.held] : [data.equity];
      let low = Infinity, high = -Infinity, deep = 0;
      for (const curve of curves) for (const v of curve.v) { low = Math.min(low, v); high = Math.max(high, v); }
      for (const curve of data.held_fallen ? [data.fallen, data.held_fallen] : [data.fallen]) for (const v of curve.v) deep = Math.max(deep, v);
      const pad = (high - low) * 0.04 || Math.abs(high) * 0.01 || 1;
      low -= pad; high += pad; deep = deep * 1.05 || 0.01;
      const y = (v) => split - (split - top) * (v - low) / (high - low);
      const z = (v) => second + (foot - second) * v / deep;
      verticals(pen, c, timeTicks(0, end, Math.max(2, (right - left) / 80)), x, top, foot, width);
      horizontals(pen, c, niceSteps(low, high, Math.max(2, (split - top) / 45)), y, left, right, short);
      horizontals(pen, c, niceSteps(0, deep, 3), z, left, right, (v) => minus(`${v ? "-" : ""}${+(100 * v).toPrecision(3)}%`));
      const trace = (curve, scale) => {
        pen.beginPath();
        curve.t.forEach((t, at) => at ? pen.lineTo(x(t), scale(curve.v[at])) : pen.moveTo(x(t), scale(curve.v[at])));
      };
      pen.lineJoin = "round";
      if (data.held) {
        pen.setLineDash([5, 4]);
        pen.strokeStyle = c.hold;
        pen.lineWidth = 1.5;
        trace(data.held, y); pen.stroke();
        trace(data.held_fallen, z); pen.stroke();
        pen.setLineDash([]);
      }
      trace(data.fallen, z);
      pen.strokeStyle = c.down;
      pen.lineWidth = 1;
      pen.stroke();
      pen.lineTo(x(data.fallen.t[data.fallen.t.length - 1]), z(0));
      pen.lineTo(x(0), z(0));
      pen.fillStyle = c.fall;
      pen.fill();
      trace(data.equity, y);
      pen.strokeStyle = c.accent;
      pen.lineWidth = 2;
      pen.stroke();
      if (cursor !== null) {
        const at = Math.round(x(cursor)) + 0.5;
        pen.strokeStyle = c.text;
        pen.lineWidth = 1;
        pen.beginPath(); pen.moveTo(at, top); pen.lineTo(at, foot); pen.stroke();
        pen.fillStyle = c.accent;
        pen.beginPath(); pen.arc(at, y(data.equity.v[known(data.equity)]), 3.5, 0, 7); pen.fill();
      }
    };

    const say = () => {
      if (cursor === null) { read.textContent = told; return; }
      const parts = [`${minute(cursor)} UTC`, `equity ${money(data.equity.v[known(data.equity)])} ${data.currency}`, `drawdown ${percent(data.fallen.v[known(data.fallen)])}`];
      if (data.held) parts.push(`buy and hold ${money(data.held.v[known(data.held)])}`, `drawdown ${percent(data.held_fallen.v[known(data.held_fallen)])}`);
      read.textContent = parts.join(" · ");
    };
    const move = (t) => { cursor = Math.min(end, Math.max(0, t)); say(); plan(); };
    canvas.addEventListener("pointermove", (event) => move(end * (event.offsetX - 58) / (canvas.clientWidth - 66)));
    canvas.addEventListener("pointerleave", () => { cursor = null; say(); plan(); });
    canvas.addEventListener("keydown", (event) => {
      const step = end / (event.shiftKey ? 20 : 200);
      if (event.key === "ArrowRight") move((cursor === null ? -step : cursor) + step);
      else if (event.key === "ArrowLeft") move((cursor === null ? end + step : cursor) - step);
      else if (event.key === "Home") move(0);
      else if (event.key === "End") move(end);
      else return;
      event.preventDefault();
    });
    watch(canvas, draw);
  };

  /* ---- trades on candles */
  const candleChart = () => {
    const canvas = byId("candle-chart");
    if (!canvas) return null;
    const read = byId("candle-read"), instrument = byId("chart-instrument"), strategy = byId("chart-strategy");
    const end = data.end - data.start;
    let candles = data.candles[0], from = 0, to = end, chosen = -1;
    const left = 8, foot = 22, top = 10, scale = 66;
    const inner = () => Math.max(50, canvas.clientWidth - left - scale);
    const least = () => 12 * candles.step;
    const crowded = (shown) => shown.length > inner() / 5;

    const mine = () => {
      const name = trips.instruments.indexOf(candles.instrument);
      const which = strategy.value === "" ? -1 : +strategy.value;
      const found = [];
      for (let k = 0; k < trips.o.length; k++) {
        if (trips.i[k] !== name || (which >= 0 && trips.s[k] !== which)) continue;
        if (trips.o[k] + trips.d[k] < from || trips.o[k] > to) continue;
        found.push(k);
      }
      return found;
    };

    const draw = () => {
      const { pen, width, height } = prepared(canvas);
      const c = colours();
      const right = width - scale, bottom = height - foot;
      const x = (t) => left + (right - left) * (t - from) / (to - from);
      const first = Math.max(0, after(candles.t, from) - 1), last = after(candles.t, to);
      let low = Infinity, high = -Infinity;
      for (let k = first; k < last; k++) { low = Math.min(low, candles.l[k]); high = Math.max(high, candles.h[k]); }
      if (low > high) { low = 0; high = 1; }
      const pad = (high - low) * 0.06 || high * 0.01;
      low -= pad; high += pad;
      const y = (v) => bottom - (bottom - top) * (v - low) / (high - low);
      verticals(pen, c, timeTicks(from, to, Math.max(2, (right - left) / 80)), x, top, bottom, width);
      pen.textAlign = "left";
      for (const value of niceSteps(low, high, Math.max(2, (bottom - top) / 45))) {
        const at = Math.round(y(value)) + 0.5;
        pen.strokeStyle = c.line;
        pen.beginPath(); pen.moveTo(left, at); pen.lineTo(right, at); pen.stroke();
        pen.fillStyle = c.muted;
        pen.fillText(price(+value.toPrecision(8)), right + 6, at + 4);
      }
      pen.save();
      pen.beginPath(); pen.rect(left, top, right - left, bottom - top); pen.clip();
      drawCandles(pen, c, x, y, first, last);
      const shown = mine();
      if (crowded(shown)) drawDensity(pen, c, x, bottom, right - left, shown);
      else shown.forEach((k) => drawTrip(pen, c, x, y, k));
      pen.restore();
      if (chosen < 0) {
        read.textContent = crowded(shown)
          ? `${minute(from)} to ${minute(to)} UTC · ${shown.length.toLocaleString("en-GB")} round trips: their number is drawn below; zoom in to see each`
          : `${minute(from)} to ${minute(to)} UTC · ${shown.length} round trip${shown.length === 1 ? "" : "s"}`;
      }
    };

    const drawCandles = (pen, c, x, y, first, last) => {
      const room = x(from + candles.step) - x(from);
      const column = Math.max(1, room < 1 ? Math.ceil(1 / room) : 1); // candles to a pixel: drawn as their range
      const body = Math.max(1, Math.min(14, room * 0.7));
      for (let k = first; k < last; k += column) {
        const stop = Math.min(last, k + column) - 1;
        let low = candles.l[k], high = candles.h[k];
        for (let j = k + 1; j <= stop; j++) { low = Math.min(low, candles.l[j]); high = Math.max(high, candles.h[j]); }
        const middle = x((candles.t[k] + candles.t[stop] + candles.step) / 2);
        const opens = candles.o[k], closes = candles.c[stop];
        const colour = closes >= opens ? c.up : c.down;
        pen.strokeStyle = pen.fillStyle = colour;
        pen.globalAlpha = 0.75;
        pen.lineWidth = 1;
        pen.beginPath(); pen.moveTo(middle, y(high)); pen.lineTo(middle, y(low)); pen.stroke();
        const above = y(Math.max(opens, closes)), tall = Math.max(1, y(Math.min(opens, closes)) - above);
        if (closes >= opens && body > 4) { // rising ones are hollow: colour alone says nothing to some
          pen.globalAlpha = 1; pen.fillStyle = c.card;
          pen.fillRect(middle - body / 2, above, body, tall);
          pen.globalAlpha = 0.75;
          pen.strokeRect(middle - body / 2, above, body, tall);
        } else pen.fillRect(middle - body / 2, above, body, tall);
      }
      pen.globalAlpha = 1;
    };

    const drawTrip = (pen, c, x, y, k) => {
      const left = trips.o[k], right = left + trips.d[k];
      const won = trips.p[k] !== null && trips.p[k] > 0, down = trips.g[k] & SHORT;
      const enter = y(trips.e[k]), leave = trips.l[k] ? y(trips.l[k]) : enter;
      pen.strokeStyle = pen.fillStyle = won ? c.up : c.down;
      pen.lineWidth = k === chosen ? 3 : 1.5;
      pen.setLineDash(won ? [] : [4, 3]);
      pen.beginPath(); pen.moveTo(x(left), enter); pen.lineTo(x(right), leave); pen.stroke();
      pen.setLineDash([]);
      const size = k === chosen ? 8 : 6;
      const arrow = (at, level, up) => {
        const tip = up ? size : -size;
        pen.beginPath(); pen.moveTo(at, level); pen.lineTo(at - size * 0.8, level + tip * 1.5); pen.lineTo(at + size * 0.8, level + tip * 1.5); pen.closePath();
        pen.fillStyle = c.accent; pen.fill();
        pen.strokeStyle = c.card; pen.lineWidth = 1; pen.stroke();
      };
      arrow(x(left), enter, !down);
      if (!(trips.g[k] & OPEN)) arrow(x(right), leave, Boolean(down));
    };

    const drawDensity = (pen, c, x, bottom, width, shown) => {
      const room = 4, counts = new Map();
      for (const k of shown) {
        const at = Math.floor((x(trips.o[k]) - left) / room);
        counts.set(at, (counts.get(at) || 0) + 1);
      }
      const most = Math.max(...counts.values());
      pen.fillStyle = c.accent;
      pen.globalAlpha = 0.55;
      for (const [at, count] of counts) if (at >= 0 && at * room <= width) pen.fillRect(left + at * room, bottom - 46 * count / most, room - 1, 46 * count / most);
      pen.globalAlpha = 1;
    };

    const show = (low, high) => {
      const span = Math.min(end, Math.max(least(), high - low));
      const middle = (low + high) / 2;
      from = Math.max(0, Math.min(end - span, middle - span / 2));
      to = from + span;
      plan();
    };
    const zoom = (factor, around) => show(around - (around - from) * factor, around + (to - around) * factor);
    const timeAt = (offset) => from + (to - from) * Math.min(1, Math.max(0, (offset - left) / inner()));
    const forget = () => { chosen = -1; };

    const tell = (k) => {
      chosen = k;
      const parts = [`no. ${(trips.first + k).toLocaleString("en-GB")}`, trips.strategies[trips.s[k]], `${full(trips.o[k])} at ${price(trips.e[k])}`];
      parts.push(trips.g[k] & OPEN ? "still open" : `${full(trips.o[k] + trips.d[k])} at ${price(trips.l[k])}`);
      parts.push(`${signed(trips.p[k])} ${data.currency} (${percent(trips.r[k], true)})`, trips.reasons[trips.x[k]]);
      read.textContent = parts.join(" · ");
      plan();
    };
    const nearest = (offset) => {
      const shown = mine();
      if (!shown.length || crowded(shown)) return -1;
      const room = 14 * (to - from) / inner(), t = timeAt(offset);
      let best = -1, distance = room;
      for (const k of shown) {
        const away = Math.min(Math.abs(trips.o[k] - t), Math.abs(trips.o[k] + trips.d[k] - t));
        if (away < distance) { distance = away; best = k; }
      }
      return best;
    };

    const fingers = new Map();
    let apart = 0;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event.offsetX);
      apart = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) {
        const k = nearest(event.offsetX);
        if (k >= 0) tell(k); else if (chosen >= 0) { forget(); plan(); }
        return;
      }
      const before = fingers.get(event.pointerId);
      fingers.set(event.pointerId, event.offsetX);
      if (fingers.size === 1) {
        const moved = (before - event.offsetX) * (to - from) / inner();
        forget();
        show(from + moved, to + moved);
      } else {
        const [one, other] = [...fingers.values()];
        const now = Math.max(10, Math.abs(one - other));
        if (apart) zoom(apart / now, timeAt((one + other) / 2));
        apart = now;
      }
    });
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => { fingers.delete(event.pointerId); apart = 0; });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      forget();
      zoom(Math.exp(Math.sign(event.deltaY) * 0.18), timeAt(event.offsetX));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const span = to - from;
      const keys = {
        ArrowLeft: () => show(from - span / 8, to - span / 8),
        ArrowRight: () => show(from + span / 8, to + span / 8),
        "+": () => zoom(0.7, (from + to) / 2), "=": () => zoom(0.7, (from + to) / 2),
        "-": () => zoom(1 / 0.7, (from + to) / 2), Home: () => show(0, span), End: () => show(end - span, end),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      forget();
      keys[event.key]();
    });
    byId("zoom-in").addEventListener("click", () => { forget(); zoom(0.6, (from + to) / 2); });
    byId("zoom-out").addEventListener("click", () => { forget(); zoom(1 / 0.6, (from + to) / 2); });
    byId("zoom-all").addEventListener("click", () => { forget(); show(0, end); });
    const named = () => {
      byId("candle-step").textContent = candles.step === candles.drawn_from
        ? `Each candle is ${length(candles.step)}.`
        : `Each candle is ${length(candles.step)}, made of bars of ${length(candles.drawn_from)}; trades stand at their own time and price.`;
    };
    instrument.addEventListener("change", () => { candles = data.candles[+instrument.value]; forget(); named(); plan(); });
    strategy.addEventListener("change", () => { forget(); plan(); });
    named();
    watch(canvas, draw);

    return (k) => {
      const name = trips.instruments[trips.i[k]];
      const at = data.candles.findIndex((each) => each.instrument === name);
      if (at < 0) return;
      instrument.value = String(at);
      strategy.value = "";
      candles = data.candles[at];
      named();
      const around = Math.max(trips.d[k] * 1.5, 25 * candles.step);
      show(trips.o[k] - around, trips.o[k] + trips.d[k] + around);
      tell(k);
      canvas.scrollIntoView({ block: "center" });
      canvas.focus({ preventScroll: true });
    };
  };

  /* ---- the list */
  const list = (showTrip) => {
    const table = byId("list");
    if (!table) return;
    const body = table.tBodies[0];
    const [strategy, instrument, result, exit] = ["list-strategy", "list-instrument", "list-result", "list-exit"].map(byId);
    let found = [], at = 0, column = "number", falling = false;

    const fits = (k) => {
      if (strategy.value !== "" && trips.s[k] !== +strategy.value) return false;
      if (instrument.value !== "" && trips.i[k] !== +instrument.value) return false;
      if (exit.value !== "" && trips.reasons[trips.x[k]] !== exit.value) return false;
      switch (result.value) {
        case "won": return !(trips.g[k] & OPEN) && trips.p[k] > 0;
        case "lost": return !(trips.g[k] & OPEN) && trips.p[k] < 0;
        case "open": return Boolean(trips.g[k] & OPEN);
        case "ambiguous": return Boolean(trips.g[k] & AMBIGUOUS);
        default: return true;
      }
    };
    const choose = () => {
      found = [];
      for (let k = 0; k < trips.o.length; k++) if (fits(k)) found.push(k);
      const value = (k) => column === "number" ? k : trips[column][k];
      found.sort((a, b) => {
        const one = value(a), other = value(b);
        if (one === null || other === null) return (one === null) - (other === null);
        return (falling ? other - one : one - other) || a - b;
      });
      at = 0;
      draw();
    };
    const cell = (row, text, className) => {
      const made = row.insertCell();
      made.textContent = text;
      if (className) made.className = className;
      return made;
    };
    const draw = () => {
      body.textContent = "";
      for (const k of found.slice(at, at + PAGE)) {
        const row = body.insertRow();
        const number = row.insertCell();
        const button = document.createElement("button");
        button.type = "button";
        button.className = "show";
        button.textContent = (trips.first + k).toLocaleString("en-GB");
        button.setAttribute("aria-label", `show round trip ${trips.first + k} on its candles`);
        if (showTrip) button.addEventListener("click", () => showTrip(k)); else button.disabled = true;
        number.append(button);
        cell(row, trips.strategies[trips.s[k]]);
        cell(row, trips.instruments[trips.i[k]] + (trips.g[k] & SHORT ? " short" : ""));
        cell(row, full(trips.o[k]));
        cell(row, length(trips.d[k]), "number");
        cell(row, fine.format(trips.q[k]), "number");
        cell(row, price(trips.e[k]), "number");
        cell(row, price(trips.l[k]), "number");
        const sign = trips.p[k] > 0 ? "up" : trips.p[k] < 0 ? "down" : "";
        cell(row, signed(trips.p[k]), `number ${sign}`);
        cell(row, percent(trips.r[k], true), `number ${sign}`);
        cell(row, money(trips.f[k]), "number");
        cell(row, percent(trips.a[k]), "number");
        cell(row, percent(trips.v[k]), "number");
        cell(row, trips.reasons[trips.x[k]] + (trips.g[k] & AMBIGUOUS ? " (ambiguous bar)" : ""));
      }
      const count = found.length;
      byId("page-at").textContent = count ? `${(at + 1).toLocaleString("en-GB")} to ${Math.min(count, at + PAGE).toLocaleString("en-GB")} of ${count.toLocaleString("en-GB")}` : "none like that";
      byId("page-before").disabled = at === 0;
      byId("page-next").disabled = at + PAGE >= count;
    };
    for (const control of [strategy, instrument, result, exit]) control.addEventListener("change", choose);
    byId("page-before").addEventListener("click", () => { at = Math.max(0, at - PAGE); draw(); });
    byId("page-next").addEventListener("click", () => { at += PAGE; draw(); });
    const heads = [...table.tHead.rows[0].cells].filter((head) => head.dataset.sort);
    for (const head of heads) {
      head.querySelector("button").addEventListener("click", () => {
        falling = column === head.dataset.sort ? !falling : head.dataset.sort !== "number" && head.dataset.sort !== "o";
        column = head.dataset.sort;
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        choose();
      });
    }
    choose();
  };

  /* ---- explanations */
  const explain = byId("explain");
  explain.addEventListener("click", () => {
    const open = explain.getAttribute("aria-pressed") !== "true";
    explain.setAttribute("aria-pressed", String(open));
    explain.textContent = open ? "Close all" : "Explain all";
    document.querySelectorAll("details.metric").forEach((each) => { each.open = open; });
  });

  equityChart();
  list(candleChart());
})();
