// The message field: drafts per session, growth, Enter and Escape, the list of slash commands.

import { byId, h, icon, storage } from "./dom.js";

const commands = [
  { name: "/help", text: "What JARVIS can do" },
  { name: "/status", text: "How this gateway is" },
  { name: "/errors", text: "The last errors" },
  { name: "/logs", text: "The newest log lines" },
  { name: "/model", text: "Show or choose the model", argument: true },
  { name: "/config", text: "Read or change a setting", argument: true },
  { name: "/undo", text: "Take the last change back" },
  { name: "/restart", text: "Restart the gateway" },
  { name: "/new", text: "Start this session afresh" },
  { name: "/stop", text: "Stop the running answer" },
];

/** `options`: `instanceId`, `onSend(text)` → false when the text was not taken, `onStop()`. */
export class Composer {
  constructor(options) {
    this.options = options;
    this.tab = storage("sessionStorage");
    this.input = byId("input");
    this.sendButton = byId("send");
    this.stopButton = byId("stop");
    this.menu = byId("slash");
    this.sendButton.append(icon("send"));
    this.stopButton.append(icon("stop"));
    this.matches = [];
    this.chosen = 0;

    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.stopButton.addEventListener("click", () => options.onStop());
    this.input.addEventListener("input", () => this.changed());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("blur", () => this.closeMenu());
    this.menu.addEventListener("pointerdown", (event) => {
      // Keep the focus (and the phone's keyboard) in the field.
      event.preventDefault();
      const row = event.target.closest("[data-index]");
      if (row) this.take(Number(row.dataset.index));
    });
  }

  get menuOpen() {
    return !this.menu.hidden;
  }

  /** Shows the draft of another session. */
  switchTo(sessionKey) {
    this.draftKey = `jarvis.draft.${this.options.instanceId}.${sessionKey}`;
    this.input.value = this.tab.get(this.draftKey) ?? "";
    this.changed();
  }

  setRunning(running) {
    if (this.stopButton.hidden === !running) return;
    // The focus must not vanish together with the button.
    if (!running && document.activeElement === this.stopButton) this.input.focus();
    this.stopButton.hidden = !running;
  }

  /** `reason` empty: writing is allowed. */
  setBlocked(reason) {
    this.blocked = reason;
    this.input.disabled = reason !== "";
    this.input.placeholder = reason || "Message";
    this.sendButton.disabled = this.input.disabled || this.input.value.trim() === "";
  }

  insertSlash() {
    this.input.focus();
    if (this.input.value === "") this.input.value = "/";
    this.changed();
  }

  closeMenu() {
    this.menu.hidden = true;
    this.input.removeAttribute("aria-activedescendant");
  }

  send() {
    const text = this.input.value.trim();
    if (text === "" || this.blocked) return;
    if (this.options.onSend(text) === false) return;
    this.input.value = "";
    this.changed();
    this.input.focus();
  }

  changed() {
    const { input } = this;
    this.tab.set(this.draftKey, input.value || null);
    this.sendButton.disabled = input.disabled || input.value.trim() === "";
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    const typed = /^\/\S*$/.test(input.value) && document.activeElement === input ? input.value.toLowerCase() : null;
    this.matches = typed === null ? [] : commands.filter(({ name }) => name.startsWith(typed));
    this.chosen = 0;
    if (this.matches.length === 0 || (this.matches.length === 1 && this.matches[0].name === typed)) this.closeMenu();
    else this.drawMenu();
  }

  drawMenu() {
    this.menu.replaceChildren(...this.matches.map(({ name, text }, index) =>
      h("li", { role: "option", id: `slash-${index}`, "aria-selected": String(index === this.chosen), data: { index } },
        h("code", { text: name }), h("span", { text }))));
    this.menu.hidden = false;
    this.input.setAttribute("aria-controls", "slash");
    this.input.setAttribute("aria-activedescendant", `slash-${this.chosen}`);
    this.menu.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  take(index) {
    const { name, argument } = this.matches[index];
    this.input.value = argument ? `${name} ` : name;
    this.changed();
    this.closeMenu();
    this.input.focus();
  }

  pressed(event) {
    // While an input method composes, its Enter belongs to it.
    if (event.isComposing || event.keyCode === 229) return;
    if (this.menuOpen) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        this.chosen = (this.chosen + step + this.matches.length) % this.matches.length;
        this.drawMenu();
      } else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) {
        if (event.key === "Enter" && this.matches[this.chosen].name === this.input.value) {
          event.preventDefault();
          this.closeMenu();
          this.send();
          return;
        }
        this.take(this.chosen);
      } else if (event.key === "Escape") {
        this.closeMenu();
        event.stopPropagation();
      } else {
        return;
      }
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }
}
