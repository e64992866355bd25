// The conversation: history, streamed answers, sending with an outbox, stopping, retrying.

import { announce, byId, dayStamp, h, icon, storage } from "./dom.js";
import { ConnectionLost, newKey } from "./gateway.js";
import { Composer } from "./composer.js";
import { daySeparator, draw, nodeFor } from "./message.js";
import { messageText, plain, readHistory } from "./transcript.js";

const historyStep = 200;
const historyLimit = 1000;
const nearBottom = 64;
const speakEvery = 4000;
const suggestions = ["What can you do?", "How are you? Show me your status", "How do I connect a model?", "Show the last errors"];

/** What a browser tab remembers about one session. */
class Room {
  constructor(key) {
    this.key = key;
    this.items = [];
    this.runs = new Map();
    this.ended = new Set();
    this.limit = historyStep;
    this.loaded = false;
    this.problem = "";
    this.changes = 0;
  }
}

/**
 * `options`: `gateway()`, `instanceId`, `onActivity(sessionKey)` after something happened in a session,
 * `describe(sessionKey)` → `{title, meta}`, `confirm(question)` → Promise of bool.
 */
export class Chat {
  constructor(options) {
    this.options = options;
    this.rooms = new Map();
    this.room = null;
    this.dirty = new Set();
    this.actions = { again: (item) => this.again(item), discard: (item) => this.remove(this.room, item) };
    this.pinned = true;
    this.tab = storage("sessionStorage");
    this.outboxKey = `jarvis.outbox.${options.instanceId}`;
    this.runsKey = `jarvis.runs.${options.instanceId}`;
    this.outbox = this.tab.getJSON(this.outboxKey, []);
    this.own = new Map(this.tab.getJSON(this.runsKey, []));

    this.scroller = byId("scroll");
    this.list = byId("messages");
    this.newer = byId("newer");
    this.newer.append(icon("down"), "New messages");
    this.newer.addEventListener("click", () => this.toBottom(true));
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    const resized = new ResizeObserver(() => this.pinned && this.toBottom());
    resized.observe(this.list);
    resized.observe(this.scroller);

    byId("fresh").append(icon("fresh"), h("span", { text: "Start afresh" }));
    byId("fresh").addEventListener("click", () => this.startAfresh());
    this.composer = new Composer({
      instanceId: options.instanceId,
      onSend: (text) => this.send(text),
      onStop: () => this.stop(),
    });
    for (const { key, sessionKey, text, at } of this.outbox) {
      this.enter(sessionKey).items.push({ kind: "user", text, at, state: "waiting", runId: key });
    }
    for (const [runId, { sessionKey }] of this.own) {
      if (!this.outbox.some((entry) => entry.key === runId)) this.begin(this.enter(sessionKey), runId);
    }
  }

  get running() {
    return (this.room?.runs.size ?? 0) > 0;
  }

  isRunning(sessionKey) {
    return (this.rooms.get(sessionKey)?.runs.size ?? 0) > 0;
  }

  /** Shows a session. */
  open(sessionKey) {
    this.room = this.enter(sessionKey);
    this.composer.switchTo(sessionKey);
    this.pinned = true;
    this.renderAll();
    this.load(this.room);
  }

  /** After a connect: unsent messages first, then what was missed. */
  async resume() {
    for (const room of this.rooms.values()) room.loaded = false;
    await this.pump();
    await Promise.all([...this.rooms.values()].map((room) => this.checkRuns(room)));
    if (this.room) await this.load(this.room);
  }

  /** After a gap in the event numbers: fetch again what is on the screen. */
  refresh() {
    for (const room of this.rooms.values()) room.loaded = false;
    if (this.room) this.load(this.room);
  }

  disconnected() {
    for (const room of this.rooms.values()) {
      for (const item of room.items) {
        if (item.state !== "sending") continue;
        item.state = "waiting";
        this.touch(item);
      }
    }
  }

