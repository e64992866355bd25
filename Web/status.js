// The status page.

import { announce, byId, clockTime, copyButton, duration, fullTime, h, icon } from "./dom.js";
import { ConnectionLost } from "./gateway.js";
import { readRecord } from "./logs.js";

const every = 10_000;

const known = (value) => value !== undefined && value !== null && value !== "";

/** `options`: `gateway()`, `bootstrap`. */
export class StatusView {
  constructor(options) {
    this.options = options;
    this.root = byId("view-status");
    this.cards = h("div", { class: "cards" });
    const reload = h("button", { type: "button", class: "plain small", "aria-label": "Refresh", title: "Refresh" }, icon("refresh"));
    reload.addEventListener("click", async () => {
      await this.refresh();
      announce("Status refreshed");
    });
    this.root.append(
      h("div", { class: "view-head" }, h("h1", { id: "status-title", text: "Status" }), h("span", { class: "meta" }), reload),
      h("div", { class: "page-scroll", tabindex: "0", role: "region", "aria-label": "Status details" }, this.cards));
  }

  show() {
    this.render();
    this.refresh();
    clearInterval(this.timer);
    this.timer = setInterval(() => document.visibilityState === "visible" && this.refresh(), every);
    clearInterval(this.clock);
    this.clock = setInterval(() => this.tick(), 1000);
  }

  hide() {
    clearInterval(this.timer);
    clearInterval(this.clock);
  }

  greeted(hello) {
    this.presence = hello.snapshot?.presence ?? [];
    this.startedAt = Date.now() - (hello.snapshot?.uptimeMs ?? 0);
  }

  presenceChanged(presence) {
    this.presence = presence;
    if (!this.root.hidden && this.status) this.render();
  }

  async refresh() {
    const gateway = this.options.gateway();
    if (gateway.state !== "ready") return;
    const asked = performance.now();
    const ask = (method) => gateway.request(method).catch((failed) => ({ failed }));
    const [status, health, presence] = await Promise.all([
      ask("status").then((answer) => {
        this.latency = Math.max(1, Math.round(performance.now() - asked));
        return answer;
      }), ask("health"), ask("system-presence"),
    ]);
    if (status.failed instanceof ConnectionLost) return;
    this.status = status;
    this.health = health;
    if (Array.isArray(presence)) this.presence = presence;
    if (status.gateway?.uptimeMs !== undefined) this.startedAt = Date.now() - status.gateway.uptimeMs;
    this.render();
  }

  tick() {
    const node = this.root.querySelector("[data-uptime]");
    if (node) node.textContent = duration(Date.now() - this.startedAt);
  }

