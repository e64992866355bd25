// The canvas: a page of the assistant's in a sandbox, and what the gateway asks of it.

import { announce, byId, h, icon, uuid } from "./dom.js";

const loadingTime = 8000;

/** `options`: `gateway()`, `onScene(isNew)` after every change of what is shown. */
export class CanvasView {
  constructor(options) {
    this.options = options;
    this.scene = { visible: false, path: "/", revision: 0 };
    this.waiting = new Map();
    this.root = byId("view-canvas");
    this.title = h("h1", { id: "canvas-title", text: "Canvas" });
    this.meta = h("span", { class: "meta" });
    const act = (shape, label, click) => h("button", { type: "button", class: "plain small", "aria-label": label, title: label, on: { click } }, icon(shape));
    this.again = act("refresh", "Load again", () => this.load());
    this.apart = act("apart", "Open in a tab of its own", () => this.openApart());
    this.close = act("close", "Close the canvas", () => this.options.onClose());
    this.stage = h("div", { class: "stage" });
    this.root.append(h("div", { class: "view-head" }, this.title, this.meta, this.again, this.apart, this.close), this.stage);
    window.addEventListener("message", (event) => this.heard(event));
    this.render();
  }

  /** Whether there is something to be seen. */
  get isShowing() {
    return this.scene.visible;
  }