  setTitle() {
    if (!this.room) return;
    const { title, meta } = this.options.describe(this.room.key);
    byId("chat-title").textContent = title;
    byId("chat-meta").textContent = meta;
  }

  enter(sessionKey) {
    let room = this.rooms.get(sessionKey);
    if (!room) {
      room = new Room(sessionKey);
      this.rooms.set(sessionKey, room);
    }
    return room;
  }

  // ---- history

  async load(room) {
    const gateway = this.options.gateway();
    if (gateway.state !== "ready") return;
    if (room.loading) {
      room.again = true;
      return;
    }
    room.loading = true;
    try {
      // An answer that ends while the history is on its way may be missing from it: then ask again.
      for (let tries = 0; tries < 4; tries += 1) {
        const { changes } = room;
        room.again = false;
        const result = await gateway.request("chat.history", { sessionKey: room.key, limit: room.limit });
        if (changes !== room.changes || room.again) continue;
        this.adopt(room, result.messages ?? []);
        break;
      }
      room.loaded = true;
      room.problem = "";
    } catch (error) {
      room.problem = error instanceof ConnectionLost ? "" : error.message;
    } finally {
      room.loading = false;
    }
    if (room === this.room) this.renderAll();
  }

  adopt(room, messages) {
    const items = readHistory(messages);
    const stored = new Set(items.filter(({ kind }) => kind === "assistant").map(({ runId }) => runId));
    const known = new Map(room.items.filter(({ id }) => id).map((item) => [item.id, item]));
    for (const [index, item] of items.entries()) {
      const same = known.get(item.id);
      // What did not change keeps its nodes: an open tool result stays open, a selection stays.
      if (same && same.text === item.text && same.state === item.state && same.tools?.length === item.tools?.length) items[index] = same;
    }
    const local = room.items.filter((item) => !item.id && (
      room.runs.get(item.runId) === item || ["sending", "waiting", "failed"].includes(item.state)
      || (item.state === "error" && !stored.has(item.runId))));
    room.more = messages.length >= room.limit && room.limit < historyLimit;
    room.items = [...items, ...local];
  }

  async checkRuns(room) {
    for (const [runId, item] of [...room.runs]) {
      if (this.outbox.some((entry) => entry.key === runId)) continue;
      try {
        const result = await this.options.gateway().request("agent.wait", { runId, timeoutMs: 1 });
        if (result.status === "timeout") continue;
      } catch (error) {
        if (error instanceof ConnectionLost) return;
      }
      room.runs.delete(runId);
      room.items = room.items.filter((other) => other !== item);
      this.forget(runId);
    }
  }

  // ---- sending

  send(text) {
    const gateway = this.options.gateway();
    if (new Blob([JSON.stringify(text)]).size + 1024 > gateway.maximumPayload) {
      this.system("This message is larger than the gateway accepts in one piece. Send it in parts.");
      return false;
    }
    const entry = { key: newKey(), sessionKey: this.room.key, text, at: Date.now() };
    this.outbox.push(entry);
    this.saveOutbox();
    const state = gateway.state === "ready" ? "sending" : "waiting";
    this.add(this.room, { kind: "user", text, at: entry.at, state, runId: entry.key });
    this.toBottom();
    this.pump();
    return true;
  }

  /** Sends the outbox in order. An entry leaves it only when the gateway has said yes or no. */
  async pump() {
    if (this.pumping) return;
    this.pumping = true;
    const gateway = this.options.gateway();
    try {
      while (gateway.state === "ready" && this.outbox.length > 0) {
        const entry = this.outbox[0];
        this.mark(entry, "sending");
        try {
          const result = await gateway.request("chat.send", {
            sessionKey: entry.sessionKey, message: entry.text, idempotencyKey: entry.key,
          });
          this.settle(entry);
          this.accepted(entry, result);
        } catch (error) {
          if (error instanceof ConnectionLost) {
            this.mark(entry, "waiting");
            break;
          }
          if (error.retryAfterMs > 0) {
            await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
            continue;
          }
          this.settle(entry);
          this.mark(entry, "failed", error.message);
          announce(`Not sent: ${error.message}`);
        }
      }
    } finally {
      this.pumping = false;
    }
  }