  render() {
    const { bootstrap } = this.options;
    const gateway = this.options.gateway();
    const { hello } = gateway;
    if (!hello) {
      this.cards.replaceChildren(h("p", { class: "muted pad", text: "Not connected yet." }));
      return;
    }
    const { status = {}, health = {} } = this;
    const snapshot = hello.snapshot ?? {};
    const own = status.gateway ?? {};
    const model = status.model ?? {};
    const defaults = status.sessions?.defaults ?? {};
    const channels = Object.entries(health.channels ?? {});
    const issues = [...(status.config?.issues ?? []).map((issue) => notice(issue, "bad")),
      ...(status.config?.warnings ?? []).map((issue) => notice(issue, "warn"))];
    const errors = [
      ...(status.store?.failure ? [{ text: `Store: ${status.store.failure}` }] : []),
      ...(model.failures ?? []).map(({ model: name, error, at }) => ({ text: `${name}: ${error}`, at })),
      ...(status.recentErrors ?? []).map(readRecord),
    ].sort((a, b) => (b.at ?? 0) - (a.at ?? 0));

    const verdict = gateway.state !== "ready" ? ["bad", "Not connected", gateway.reason]
      : status.failed ? ["bad", "The gateway could not tell its status", status.failed.message]
        : status.store?.failure ? ["bad", "Running, but it can't store anything", status.store.failure]
          : issues.some(({ kind }) => kind === "bad") ? ["warn", "Running, with configuration problems", "See Configuration below."]
            : ["good", "Running", this.latency ? `Answered in ${this.latency} ms.` : ""];

    this.cards.replaceChildren(
      h("section", { class: `verdict ${verdict[0]}` },
        h("span", { class: "lamp", "aria-hidden": "true" }),
        h("div", {}, h("h2", { text: verdict[1] }), h("p", { text: verdict[2] }))),
      card("Gateway", facts([
        ["Version", hello.server?.version],
        ["Up for", h("span", { data: { uptime: "" }, text: duration(Date.now() - this.startedAt) })],
        ["Profile", bootstrap.profile],
        ["Instance", bootstrap.instanceId, true],
        ["Port", own.port ?? location.port],
        ["Process", own.pid],
        ["Memory", own.rssBytes && `${(own.rssBytes / 1_048_576).toFixed(1)} MiB`],
        ["Sign-in", snapshot.authMode],
        ["Protocol", hello.protocol],
      ])),
      card("Files", facts([
        ["Configuration", snapshot.configPath, true],
        ["State", snapshot.stateDir, true],
        ["Sessions", status.sessions?.paths?.[0], true],
        ["Set aside", status.store?.quarantined, true],
      ])),
      card("Model and sessions", facts([
        ["Model", model.isOperator ? "none: the built-in operator answers" : model.reference ?? defaults.model],
        ["Context", !model.isOperator && defaults.contextTokens ? `${defaults.contextTokens.toLocaleString()} tokens` : ""],
        ["Agent", health.defaultAgentId],
        ["Sessions", status.sessions?.count],
        ["Running now", own.activeRuns],
      ])),
      card("Configuration", issues.length === 0
        ? h("p", { class: "fine" }, icon("check"), "No problems found.")
        : h("ul", { class: "issues" }, issues.map(({ kind, path, text }) =>
          h("li", { class: kind }, path ? h("code", { text: path }) : null, " ", text)))),
      card("Last errors", errors.length === 0
        ? h("p", { class: "fine" }, icon("check"), "None since the start.")
        : h("ul", { class: "issues" }, errors.map(({ text, at }) =>
          h("li", { class: "bad" }, at ? h("time", { title: fullTime(at), text: `${clockTime(at)} ` }) : null, text)))),
      channels.length === 0 ? "" : card("Channels", facts(channels.map(([id, channel]) =>
        [health.channelLabels?.[id] ?? id, channel.running || channel.connected ? "connected" : channel.lastError ?? "stopped"]))),
      card("Connected clients", this.clients()));
  }

  clients() {
    const entries = (this.presence ?? []).filter((entry) => entry.reason !== "self");
    if (entries.length === 0) return h("p", { class: "muted", text: "Only this page." });
    return h("ul", { class: "clients" }, entries.map((entry) => h("li", {},
      h("strong", { text: entry.host ?? entry.mode ?? "client" }),
      h("span", { class: "muted", text: [entry.mode, entry.platform, entry.version, entry.ip].filter(Boolean).join(" · ") }),
      entry.ts ? h("time", { class: "muted", title: fullTime(entry.ts), text: clockTime(entry.ts) }) : null)));
  }
}

function notice({ path, message, file, line, column }, kind) {
  const place = line ? ` (${file ? `${file.split("/").at(-1)}, ` : ""}line ${line}${column ? `, column ${column}` : ""})` : "";
  return { kind, path, text: `${message ?? ""}${place}` };
}

const card = (title, ...content) => h("section", { class: "card" }, h("h2", { text: title }), ...content);

function facts(rows) {
  const shown = rows.filter(([, value]) => known(value));
  if (shown.length === 0) return h("p", { class: "muted", text: "Nothing known." });
  return h("dl", { class: "facts" }, shown.map(([name, value, copy]) => h("div", {},
    h("dt", { text: name }),
    h("dd", {}, value instanceof Node ? value : h(copy ? "code" : "span", { text: String(value) }),
      copy ? copyButton(`Copy ${name.toLowerCase()}`, () => String(value), "quiet") : null))));
}
