// The browser: profiles, tabs and a live picture of one of them.

import { announce, byId, h, icon } from "./dom.js";
import { ConnectionLost } from "./gateway.js";

const pictureEvery = 1000;
const listEvery = 3000;

/** `options`: `gateway()`. */
export class BrowserView {
  constructor(options) {
    this.options = options;
    this.root = byId("view-browser");
    this.profiles = [];
    this.tabs = [];
    this.select = h("select", { id: "browser-profile", "aria-label": "Browser profile", on: { change: () => this.choose(this.select.value) } });
    this.lamp = h("span", { class: "lamp", "aria-hidden": "true" });
    this.state = h("span", { class: "meta" });
    this.power = h("button", { type: "button", class: "button", text: "Start", disabled: true, on: { click: () => this.toggle() } });
    this.address = h("input", { type: "text", inputmode: "url", placeholder: "Open an address", "aria-label": "Address to open", autocomplete: "off", autocapitalize: "none", spellcheck: "false", enterkeyhint: "go" });
    this.form = h("form", { class: "browser-go", on: { submit: (event) => this.open(event) } }, this.address,
      h("button", { type: "submit", class: "button", text: "Open" }));
    this.strip = h("ul", { class: "tabs", "aria-label": "Tabs" });
    this.where = h("p", { class: "shot-url muted small-print", hidden: true, dir: "ltr" });
    this.image = h("img", { class: "shot", alt: "", hidden: true });
    this.note = h("div", { class: "empty" });
    this.problem = h("p", { class: "problem", role: "status", hidden: true });
    this.question = h("form", { class: "browser-ask", role: "group", "aria-label": "Dialog of the page", hidden: true, on: { submit: (event) => this.reply(event, true) } });
    this.root.append(
      h("div", { class: "view-head" }, h("h1", { id: "browser-title", text: "Browser" }), this.lamp, this.state, this.power),
      h("div", { class: "browser-tools" }, this.select, this.form),
      this.problem, this.question, this.strip,
      h("div", { class: "page-scroll shot-scroll", tabindex: "0", role: "region", "aria-label": "Picture of the tab" }, this.where, this.image, this.note));
    document.addEventListener("visibilitychange", () => this.shown && document.visibilityState === "visible" && this.refresh());
  }

  show() {
    this.shown = true;
    this.refresh();
  }

  hide() {
    this.shown = false;
    clearTimeout(this.listTimer);
    clearTimeout(this.pictureTimer);
    this.listTimer = this.pictureTimer = undefined;
    this.drop();
  }

  /** A request to the control service. */
  ask(method, path, { query = {}, body, timeoutMs = 20_000 } = {}) {
    const params = { method, path, query: { ...query, ...(this.profile ? { profile: this.profile } : {}) }, timeoutMs };
    if (body) params.body = body;
    return this.options.gateway().request("browser.request", params, { timeout: timeoutMs + 5000 });
  }

  get isWatched() {
    return this.shown && document.visibilityState === "visible" && this.options.gateway().state === "ready";
  }

  async refresh() {
    clearTimeout(this.listTimer);
    if (!this.isWatched) return;
    const round = (this.round = (this.round ?? 0) + 1);
    try {
      const { profiles, enabled } = await this.options.gateway().request("browser.request", { method: "GET", path: "/profiles" });
      this.profiles = profiles ?? [];
      this.isOff = enabled === false;
      if (!this.profiles.some(({ name }) => name === this.profile)) {
        this.profile = (this.profiles.find(({ running }) => running) ?? this.profiles.find(({ isDefault }) => isDefault) ?? this.profiles[0])?.name;
      }
      const running = this.current?.running;
      this.tabs = running ? (await this.ask("GET", "/tabs")).tabs ?? [] : [];
      if (round !== this.round) return;
      if (!this.tabs.some(({ targetId }) => targetId === this.target)) this.target = this.tabs.at(-1)?.targetId;
      this.unavailable = "";
    } catch (error) {
      if (error instanceof ConnectionLost || round !== this.round) return;
      this.profiles = [];
      this.tabs = [];
      this.unavailable = error.message;
    }
    this.render();
    this.watch();
    if (this.isWatched) this.listTimer = setTimeout(() => this.refresh(), listEvery);
  }

