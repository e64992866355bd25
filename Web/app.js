// Start of the page: token, instance, colour, connection, views and keys.

import { announce, byId, h, icon, storage } from "./dom.js";
import { Gateway } from "./gateway.js";
import { loadDevice } from "./device.js";
import { Chat } from "./chat.js";
import { Sessions } from "./sessions.js";
import { StatusView } from "./status.js";
import { LogView } from "./logs.js";
import { CanvasView } from "./canvas.js";
import { BrowserView } from "./browser.js";
import { Approvals } from "./approvals.js";
import { hideGate, showForeign, showPairing, showSignIn, showUnreachable, showUnsupported } from "./gate.js";
import { paint } from "./colour.js";

const local = storage("localStorage");
const tab = storage("sessionStorage");
const wide = matchMedia("(min-width: 76rem)");
const bootstrapURL = new URL("../__jarvis/control-ui-config.json", import.meta.url);

/**
 * Takes the token out of the address, and the rest of query and fragment with it: nothing else there has a meaning.
 * The history entry is replaced, so that neither "back" nor a shared address carries the token.
 */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash || location.search || location.href.endsWith("#")) history.replaceState(null, "", location.pathname);
  return token || null;
}

let linkToken = takeToken();

async function fetchBootstrap() {
  const response = await fetch(bootstrapURL, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const record = await response.json();
  if (typeof record.instanceId !== "string" || record.instanceId === "") throw new Error("no instance id");
  return record;
}

async function start() {
  prepareChrome();
  let bootstrap = null;
  for (let wait = 1000; bootstrap === null; wait = Math.min(wait * 2, 30_000)) {
    try {
      bootstrap = await fetchBootstrap();
    } catch {
      showConnection("waiting", "No answer");
      showUnreachable();
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  hideGate();
  linkToken = takeToken() ?? linkToken;
  new Page(bootstrap);
}

function showConnection(state, text) {
  const node = byId("connection");
  node.dataset.state = state;
  byId("connection-text").textContent = text;
  node.setAttribute("aria-label", state === "waiting" ? `${text}. Try now` : text);
}

function prepareChrome() {
  byId("menu").append(icon("menu"));
  const names = { chat: ["chat", "Chat"], canvas: ["canvas", "Canvas"], browser: ["globe", "Browser"], status: ["pulse", "Status"], logs: ["lines", "Logs"] };
  for (const button of document.querySelectorAll("[data-view]")) {
    const [shape, name] = names[button.dataset.view];
    button.append(icon(shape), name);
  }
}

class Page {
  constructor(bootstrap) {
    this.bootstrap = bootstrap;
    const { instanceId } = bootstrap;
    this.tokenKey = `jarvis.token.${instanceId}`;
    this.deviceTokenKey = `jarvis.deviceToken.${instanceId}`;
    this.passwordKey = `jarvis.password.${instanceId}`;
    this.sessionKey = `jarvis.session.${instanceId}`;
    this.profile = bootstrap.profile || "default";
    this.command = this.profile === "default" ? "jarvis" : `jarvis --profile ${this.profile}`;
    // A link may introduce a token, but it displaces a known one only after the gateway has accepted it.
    this.linkToken = linkToken;
    if (linkToken && !local.get(this.tokenKey)) {
      local.set(this.tokenKey, linkToken);
      this.unconfirmed = linkToken;
    }
    linkToken = null;

    byId("plate-name").textContent = this.profile;
    byId("plate").hidden = false;
    document.title = `JARVIS · ${this.profile}`;
    paint(bootstrap.color);

    const gateway = () => this.gateway;
    this.sessions = new Sessions({
      gateway, onOpen: (key) => this.openSession(key), isRunning: (key) => this.chat.isRunning(key),
      onRows: () => this.chat.setTitle(),
    });
    this.gateway = new Gateway({
      instanceId, fetchBootstrap,
      credentials: () => this.credentials(),
      device: () => (this.device ??= loadDevice(instanceId)),
      accepted: (auth, hello) => this.accepted(auth, hello),
      onState: () => this.stateChanged(),
      onEvent: (name, payload) => this.happened(name, payload),
      onGap: () => this.gap(),
    });
    this.chat = new Chat({
      gateway, instanceId, profile: this.profile,
      onActivity: () => {
        this.sessions.render();
        this.sessions.refreshSoon();
      },
      describe: (key) => this.sessions.describe(key),
      confirm: (question) => this.ask(question),
    });
    this.status = new StatusView({ gateway, bootstrap: { ...bootstrap, profile: this.profile } });
    this.logs = new LogView({ gateway });
    this.browser = new BrowserView({ gateway });
    this.approvals = new Approvals({ gateway });
    this.canvas = new CanvasView({
      gateway, onScene: (isNews) => this.sceneChanged(isNews), onClose: () => this.closeCanvas(),
    });
    this.view = "chat";
    this.wireKeys();
    this.gateway.connect();
    setInterval(() => this.gateway.state === "waiting" && this.stateChanged(), 1000);
  }

  // ---- credentials

  credentials() {
    const list = [];
    const token = local.get(this.tokenKey);
    const deviceToken = local.get(this.deviceTokenKey);
    const password = tab.get(this.passwordKey);
    for (const value of new Set([this.linkToken, token])) if (value) list.push({ token: value });
    if (password) list.push({ password });
    if (deviceToken) list.push({ deviceToken });
    return list.length > 0 ? list : [{}];
  }

  accepted(auth, hello) {
    if (auth.token) local.set(this.tokenKey, auth.token);
    this.linkToken = null;
    this.unconfirmed = undefined;
    if (hello.auth?.deviceToken) local.set(this.deviceTokenKey, hello.auth.deviceToken);
    this.sessions.greeted(hello);
    this.status.greeted(hello);
  }

  refused(error) {
    const { detail } = error;
    if (detail === "AUTH_DEVICE_TOKEN_MISMATCH") local.set(this.deviceTokenKey, null);
    if (detail === "AUTH_PASSWORD_MISMATCH") tab.set(this.passwordKey, null);
    if (detail === "AUTH_TOKEN_MISMATCH") {
      this.linkToken = null;
      if (local.get(this.tokenKey) === this.unconfirmed) local.set(this.tokenKey, null);
    }
    if (detail.includes("PAIRING")) {
      showPairing(error, this.command, () => this.gateway.connect());
      return;
    }
    showSignIn(error, this.command, (secret, isPassword) => {
      if (isPassword) tab.set(this.passwordKey, secret);
      else this.linkToken = secret;
      this.gateway.connect();
    });
  }

  // ---- connection

  stateChanged() {
    const { gateway } = this;
    const { state } = gateway;
    const seconds = Math.max(0, Math.ceil((gateway.retryAt - Date.now()) / 1000));
    const texts = {
      connecting: gateway.restarting ? "Restarting…" : "Connecting…",
      ready: gateway.restarting ? "Restarting…" : gateway.reason ? "Stopping…" : "Connected",
      waiting: `${gateway.restarting ? "Restarting" : "Offline"} · ${seconds} s`,
      refused: "Not signed in", foreign: "Other gateway", unsupported: "Not compatible",
    };
    showConnection(state === "ready" && gateway.reason ? "waiting" : state, texts[state]);
    const changed = this.shownState !== state;
    this.shownState = state;
    this.showNotice();
    if (!changed) return;
    if (state !== "ready") this.chat.disconnected();
    if (state === "ready") this.becameReady();
    else if (state === "waiting") {
      if (this.wasReady) announce(`${gateway.reason} Trying again.`);
      if (gateway.attempts === 1) this.status.render();
    } else if (state === "refused") this.refused(gateway.refusal);
    else if (state === "foreign") showForeign(this.bootstrap, this.profile, gateway.otherInstance);
    else if (state === "unsupported") showUnsupported();
  }

  async becameReady() {
    const cameFromGate = document.body.dataset.gate === "shown";
    hideGate();
    if (this.wasReady) announce("Connected again");
    const firstTime = !this.wasReady;
    this.wasReady = true;
    this.chat.composer.setBlocked(this.gateway.can("operator.write") ? "" : "This sign-in may read, but not write");
    if (firstTime) this.openSession(tab.get(this.sessionKey) ?? this.sessions.mainKey, { focus: cameFromGate });
    this.sessions.refresh();
    this.sessions.subscribe();
    this.chat.resume();
    this.canvas.greeted(this.gateway.hello);
    this.approvals.greeted();
    if (this.view === "status") this.status.refresh();
    if (this.view === "browser") this.browser.refresh();
    if (firstTime && !matchMedia("(pointer: coarse)").matches && this.view === "chat") byId("input").focus();
  }

  showNotice() {
    const { gateway } = this;
    const notice = byId("notice");
    const text = gateway.state === "waiting" && this.wasReady
      ? `${gateway.reason} What you write is kept and sent when the connection is back.`
      : gateway.state === "waiting" ? gateway.reason
        : gateway.state === "ready" && gateway.reason ? gateway.reason : "";
    if (notice.dataset.text === text) return;
    notice.dataset.text = text;
    notice.hidden = text === "";
    notice.replaceChildren(icon("alert"), h("span", { text }));
    if (gateway.state === "waiting") {
      notice.append(h("button", { type: "button", class: "link", text: "Try now", on: { click: () => gateway.nudge() } }));
    }
  }

  gap() {
    this.gapTimer ??= setTimeout(() => {
      this.gapTimer = undefined;
      this.chat.refresh();
      this.sessions.refresh();
    }, 1000);
  }

  happened(name, payload) {
    if (name === "chat") this.chat.chatEvent(payload);
    else if (name === "agent") this.chat.agentEvent(payload);
    else if (name === "presence") this.status.presenceChanged(payload.presence ?? []);
    else if (name === "health" && this.view === "status") this.status.refresh();
    else if (name === "sessions.changed") this.sessions.refreshSoon();
    else if (name === "canvas") this.canvas.event(payload);
    else if (name === "exec.approval.requested") this.approvals.requested(payload);
    else if (name === "exec.approval.resolved") this.approvals.resolved(payload);
  }

  // ---- views

  openSession(key, { focus = true } = {}) {
    tab.set(this.sessionKey, key);
    this.show("chat");
    this.closeDrawer();
    this.chat.open(key);
    this.sessions.setCurrent(key);
    if (focus && !matchMedia("(pointer: coarse)").matches) byId("input").focus();
  }

  show(view) {
    if (this.view === "status") this.status.hide();
    if (this.view === "logs") this.logs.hide();
    if (this.view === "browser") this.browser.hide();
    this.view = view;
    for (const name of ["chat", "browser", "status", "logs"]) byId(`view-${name}`).hidden = name !== view;
    if (view === "canvas") this.canvasClosed = false;
    this.placeCanvas();
    for (const button of document.querySelectorAll("[data-view]")) {
      if (button.dataset.view === view) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    }
    if (view === "status") this.status.show();
    if (view === "logs") this.logs.show();
    if (view === "browser") this.browser.show();
    if (view === "chat" && this.chat?.pinned) this.chat.toBottom();
  }

  // ---- canvas

  /** Something was put on the canvas, or taken away: beside the chat where there is room, else a button leads there. */
  sceneChanged(isNews) {
    if (isNews) {
      this.canvasClosed = false;
      announce(`On the canvas: ${this.canvas.name}`);
    }
    if (!this.canvas.isShowing && this.view === "canvas" && this.canvasSeen) this.show("chat");
    this.canvasSeen = this.canvas.isShowing;
    this.placeCanvas();
  }

  closeCanvas() {
    this.canvasClosed = true;
    if (this.view === "canvas") this.show("chat");
    else this.placeCanvas();
    byId("input").focus();
  }

  placeCanvas() {
    const { isShowing } = this.canvas;
    const beside = this.view === "chat" && isShowing && !this.canvasClosed && wide.matches;
    const shown = this.view === "canvas" || beside;
    const node = byId("view-canvas");
    // A page that is not looked at stays laid out, so that it can run and be asked.
    node.hidden = !shown && !isShowing;
    node.classList.toggle("backstage", !shown && isShowing);
    node.inert = !shown;
    byId("main").classList.toggle("split", beside);
    const chip = byId("canvas-chip");
    chip.hidden = !isShowing || beside;
    chip.replaceChildren(icon("canvas"), h("span", { text: this.canvas.name }));
    chip.setAttribute("aria-label", `Show the canvas: ${this.canvas.name}`);
  }

  get drawerOpen() {
    return document.body.dataset.drawer === "open";
  }

  openDrawer() {
    if (!matchMedia("(max-width: 52rem)").matches) return;
    document.body.dataset.drawer = "open";
    byId("shade").hidden = false;
    byId("main").inert = true;
    byId("menu").setAttribute("aria-expanded", "true");
    byId("menu").replaceChildren(icon("close"));
  }

  closeDrawer() {
    if (!this.drawerOpen) return;
    delete document.body.dataset.drawer;
    byId("shade").hidden = true;
    byId("main").inert = false;
    byId("menu").setAttribute("aria-expanded", "false");
    byId("menu").replaceChildren(icon("menu"));
  }

  /** A yes-or-no question; Escape and a click beside it mean no. */
  ask({ title, text, action }) {
    const dialog = byId("ask");
    return new Promise((resolve) => {
      const yes = h("button", { type: "button", class: "button primary", text: action, on: { click: () => dialog.close("yes") } });
      const no = h("button", { type: "button", class: "button", text: "Cancel", on: { click: () => dialog.close("no") } });
      dialog.replaceChildren(h("h2", { id: "ask-title", text: title }), h("p", { text }), h("div", { class: "row end" }, no, yes));
      dialog.returnValue = "no";
      dialog.onclick = (event) => event.target === dialog && dialog.close("no");
      dialog.onclose = () => resolve(dialog.returnValue === "yes");
      dialog.showModal();
      no.focus();
    });
  }

  // ---- keys

  wireKeys() {
    byId("menu").addEventListener("click", () => (this.drawerOpen ? this.closeDrawer() : this.openDrawer()));
    byId("shade").addEventListener("click", () => this.closeDrawer());
    byId("skip").addEventListener("click", () => byId("input").focus());
    byId("connection").addEventListener("click", () => {
      if (this.gateway.state === "waiting") this.gateway.nudge();
      else this.show("status");
    });
    for (const button of document.querySelectorAll("[data-view]")) {
      button.addEventListener("click", () => {
        this.show(button.dataset.view);
        this.closeDrawer();
      });
    }
    document.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("online", () => this.gateway.nudge());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.gateway.wake();
      this.canvas.attach();
    });
    // Where the on-screen keyboard covers the page instead of shrinking it, the page shrinks itself.
    window.visualViewport?.addEventListener("resize", () => {
      const { scale, height } = window.visualViewport;
      if (scale !== 1) return;
      document.body.style.height = Math.round(height) < window.innerHeight ? `${Math.round(height)}px` : "";
      window.scrollTo(0, 0);
    });
    window.addEventListener("hashchange", () => {
      const token = takeToken();
      if (!token) return;
      this.linkToken = token;
      if (this.gateway.state !== "foreign") this.gateway.connect();
    });
    byId("canvas-chip").addEventListener("click", () => {
      this.canvasClosed = false;
      if (wide.matches) this.placeCanvas();
      else this.show("canvas");
    });
    wide.addEventListener("change", () => this.placeCanvas());
    matchMedia("(max-width: 52rem)").addEventListener("change", () => this.closeDrawer());
  }

  pressed(event) {
    if (event.isComposing || event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      this.openDrawer();
      this.sessions.focusFilter();
    } else if (event.key === "Escape") {
      if (byId("ask").open) return;
      if (this.drawerOpen) {
        this.closeDrawer();
        byId("menu").focus();
      } else if (this.view === "chat" && this.chat.running) {
        event.preventDefault();
        this.chat.stop();
      }
    } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      if (event.target.closest("input, textarea, select, dialog") || this.view !== "chat" || byId("gate").hidden === false) return;
      event.preventDefault();
      this.chat.composer.insertSlash();
    }
  }
}

start();
