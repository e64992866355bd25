// The list of sessions beside the conversation.

import { byId, compact, fullTime, h, icon, shortWhen, uuid } from "./dom.js";
import { ConnectionLost } from "./gateway.js";

const shownAtMost = 200;
const refreshDelay = 600;

/** A readable name for a session key that carries no label. */
export function friendlyName(key) {
  const parts = key.split(":");
  const rest = parts[0] === "agent" ? parts.slice(2) : parts;
  const text = rest.join(":");
  if (text === "main") return "Main";
  if (text.startsWith("web-")) return `Web chat ${text.slice(4)}`;
  if (rest[0] === "direct") return rest.slice(1).join(":");
  if (rest[0] === "subagent") return `Sub-agent ${(rest[1] ?? "").slice(0, 8)}`;
  if (rest[0] === "cron") return `Scheduled ${(rest[1] ?? "").slice(0, 8)}`;
  return rest.filter((part) => !["direct", "group", "channel"].includes(part)).join(" · ");
}

/** `options`: `gateway()`, `onOpen(key)`, `isRunning(key)`, `onRows()` after new rows came. */
export class Sessions {
  constructor(options) {
    this.options = options;
    this.rows = [];
    this.current = "";
    this.mainKey = "agent:main:main";
    this.defaultAgent = "main";
    this.list = byId("session-list");
    this.filter = byId("session-filter");
    this.filter.addEventListener("input", () => this.render());
    this.filter.addEventListener("keydown", (event) => this.filterPressed(event));
    this.list.addEventListener("keydown", (event) => this.listPressed(event));
    this.list.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-key]");
      if (button) options.onOpen(button.dataset.key);
    });
    byId("new-session").append(icon("plus"));
    byId("new-session").addEventListener("click", () => options.onOpen(this.newKey()));
  }

  greeted(hello) {
    const defaults = hello.snapshot?.sessionDefaults ?? {};
    this.defaultAgent = defaults.defaultAgentId ?? "main";
    this.mainKey = defaults.mainSessionKey ?? `agent:${this.defaultAgent}:${defaults.mainKey ?? "main"}`;
  }

  newKey() {
    return `agent:${this.defaultAgent}:web-${uuid().slice(0, 8)}`;
  }

  setCurrent(key) {
    this.current = key;
    this.render();
  }

  row(key) {
    return this.rows.find((row) => row.key === key);
  }

  /** Title and small print of a session. */
  describe(key) {
    const row = this.row(key);
    const meta = [];
    if (row?.model) meta.push(row.model);
    if (row?.totalTokens > 0) {
      meta.push(row.contextTokens ? `${compact(row.totalTokens)} of ${compact(row.contextTokens)} tokens` : `${compact(row.totalTokens)} tokens`);
    }
    return { title: titleOf(row, key), meta: meta.join(" · ") };
  }

  /** Asks to hear about changes that other clients make. */
  subscribe() {
    this.options.gateway().request("sessions.subscribe").catch(() => {
      // An older gateway: the list follows this page's own messages then.
    });
  }

  /** Fetches the list soon; many calls become one. */
  refreshSoon() {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.refresh();
    }, refreshDelay);
  }

  async refresh() {
    const gateway = this.options.gateway();
    if (gateway.state !== "ready") return;
    try {
      const result = await gateway.request("sessions.list", {
        limit: shownAtMost, includeDerivedTitles: true, includeLastMessage: true,
      });
      this.rows = (result.sessions ?? []).toSorted((a, b) => (b.updatedAt ?? 0) - (a.updatedAt ?? 0));
      this.problem = "";
    } catch (error) {
      if (error instanceof ConnectionLost) return;
      this.problem = error.message;
    }
    this.render();
    this.options.onRows();
  }

  render() {
    const wanted = this.filter.value.trim().toLowerCase();
    const rows = [...this.rows];
    for (const key of [this.current, this.mainKey]) {
      if (key && !rows.some((row) => row.key === key)) rows.unshift({ key });
    }
    const visible = rows.filter((row) => !wanted
      || `${titleOf(row, row.key)} ${row.key} ${row.lastMessagePreview ?? ""}`.toLowerCase().includes(wanted));
    const focused = document.activeElement?.closest?.("#session-list button")?.dataset.key;
    const nodes = visible.map((row) => this.rowNode(row));
    if (this.problem) nodes.unshift(h("li", { class: "muted pad", text: `The list could not be read: ${this.problem}` }));
    else if (visible.length === 0) nodes.push(h("li", { class: "muted pad", text: "No session matches." }));
    this.list.replaceChildren(...nodes);
    if (focused) this.list.querySelector(`button[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  rowNode(row) {
    const running = this.options.isRunning(row.key);
    return h("li", {},
      h("button", { type: "button", class: "session", data: { key: row.key }, "aria-current": row.key === this.current ? "true" : null },
        h("span", { class: "session-title" },
          running ? h("i", { class: "busy", role: "img", "aria-label": "answering" }) : null,
          h("span", { class: "name", text: titleOf(row, row.key) }),
          row.channel && row.channel !== "webchat" ? h("span", { class: "badge", text: row.channel }) : null,
          row.updatedAt ? h("time", { datetime: new Date(row.updatedAt).toISOString(), title: fullTime(row.updatedAt), text: shortWhen(row.updatedAt) }) : null),
        h("span", { class: "session-preview", text: row.lastMessagePreview || row.key })));
  }

  focusFilter() {
    this.filter.focus();
    this.filter.select();
  }

  filterPressed(event) {
    if (event.isComposing) return;
    const first = this.list.querySelector("button");
    if (event.key === "ArrowDown") first?.focus();
    else if (event.key === "Enter") first?.click();
    else if (event.key === "Escape" && this.filter.value) {
      this.filter.value = "";
      this.render();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  }

  listPressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...this.list.querySelectorAll("button")];
    const next = buttons.indexOf(document.activeElement) + step;
    (next < 0 ? this.filter : buttons[next])?.focus();
    event.preventDefault();
  }
}

function titleOf(row, key) {
  const name = friendlyName(key);
  // The main session goes on for months; its first sentence would be a poor name.
  if (name === "Main") return row?.label || name;
  return row?.label || row?.displayName || row?.derivedTitle || name;
}
