// Small helpers around the DOM. Text only ever enters the page through text nodes.

/**
 * Creates an element. `props` keys: `class`, `text`, `data` (dataset), `on` (listeners), anything else is an
 * attribute (`true` = present, `false`/`null`/`undefined` = absent). Children may be nodes, strings or null.
 */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "text") node.textContent = value;
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key === "on") for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child);
  }
  return node;
}

export const byId = (id) => document.getElementById(id);

// Stroke paths on a 24 × 24 grid.
const shapes = {
  menu: "M4 7h16M4 12h16M4 17h10",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  chat: "M4 5h16v11H11l-4.5 3.5V16H4z",
  pulse: "M3 12h4l3-7 4 14 3-7h4",
  lines: "M4 6h16M4 10h11M4 14h16M4 18h8",
  refresh: "M19 6v5h-5M5 18v-5h5M6.2 9.5A7 7 0 0 1 18 8.5L19 11M17.8 14.5A7 7 0 0 1 6 15.5L5 13",
  down: "M12 5v14M6 13l6 6 6-6",
  alert: "M12 4l9 16H3zM12 10v5M12 17.6v.4",
  tool: "M14 6a4 4 0 0 0 5 5l-8.5 8.5a2 2 0 0 1-3-3L16 8z",
  canvas: "M4 5h16v14H4zM4 9h16M8 15l3-3 2 2 3-3",
  globe: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M3 12h18M12 3c3 3 3.5 6 3.5 9s-.5 6-3.5 9c-3-3-3.5-6-3.5-9S9 6 12 3",
  apart: "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
  fresh: "M5 19l4-1L19 8l-3-3L6 15zM13 19h6",
};

/** A decorative icon; hidden from assistive technology, so its button needs a label. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", shapes[name] ?? "");
  svg.append(path);
  return svg;
}

/** Copies text; the second way serves pages opened over plain http from another machine. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "offscreen", "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus?.();
    return done;
  }
}

/** A button that copies what `source()` returns and shows a tick for a moment. */
export function copyButton(label, source, extraClass = "") {
  const button = h("button", { type: "button", class: `copy ${extraClass}`, "aria-label": label, title: label }, icon("copy"));
  button.addEventListener("click", async () => {
    const done = await copyText(source());
    button.replaceChildren(icon(done ? "check" : "alert"));
    announce(done ? "Copied" : "Copying failed");
    setTimeout(() => button.replaceChildren(icon("copy")), 1500);
  });
  return button;
}

/** A shell command with a copy button. */
export function commandLine(command) {
  return h("div", { class: "command" }, h("code", { text: command }), copyButton("Copy command", () => command));
}

let lastAnnouncement = "";

/** Says something through the page's one polite live region. */
export function announce(text) {
  const region = byId("live");
  if (!region || !text) return;
  // The same text twice in a row would not be spoken again without a change.
  region.textContent = text === lastAnnouncement ? `${text}\u00a0` : text;
  lastAnnouncement = region.textContent;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const clockTime = (ms) => clock.format(ms);
export const clockSeconds = (ms) => seconds.format(ms);
export const fullTime = (ms) => full.format(ms);
export const dayStamp = (ms) => new Date(ms).toDateString();

/** "Today", "Yesterday" or a date. */
export function dayName(ms) {
  const now = Date.now();
  if (dayStamp(ms) === dayStamp(now)) return "Today";
  if (dayStamp(ms) === dayStamp(now - 86_400_000)) return "Yesterday";
  return longDay.format(ms);
}

/** A short age for lists: time today, else the day. */
export function shortWhen(ms) {
  if (!ms) return "";
  return dayStamp(ms) === dayStamp(Date.now()) ? clock.format(ms) : shortDay.format(ms);
}

/** "3 d 4 h", "12 min 5 s". */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** 1234 → "1.2k". */
export function compact(count) {
  if (count < 1000) return String(count);
  if (count < 1_000_000) return `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** A random UUID, also where the page is not a secure context. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Web storage that may be full or forbidden (private windows): then it simply forgets. */
export function storage(kind) {
  let area = null;
  try {
    area = window[kind];
  } catch {
    area = null;
  }
  return {
    get(key) {
      try {
        return area?.getItem(key) ?? null;
      } catch {
        return null;
      }
    },
    set(key, value) {
      try {
        if (value === null) area?.removeItem(key);
        else area?.setItem(key, value);
      } catch {
        // Nothing to keep it in; the page works on without.
      }
    },
    getJSON(key, fallback) {
      try {
        return JSON.parse(this.get(key)) ?? fallback;
      } catch {
        return fallback;
      }
    },
    setJSON(key, value) {
      this.set(key, JSON.stringify(value));
    },
  };
}
