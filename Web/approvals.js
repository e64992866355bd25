// Questions of the assistant that a person answers: may this be done?

import { announce, byId, h, icon } from "./dom.js";

const words = { "allow-once": "Allowed once", "allow-always": "Allowed from now on", deny: "Denied" };

/** `options`: `gateway()`. */
export class Approvals {
  constructor(options) {
    this.options = options;
    this.root = byId("approvals");
    this.pending = new Map();
  }

  /** After each sign-in: what is waiting now. */
  async greeted() {
    const gateway = this.options.gateway();
    if (!gateway.can("operator.approvals") || !gateway.hello?.features?.methods?.includes("exec.approval.list")) return;
    try {
      const { ts, pending } = await gateway.request("exec.approval.list");
      this.skew = Number.isFinite(ts) ? ts - Date.now() : 0;
      const waiting = new Set(pending.map(({ id }) => id));
      for (const id of [...this.pending.keys()]) if (!waiting.has(id)) this.remove(id);
      for (const record of pending) this.requested(record, false);
    } catch {
      // The next sign-in asks again; new questions come as events.
    }
  }

  requested(record, isNews = true) {
    if (typeof record?.id !== "string" || this.pending.has(record.id)) return;
    if (isNews && Number.isFinite(record.createdAtMs)) this.skew = record.createdAtMs - Date.now();
    const entry = { record, card: null };
    entry.card = this.card(entry);
    this.pending.set(record.id, entry);
    this.root.append(entry.card);
    this.root.hidden = false;
    this.clock ??= setInterval(() => this.tick(), 1000);
    this.tick();
    if (isNews) announce(`The assistant asks: ${record.request?.title ?? "may it go on?"}`);
  }

  resolved({ id, decision, resolvedBy }) {
    const entry = this.pending.get(id);
    if (!entry) return;
    const text = decision ? words[decision] ?? decision : "Not answered in time";
    announce(text);
    entry.over = true;
    entry.card.dataset.state = decision ?? "lapsed";
    entry.actions.replaceChildren(h("p", { class: "muted", text: resolvedBy ? `${text} by ${resolvedBy}` : text }));
    setTimeout(() => this.remove(id), 2500);
  }

  remove(id) {
    const entry = this.pending.get(id);
    if (!entry) return;
    this.pending.delete(id);
    entry.card.remove();
    if (this.pending.size > 0) return;
    this.root.hidden = true;
    clearInterval(this.clock);
    this.clock = undefined;
  }

  tick() {
    for (const [id, entry] of this.pending) {
      if (entry.over) continue;
      const left = Math.ceil((entry.record.expiresAtMs - Date.now() - (this.skew ?? 0)) / 1000);
      entry.time.textContent = left > 0 ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : "";
      // The event that says so may have been missed while the connection was away.
      if (left < -5) this.remove(id);
    }
  }

  card(entry) {
    const { record } = entry;
    const request = record.request ?? {};
    const mayAnswer = this.options.gateway().can("operator.approvals");
    const answer = (text, decision, kind = "") => h("button", {
      type: "button", class: `button ${kind}`, text, on: { click: () => this.answer(entry, decision) },
    });
    entry.time = h("span", { class: "meta approval-time" });
    entry.problem = h("p", { class: "problem", role: "alert", hidden: true });
    entry.actions = h("div", { class: "row end approval-actions" }, mayAnswer ? [
      answer("Deny", "deny"),
      request.allowAlways ? answer("Always allow", "allow-always") : null,
      answer("Allow once", "allow-once", "primary"),
    ] : h("p", { class: "muted", text: "This sign-in may not answer." }));
    const place = [
      request.agentId && `agent ${request.agentId}`, request.sessionKey, request.cwd && `in ${request.cwd}`,
      request.host && request.host !== "gateway" && `on ${request.host}`,
    ].filter(Boolean).join(" · ");
    return h("section", { class: "approval", data: { id: record.id, risk: request.risk ?? "" }, "aria-label": "Approval" },
      h("div", { class: "approval-head" }, icon("alert"), h("h2", { text: request.title || "The assistant asks" }), entry.time),
      h("pre", { class: "approval-text", tabindex: "0", text: request.command ?? "" }),
      request.allowAlways && request.allowPattern
        ? h("p", { class: "muted small-print" }, "Always means: ", h("code", { text: request.allowPattern })) : null,
      place ? h("p", { class: "muted small-print", text: place }) : null,
      entry.problem, entry.actions);
  }

  async answer(entry, decision) {
    const buttons = [...entry.actions.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    entry.problem.hidden = true;
    try {
      await this.options.gateway().request("exec.approval.resolve", { id: entry.record.id, decision });
      if (!entry.over) this.resolved({ id: entry.record.id, decision });
    } catch (error) {
      if (entry.over) return;
      entry.problem.textContent = error.message;
      entry.problem.hidden = false;
      for (const button of buttons) button.disabled = false;
    }
  }
}