  get shownTab() {
    return this.tabs.find(({ targetId }) => targetId === this.target);
  }

  get current() {
    return this.profiles.find(({ name }) => name === this.profile);
  }

  choose(name) {
    this.profile = name;
    this.target = undefined;
    this.drop();
    this.refresh();
  }

  async act(label, work) {
    if (this.busy) return;
    this.busy = label;
    this.complain("");
    this.render();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ConnectionLost)) this.complain(error.message);
    }
    this.busy = "";
    await this.refresh();
  }

  toggle() {
    const running = this.current?.running;
    this.act(running ? "Stopping…" : "Starting…", () => this.ask("POST", running ? "/stop" : "/start", { timeoutMs: 60_000 }));
  }

  open(event) {
    event.preventDefault();
    let url = this.address.value.trim();
    if (!url) return;
    if (!/^[a-z][a-z0-9+.-]*:/i.test(url)) url = `https://${url}`;
    this.act("Opening…", async () => {
      const tab = await this.ask("POST", "/tabs/open", { body: { url }, timeoutMs: 60_000 });
      this.target = tab.targetId;
      this.address.value = "";
    });
  }

  reply(event, accept) {
    event.preventDefault();
    const promptText = this.question.querySelector("input")?.value;
    this.act("Answering…", () => this.ask("POST", "/hooks/dialog", {
      body: { accept, targetId: this.target, ...(accept && promptText !== undefined ? { promptText } : {}) },
    }));
  }

  closeTab(targetId) {
    this.act("Closing…", () => this.ask("DELETE", `/tabs/${encodeURIComponent(targetId)}`));
  }

  // ---- the picture

  /** Starts the next picture a second after the last one came; none is asked for while nobody can see it. */
  watch(delay = 0) {
    if (this.pictureTimer !== undefined || this.taking || !this.isWatched || !this.target || this.busy) return;
    // A page behind its dialog does not draw, and a dead one never will.
    if (this.shownTab?.dialog || this.shownTab?.crashed) return;
    this.pictureTimer = setTimeout(async () => {
      this.pictureTimer = undefined;
      const { target } = this;
      if (!this.isWatched || !target) return;
      this.taking = true;
      try {
        const { base64, mimeType, width } = await this.ask("GET", "/view", {
          query: { targetId: target, maxWidth: String(Math.min(1600, Math.round(this.root.clientWidth * devicePixelRatio) || 1280)) }, timeoutMs: 8000,
        });
        if (target === this.target && this.shown) this.display(base64, mimeType, width);
      } catch (error) {
        // A dialog that just opened is drawn with the next list; the picture behind it stays.
        const isOurs = target === this.target && this.shown && !(error instanceof ConnectionLost);
        if (isOurs && error.detail !== "dialog_open") this.blank(error.message);
      }
      this.taking = false;
      this.watch(pictureEvery);
    }, delay);
  }

  display(base64, mimeType, width) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: mimeType === "image/png" ? "image/png" : "image/jpeg" }));
    const old = this.shot;
    this.shot = url;
    this.image.onload = () => old && URL.revokeObjectURL(old);
    this.image.src = url;
    this.image.width = width || 1280;
    this.image.alt = `What ${this.tabs.find(({ targetId }) => targetId === this.target)?.title || "the tab"} shows`;
    this.image.hidden = false;
    this.note.hidden = true;
  }

  drop() {
    if (this.shot) URL.revokeObjectURL(this.shot);
    this.shot = undefined;
    this.image.removeAttribute("src");
    this.image.hidden = true;
  }

  blank(text) {
    this.drop();
    this.note.hidden = false;
    this.note.replaceChildren(icon("globe"), h("p", { class: "muted", text }));
  }

  complain(text) {
    this.problem.hidden = text === "";
    this.problem.textContent = text;
  }

  // ---- drawing

  render() {
    const { current } = this;
    const running = current?.running === true;
    const gateway = this.options.gateway();
    const mayAct = gateway.can("operator.write");
    // A list that is open would close if its entries were made anew without need.
    const names = this.profiles.map(({ name, running: isOn }) => [name, isOn ? `${name} · running` : name]);
    if (JSON.stringify(names) !== this.shownNames) {
      this.shownNames = JSON.stringify(names);
      this.select.replaceChildren(...names.map(([value, text]) => h("option", { value, text })));
    }
    this.select.value = this.profile ?? "";
    this.select.hidden = this.profiles.length < 2;
    this.lamp.dataset.state = running ? "on" : "off";
    this.state.textContent = this.busy || (this.unavailable ? "" : this.isOff ? "turned off" : running
      ? `running · ${this.tabs.length} ${this.tabs.length === 1 ? "tab" : "tabs"}` : "stopped");
    this.power.textContent = running ? "Stop" : "Start";
    this.power.disabled = Boolean(this.busy) || !current || !mayAct || this.isOff;
    this.form.hidden = !current || !mayAct || this.isOff;
    this.strip.hidden = this.tabs.length === 0;
    const focused = this.strip.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    this.strip.replaceChildren(...this.tabs.map((tab) => this.tab(tab, mayAct)));
    const { url, crashed, dialog } = this.shownTab ?? {};
    this.where.textContent = this.where.title = url ?? "";
    this.where.hidden = !url;
    if (this.target !== this.shownTarget) this.strip.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    this.shownTarget = this.target;
    // The tab that was closed with the keyboard leaves its place to the one that is shown.
    if (focused) (this.strip.querySelector(`[data-key="${CSS.escape(focused)}"]`) ?? this.strip.querySelector("[aria-current]"))?.focus();
    if (this.unavailable) this.blank(this.unavailable);
    else if (this.isOff) this.blank("The browser is turned off: the setting browser.enabled is false.");
    else if (!running) {
      const why = current?.reason ?? current?.problem;
      this.blank(`${why ? `The browser does not run: ${why}.` : "The browser is stopped."} Start it here, or ask the assistant to open a page.`);
    }
    else if (this.tabs.length === 0) this.blank("No tab is open.");
    else if (crashed) this.blank("The page crashed. Close its tab, or open the address again.");
    this.renderDialog(dialog, mayAct);
  }

  /** What the page asks in a dialog, drawn once, so that an answer can be typed. */
  renderDialog(dialog, mayAct) {
    const key = JSON.stringify([this.target, dialog, mayAct]);
    if (key === this.shownDialog) return;
    this.shownDialog = key;
    this.question.hidden = !dialog;
    this.question.replaceChildren();
    if (!dialog) return;
    const isPrompt = dialog.type === "prompt";
    this.question.append(
      h("p", { text: dialog.type === "beforeunload" ? "The page asks whether it may be left." : `The page asks: ${dialog.message ?? ""}` }),
      ...(mayAct ? [
        isPrompt && h("input", { type: "text", "aria-label": "Answer", autocomplete: "off", value: dialog.defaultText ?? "" }),
        dialog.type !== "alert" && h("button", { type: "button", class: "button", text: "Cancel", on: { click: (event) => this.reply(event, false) } }),
        h("button", { type: "submit", class: "button primary", text: "OK" }),
      ].filter(Boolean) : []));
    announce("The page asks something");
  }

  tab({ targetId, title, url }, mayAct) {
    const name = title || url || "New tab";
    const pick = h("button", {
      type: "button", class: "tab-name", title: url, data: { key: targetId }, text: name,
      "aria-current": targetId === this.target ? "true" : null,
      on: {
        click: () => {
          this.target = targetId;
          this.render();
          this.watch();
          announce(`Showing ${name}`);
        },
      },
    });
    const close = mayAct && h("button", {
      type: "button", class: "tab-close", "aria-label": `Close ${name}`, data: { key: `x${targetId}` }, on: { click: () => this.closeTab(targetId) },
    }, icon("close"));
    return h("li", {}, pick, close);
  }
}