  accepted(entry, result) {
    const room = this.enter(entry.sessionKey);
    this.mark(entry, "sent");
    this.options.onActivity(entry.sessionKey);
    if (result.runId === undefined) {
      this.system(result.aborted ? "Stopped." : "Nothing was running.", room);
    } else if (result.status === "ok" || result.status === "error") {
      if (!room.ended.has(result.runId)) this.load(room);
    } else if (/^\/(new|reset)\b/.test(entry.text)) {
      // The transcript behind the screen is another one now.
      this.load(room);
    } else if (!room.ended.has(result.runId)) {
      this.own.set(result.runId, { sessionKey: room.key, text: entry.text });
      this.saveRuns();
      if (!room.runs.has(result.runId)) this.begin(room, result.runId);
    }
  }

  mark(entry, state, problem = "") {
    const item = this.enter(entry.sessionKey).items.find((other) => other.kind === "user" && other.runId === entry.key);
    if (!item || (item.state === state && item.error === problem)) return;
    item.state = state;
    item.error = problem;
    this.touch(item);
  }

  settle(entry) {
    this.outbox = this.outbox.filter((other) => other !== entry);
    this.saveOutbox();
  }

  saveOutbox() {
    this.tab.setJSON(this.outboxKey, this.outbox);
  }

  saveRuns() {
    this.tab.setJSON(this.runsKey, [...this.own]);
  }

  forget(runId) {
    if (this.own.delete(runId)) this.saveRuns();
  }

  /** Sends the text of a failed exchange again, as a new message. */
  again(item) {
    const { room } = this;
    let { text } = item;
    if (item.kind !== "user") {
      const before = room.items.slice(0, room.items.indexOf(item)).findLast((other) => other.kind === "user");
      text = item.question ?? before?.text;
    }
    if (!text) return;
    if (item.state === "failed") this.remove(room, item);
    this.send(text);
    byId("input").focus();
  }

  async stop() {
    const { room } = this;
    if (!room || room.runs.size === 0) return;
    for (const item of room.runs.values()) {
      item.stopping = true;
      this.touch(item);
    }
    announce("Stopping");
    try {
      const result = await this.options.gateway().request("chat.abort", { sessionKey: room.key });
      if (!result.aborted) {
        await this.checkRuns(room);
        this.load(room);
      }
    } catch (error) {
      for (const item of room.runs.values()) item.stopping = false;
      this.system(error instanceof ConnectionLost
        ? "The connection was lost before the stop reached the gateway." : `Could not stop: ${error.message}`, room);
    }
    this.updateControls();
  }

  async startAfresh() {
    const { room } = this;
    const yes = await this.options.confirm({
      title: "Start this session afresh?",
      text: "The conversation so far is archived on the gateway and JARVIS begins without it. Settings stay.",
      action: "Start afresh",
    });
    if (!yes) return;
    try {
      await this.options.gateway().request("sessions.reset", { key: room.key, reason: "new" });
      room.changes += 1;
      room.items = [];
      room.runs.clear();
      this.options.onActivity(room.key);
      await this.load(room);
      announce("Session started afresh");
    } catch (error) {
      this.system(`Could not start afresh: ${error.message}`, room);
    }
    byId("input").focus();
  }

  // ---- events