  get name() {
    return this.scene.title || this.pageTitle || (this.scene.path === "/" ? "Canvas" : this.scene.path.replace(/^\//, ""));
  }

  async greeted(hello) {
    const isOther = this.boot !== undefined && this.boot !== hello.server?.bootId;
    this.boot = hello.server?.bootId;
    await this.attach(isOther);
  }

  /** Tells the gateway that this page can show the canvas, and whether its owner sees it. */
  async attach(again = false) {
    const gateway = this.options.gateway();
    if (gateway.state !== "ready" || !gateway.hello?.features?.methods?.includes("canvas.attach")) return;
    try {
      const { scene, liveReload } = await gateway.request("canvas.attach", { visible: document.visibilityState === "visible" });
      this.liveReload = liveReload !== false;
      this.problem = "";
      this.apply(scene, { again });
    } catch (error) {
      this.problem = error.message;
      this.render();
    }
  }

  event(payload) {
    if (payload.op === "scene") this.apply(payload.scene, { isNews: true, written: payload.written > 0 });
    else if (payload.op === "eval" || payload.op === "snapshot") this.asked(payload);
  }

  apply(scene, { isNews = false, again = false, written = false } = {}) {
    if (!scene || (scene.revision < this.scene.revision && !again)) return;
    const moved = scene.path !== this.scene.path;
    const appeared = scene.visible && !this.scene.visible;
    this.scene = scene;
    if (!scene.visible) this.unload();
    else if (moved || again || !this.frame || (written && !this.liveReload)) this.load();
    this.render();
    this.options.onScene(isNews && scene.visible, appeared);
  }

  // ---- the page

  async load() {
    const number = (this.loadNumber = (this.loadNumber ?? 0) + 1);
    this.pageTitle = "";
    this.version = -1;
    try {
      const { address } = await this.options.gateway().request("canvas.url", { path: this.scene.path });
      if (number !== this.loadNumber || !this.scene.visible) return;
      // A capability opens this gateway's canvas and nothing else; an address of another shape is not followed.
      if (!/^\/__jarvis__\/cap\/[0-9a-f]+\//.test(address)) throw new Error("The gateway gave an odd address.");
      const frame = h("iframe", { title: "Canvas", sandbox: "allow-scripts allow-forms", referrerpolicy: "no-referrer", allow: "" });
      // A page of HTML says itself that it is ready; a picture does not.
      frame.addEventListener("load", () => setTimeout(() => frame === this.frame && this.version < 0 && this.settled(0), 300));
      frame.src = address;
      this.frame = frame;
      this.problem = "";
      this.stage.replaceChildren(frame);
    } catch (error) {
      if (number !== this.loadNumber) return;
      this.problem = error.message;
      this.unload();
      this.render();
    }
  }

  settled(version) {
    this.version = version;
    for (const check of this.watchers ?? []) check();
  }

  /** Waits until the page shows what was written last: it loads itself anew when its files change. */
  upToDate() {
    const isReady = () => this.frame && this.version >= (this.scene.version ?? 0);
    if (isReady()) return Promise.resolve();
    return new Promise((resolve) => {
      const watchers = (this.watchers ??= new Set());
      const done = () => {
        watchers.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const check = () => (isReady() || !this.scene.visible) && done();
      const timer = setTimeout(done, this.version < 0 ? loadingTime : 2000);
      watchers.add(check);
    });
  }

  unload() {
    this.frame?.remove();
    this.frame = null;
    for (const { reject } of this.waiting.values()) reject(new Error("the canvas was closed"));
    this.waiting.clear();
  }

  async openApart() {
    // The window is opened within the click, or the browser would keep it from opening.
    const tab = window.open("about:blank", "_blank");
    try {
      const { address } = await this.options.gateway().request("canvas.url", { path: this.scene.path });
      if (tab) {
        tab.opener = null;
        tab.location.replace(new URL(address, location.href));
      }
    } catch (error) {
      tab?.close();
      announce(error.message);
    }
  }

  // ---- what is asked of it

  async asked(payload) {
    const gateway = this.options.gateway();
    let answer;
    try {
      answer = await this.perform(payload);
    } catch (error) {
      answer = { ok: false, error: String(error?.message ?? error).slice(0, 4000) };
    }
    gateway.request("canvas.result", { id: payload.id, ...answer }).catch(() => {});
  }

  async perform(payload) {
    if (payload.scene) this.apply(payload.scene);
    if (!this.scene.visible) throw new Error("nothing is shown on the canvas; present a page first");
    await this.upToDate();
    if (payload.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, payload.delayMs));
    const { frame } = this;
    if (!frame?.contentWindow) throw new Error(this.problem || "the canvas could not be loaded");
    const id = uuid();
    const reply = new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, frame });
      // The gateway says when it is too late; this only forgets what nobody waits for any more.
      setTimeout(() => this.waiting.delete(id) && reject(new Error("the shown page does not answer; is it an HTML page?")), (payload.timeoutMs ?? 10_000) + 2000);
    });
    const question = payload.op === "eval" ? { kind: "evaluate", code: payload.javaScript }
      : { kind: "snapshot", format: payload.format, maxWidth: payload.maxWidth, quality: payload.quality };
    // The sandbox has no origin that could be named.
    frame.contentWindow.postMessage({ jarvisCanvas: 1, id, ...question }, "*");
    const { result, picture } = await reply;
    if (payload.op === "eval") return { ok: true, result: typeof result === "string" ? result.slice(0, 200_000) : "null" };
    if (typeof picture?.base64 !== "string") throw new Error("the page gave no picture");
    return { ok: true, picture: { base64: picture.base64, width: Number(picture.width) || 0, height: Number(picture.height) || 0 } };
  }

  /** Whatever a page in the sandbox says is its own word, and only that of the frame that is shown counts. */
  heard({ source, data }) {
    if (!this.frame || source !== this.frame.contentWindow || data?.jarvisCanvas !== 1) return;
    if (data.type === "ready") {
      this.version = Number(data.version) || 0;
      this.pageTitle = typeof data.title === "string" ? data.title.slice(0, 200) : "";
      this.settled(this.version);
      this.render();
      this.options.onScene(false);
    } else if (data.type === "expired") {
      // A page may say so as often as it likes; it is heard now and then.
      if (Date.now() - (this.renewedAt ?? 0) < 10_000) return;
      this.renewedAt = Date.now();
      this.load();
    } else if (data.type === "answer") {
      const waiter = this.waiting.get(data.id);
      if (!waiter || waiter.frame !== this.frame) return;
      this.waiting.delete(data.id);
      if (data.ok === true) waiter.resolve(data);
      else waiter.reject(new Error(String(data.error).slice(0, 4000)));
    }
  }

  render() {
    const { visible } = this.scene;
    this.title.textContent = visible ? this.name : "Canvas";
    this.meta.textContent = visible && this.scene.path !== "/" ? this.scene.path : "";
    this.again.hidden = this.apart.hidden = !visible;
    this.close.hidden = !visible;
    if (this.frame) return;
    this.stage.replaceChildren(h("div", { class: "empty" }, icon("canvas"),
      h("h2", { text: this.problem ? "The canvas can't be shown" : "Nothing is on the canvas" }),
      h("p", { class: "muted", text: this.problem || "Ask for a page, a chart or a small app; what the assistant makes appears here." })));
  }
}
