// The log viewer.

import { announce, byId, clockSeconds, copyText, fullTime, h, icon } from "./dom.js";
import { ConnectionLost } from "./gateway.js";

const every = 2000;
const keptLines = 2000;

/** A log record of the gateway: `{time, level, subsystem, message, meta}`. */
export function readRecord({ time, ts, at, level, subsystem, message, meta, fields }) {
  const more = Object.entries(meta ?? fields ?? {}).map(([name, value]) => `${name}=${value}`).join(" ");
  return {
    at: typeof time === "string" ? Date.parse(time) || 0 : time ?? ts ?? at ?? 0,
    level: level ?? "info", place: subsystem ?? "", text: more ? `${message}  ${more}` : String(message),
  };
}

/** One line of the log file; what is no record is shown as it is. */
function readLine(raw) {
  try {
    const record = JSON.parse(raw);
    if (record?.message !== undefined) return { ...readRecord(record), raw };
  } catch {
    // A line that another program wrote.
  }
  return { at: 0, level: "info", place: "", text: raw, raw };
}

const levels = ["trace", "debug", "info", "warn", "error", "fatal"];

/** `options`: `gateway()`. */
export class LogView {
  constructor(options) {
    this.options = options;
    this.lines = [];
    this.cursor = undefined;
    this.root = byId("view-logs");
    this.follow = h("input", { type: "checkbox", id: "log-follow", checked: true });
    this.filter = h("input", { type: "search", id: "log-filter", placeholder: "Filter", "aria-label": "Filter log lines", autocomplete: "off", spellcheck: "false" });
    this.level = h("select", { id: "log-level", "aria-label": "Lowest level shown" },
      h("option", { value: "trace", text: "All lines" }), h("option", { value: "info", text: "Info +" }),
      h("option", { value: "warn", text: "Warnings +" }), h("option", { value: "error", text: "Errors" }));
    const copy = h("button", { type: "button", class: "plain small", "aria-label": "Copy shown lines", title: "Copy shown lines" }, icon("copy"));
    copy.addEventListener("click", async () => {
      const done = await copyText(this.visible().map(({ raw }) => raw).join("\n"));
      announce(done ? "Copied" : "Copying failed");
    });
    this.meta = h("span", { class: "meta" });
    this.out = h("ol", { class: "log" });
    this.scroll = h("div", { class: "page-scroll logs", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Log lines" }, this.out);
    this.root.append(
      h("div", { class: "view-head" }, h("h1", { id: "logs-title", text: "Logs" }), this.meta, copy),
      h("div", { class: "log-tools" }, this.filter, this.level, h("label", {}, this.follow, "Follow")),
      this.scroll);
    this.filter.addEventListener("input", () => this.render());
    this.level.addEventListener("change", () => this.render());
    this.follow.addEventListener("change", () => this.follow.checked && this.poll());
    this.scroll.addEventListener("wheel", (event) => {
      if (event.deltaY < 0) this.follow.checked = false;
    }, { passive: true });
  }

  show() {
    this.poll();
    clearInterval(this.timer);
    this.timer = setInterval(() => this.follow.checked && document.visibilityState === "visible" && this.poll(), every);
  }

  hide() {
    clearInterval(this.timer);
  }

  async poll() {
    const gateway = this.options.gateway();
    if (gateway.state !== "ready" || this.polling) return;
    this.polling = true;
    try {
      const params = { limit: 500, maxBytes: 250_000 };
      if (this.cursor !== undefined) params.cursor = this.cursor;
      const result = await gateway.request("logs.tail", params);
      if (result.reset) this.lines = [];
      this.cursor = result.cursor;
      this.lines.push(...(result.lines ?? []).map(readLine));
      this.lines.splice(0, this.lines.length - keptLines);
      this.meta.textContent = result.file ?? "";
      this.problem = "";
      if (result.lines?.length || !this.out.hasChildNodes()) this.render();
    } catch (error) {
      if (error instanceof ConnectionLost) return;
      this.problem = error.message;
      this.render();
    } finally {
      this.polling = false;
    }
  }

  visible() {
    const wanted = this.filter.value.trim().toLowerCase();
    const least = levels.indexOf(this.level.value);
    return this.lines.filter(({ level, raw }) =>
      Math.max(0, levels.indexOf(level)) >= least && (!wanted || raw.toLowerCase().includes(wanted)));
  }

  render() {
    if (this.problem) {
      this.out.replaceChildren(h("li", { class: "problem" }, icon("alert"), `The log could not be read: ${this.problem}`));
      return;
    }
    const lines = this.visible();
    const nodes = lines.map((line) => h("li", { class: `level-${line.level}` },
      h("span", { class: "log-time", title: line.at ? fullTime(line.at) : null, text: line.at ? clockSeconds(line.at) : "" }),
      h("span", { class: "log-level", text: line.level }),
      h("span", { class: "log-text" }, line.place ? h("b", { text: `${line.place} ` }) : null, line.text)));
    if (nodes.length === 0) nodes.push(h("li", { class: "muted", text: this.lines.length ? "No line matches." : "The log is empty." }));
    this.out.replaceChildren(...nodes);
    if (this.follow.checked) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}