  chatEvent(event) {
    const room = this.rooms.get(event.sessionKey);
    if (event.state !== "delta") this.options.onActivity(event.sessionKey);
    if (!room || room.ended.has(event.runId)) return;
    const queued = this.outbox.find((entry) => entry.key === event.runId);
    let item = room.runs.get(event.runId);
    if (event.state === "delta") {
      if (!item) {
        item = this.begin(room, event.runId);
        // Somebody else asked: their question is in the history.
        if (!queued && !this.own.has(event.runId)) this.load(room);
      }
      if (event.message) item.text = messageText(event.message);
      else if (event.deltaText !== undefined) item.text = event.replace ? event.deltaText : item.text + event.deltaText;
      this.touch(item);
      this.speak(item);
      return;
    }

    room.changes += 1;
    room.ended.add(event.runId);
    if (room.ended.size > 500) room.ended.delete(room.ended.values().next().value);
    const asked = this.own.get(event.runId)?.text ?? queued?.text;
    const text = event.message ? messageText(event.message) : "";
    if (!item && !text && event.state === "final") {
      this.finished(room, event.runId);
      return;
    }
    const stranger = !item && asked === undefined && !String(event.runId).startsWith("inject-");
    if (!item) item = this.begin(room, event.runId);
    if (text) item.text = text;
    item.state = { final: "done", aborted: "stopped", error: "error" }[event.state] ?? "done";
    item.error = event.errorMessage ?? "";
    item.question = asked;
    item.at = event.message?.timestamp ?? Date.now();
    item.model = event.message?.model ?? item.model;
    item.usage = event.usage ?? event.message?.usage;
    item.activity = "";
    this.finished(room, event.runId);
    if (item.state === "done" && !item.text && !item.tools?.length) {
      this.remove(room, item);
    } else {
      this.touch(item);
      this.speak(item, true);
    }
    if (stranger) this.load(room);
    else this.complete(room, item);
  }

  /** Fetches what the event did not tell about an answer: its model, and what its tools said. */
  async complete(room, item) {
    try {
      const result = await this.options.gateway().request("chat.history", { sessionKey: room.key, limit: 20 });
      const stored = readHistory(result.messages ?? []).findLast((other) => other.kind === "assistant" && other.runId === item.runId);
      if (!stored || item.id) return;
      const { id, model, tools, thinking } = stored;
      Object.assign(item, { id, model, thinking, tools: tools.length > 0 ? tools : item.tools });
      this.touch(item);
    } catch {
      // The answer itself is there; the next load tells the rest.
    }
  }

  /** Tool and life-cycle news of a run, shown under the answer that is being written. */
  agentEvent({ runId, sessionKey, stream, data }) {
    const room = this.rooms.get(sessionKey) ?? [...this.rooms.values()].find((other) => other.runs.has(runId));
    const item = room?.runs.get(runId);
    if (!item || !data) return;
    if (stream === "tool") {
      item.tools ??= [];
      let tool = item.tools.find((other) => other.id === data.toolCallId);
      if (!tool) item.tools.push(tool = { id: data.toolCallId, name: data.name, input: data.args });
      if (data.phase === "result") {
        tool.done = true;
        tool.failed = data.isError === true;
        if (data.result !== undefined) tool.output = plain(data.result);
      }
    } else if (stream === "compaction") {
      item.activity = data.phase === "start" ? "Making room in the conversation…" : "";
    } else if (stream === "thinking") {
      item.activity = "Thinking…";
    } else if (stream === "notice") {
      item.activity = data.text;
    } else {
      return;
    }
    this.touch(item);
  }

  begin(room, runId) {
    const item = { kind: "assistant", text: "", at: Date.now(), state: "streaming", runId, spoken: 0, spokenAt: Date.now() };
    room.runs.set(runId, item);
    this.add(room, item);
    return item;
  }

  finished(room, runId) {
    room.runs.delete(runId);
    this.forget(runId);
    if (room === this.room) this.updateControls();
  }

  speak(item, end = false) {
    if (this.room?.runs.get(item.runId) !== item && !end) return;
    if (!this.room?.items.includes(item)) return;
    const now = Date.now();
    if (!end && now - item.spokenAt < speakEvery) return;
    let to = item.text.length;
    if (!end) to = Math.max(...[". ", ".\n", "? ", "! ", "\n\n"].map((mark) => item.text.lastIndexOf(mark))) + 1;
    const news = item.text.slice(item.spoken ?? 0, to).trim().slice(0, 1500);
    if (news) announce(news);
    if (end && item.state === "stopped") announce("Answer stopped");
    if (end && item.state === "error") announce(`The answer failed. ${item.error}`);
    item.spoken = Math.max(item.spoken ?? 0, to);
    item.spokenAt = now;
  }

  system(text, room = this.room) {
    if (room) this.add(room, { kind: "system", text, at: Date.now(), state: "note" });
    announce(text);
  }

  // ---- showing

  add(room, item) {
    room.items.push(item);
    if (room !== this.room) return;
    if (room.items.length === 1) {
      this.renderAll();
      return;
    }
    const before = room.items.at(-2);
    if (dayStamp(before.at) !== dayStamp(item.at)) this.list.append(daySeparator(item.at));
    this.list.append(nodeFor(item, this.actions));
    this.grown();
    this.updateControls();
  }

  remove(room, item) {
    room.items = room.items.filter((other) => other !== item);
    item.node?.remove();
  }

  renderAll() {
    const { room } = this;
    if (!room) return;
    this.setTitle();
    const nodes = [];
    if (room.more) {
      nodes.push(h("button", { type: "button", class: "earlier", text: "Show earlier messages", on: { click: () => this.earlier() } }));
    }
    let day = "";
    for (const item of room.items) {
      if (dayStamp(item.at) !== day) nodes.push(daySeparator(item.at));
      day = dayStamp(item.at);
      nodes.push(nodeFor(item, this.actions));
    }
    if (room.items.length === 0) nodes.push(this.emptyState(room));
    // Taking a focused button out of the page would drop the focus on the floor.
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    this.list.replaceChildren(...nodes);
    if (focused?.isConnected) focused.focus({ preventScroll: true });
    if (this.pinned) this.toBottom();
    this.updateControls();
  }

  async earlier() {
    const { room } = this;
    const height = this.scroller.scrollHeight - this.scroller.scrollTop;
    room.limit = historyLimit;
    this.pinned = false;
    await this.load(room);
    this.scroller.scrollTop = this.scroller.scrollHeight - height;
  }

  emptyState(room) {
    if (room.problem) {
      return h("div", { class: "empty" },
        h("p", { class: "problem" }, icon("alert"), `The history could not be read: ${room.problem}`),
        h("button", { type: "button", class: "button", text: "Try again", on: { click: () => this.load(room) } }));
    }
    if (!room.loaded) {
      return h("div", { class: "skeleton", role: "status", "aria-label": "Loading the conversation" },
        h("span"), h("span"), h("span"));
    }
    const { profile } = this.options;
    return h("div", { class: "empty" },
      h("p", { class: "plate large", text: profile }),
      h("h2", { text: "Nothing said here yet" }),
      h("p", { class: "muted", text: "Write a message below, or begin with one of these." }),
      h("div", { class: "chips" }, suggestions.map((text) =>
        h("button", { type: "button", class: "chip", text, on: { click: () => this.send(text) } }))));
  }

  /** Marks an item as changed; it is drawn in the next frame, once. */
  touch(item) {
    this.dirty.add(item);
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      for (const changed of this.dirty) if (changed.node?.isConnected) draw(changed, this.actions);
      this.dirty.clear();
      this.grown();
      this.updateControls();
    });
  }

  updateControls() {
    const { room } = this;
    this.composer.setRunning(this.running);
    byId("fresh").disabled = !room || room.items.length === 0 || !this.options.gateway().can("operator.admin");
  }

  // ---- scrolling

  scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.pinned = scrollHeight - scrollTop - clientHeight < nearBottom;
    if (this.pinned) this.newer.hidden = true;
  }

  grown() {
    if (this.pinned) this.toBottom();
    else this.newer.hidden = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < nearBottom;
  }

  toBottom(smoothly = false) {
    const calm = !smoothly || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.pinned = true;
    this.newer.hidden = true;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: calm ? "instant" : "smooth" });
  }
}
