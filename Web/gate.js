// The panels that take the place of the views when the page can't work: what is wrong, and what to do about it.

import { byId, commandLine, h } from "./dom.js";

const noToken = "This gateway wants a token, and this browser has none for it yet.";
const reasons = {
  AUTH_REQUIRED: noToken,
  AUTH_TOKEN_MISSING: noToken,
  DEVICE_IDENTITY_REQUIRED: noToken,
  AUTH_TOKEN_MISMATCH: "The token that this browser has is not the gateway's token (any more).",
  AUTH_DEVICE_TOKEN_MISMATCH: "The access that this browser was given has been withdrawn or has run out.",
  AUTH_TOKEN_NOT_CONFIGURED: "The gateway has no token configured, so nobody can sign in with one.",
  AUTH_PASSWORD_MISSING: "This gateway wants a password.",
  AUTH_PASSWORD_MISMATCH: "That password is not right.",
  AUTH_PASSWORD_NOT_CONFIGURED: "The gateway has no password configured, so nobody can sign in with one.",
  AUTH_RATE_LIMITED: "There were too many wrong attempts. Wait a minute, then try again.",
};

/** A panel with a title. */
function showGate(title, content, { focus = false } = {}) {
  const gate = byId("gate");
  gate.replaceChildren(h("div", { class: "gate-box" }, h("h1", { id: "gate-title", text: title, tabindex: "-1" }), content));
  gate.hidden = false;
  document.body.dataset.gate = "shown";
  if (focus) byId("gate-title").focus();
}

/** Gives the place back to the views. */
export function hideGate() {
  byId("gate").hidden = true;
  byId("gate").replaceChildren();
  delete document.body.dataset.gate;
}

const paragraph = (text) => h("p", { text });
const answer = (error) => h("p", { class: "muted small-print" }, "Answer of the gateway: ", h("code", { text: error.message }));
const reload = (kind) => h("button", { type: "button", class: `button ${kind}`, text: "Load again", on: { click: () => location.reload() } });

/** Nothing answers, and it is not known yet which gateway this is. */
export function showUnreachable() {
  showGate("The gateway does not answer", [
    paragraph("This page is open, but the gateway behind it does not answer. It may be starting or stopped; the page keeps trying."),
    paragraph("In a terminal, see what it is doing:"),
    commandLine("jarvis status"),
  ]);
}

/** The credential was refused. `connect(secret, isPassword)` tries another. */
export function showSignIn(error, command, connect) {
  const isPassword = error.detail.startsWith("AUTH_PASSWORD");
  const word = isPassword ? "password" : "token";
  const field = h("input", {
    type: "password", id: "secret", autocomplete: "off", autocapitalize: "none", spellcheck: "false",
    required: true, "aria-describedby": "secret-why",
  });
  const form = h("form", { class: "secret" },
    h("label", { for: "secret", text: isPassword ? "Enter the password" : "Or enter the token" }),
    h("div", { class: "row" }, field, h("button", { type: "submit", class: "button primary", text: "Connect" })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const secret = field.value.trim();
    if (secret) connect(secret, isPassword);
  });
  showGate("Sign in to this gateway", [
    h("p", { id: "secret-why", text: reasons[error.detail] ?? `The gateway refused this page: ${error.message}` }),
    isPassword ? null : [
      paragraph("On the machine where it runs, this prints a link that signs you in:"),
      commandLine(`${command} dashboard`),
    ],
    form,
    h("p", { class: "muted", text: `The ${word} stays in this browser${isPassword ? " until you close the tab" : ", only for this gateway"}.` }),
    answer(error),
  ]);
  field.focus();
}

/** The gateway wants this browser approved first. */
export function showPairing(error, command, retry) {
  const { requestId } = error.details;
  showGate("This browser needs approval", [
    paragraph("The gateway does not know this browser yet. Approve it on the machine where the gateway runs:"),
    commandLine(requestId
      ? `${command} gateway call device.pair.approve --params '${JSON.stringify({ requestId })}'`
      : `${command} gateway call device.pair.list`),
    h("button", { type: "button", class: "button primary", text: "Try again", on: { click: retry } }),
    answer(error),
  ], { focus: true });
}

/** A gateway with another instance id answers at this address. */
export function showForeign(bootstrap, profile, found) {
  const other = found.profile ? `“${found.profile}”` : "a different one";
  const row = (name, id) => h("div", {}, h("dt", { text: name }), h("dd", {}, h("code", { text: id })));
  showGate("Another gateway answers here", [
    paragraph(`This page belongs to the gateway “${profile}”, but now ${other} answers at this address. The page has stopped.`),
    h("dl", { class: "facts" }, row("Expected", bootstrap.instanceId), row("Found", found.instanceId)),
    paragraph("If that is what you want, load the page again to use the gateway that is here now."),
    reload("primary"),
  ], { focus: true });
}

/** There is no protocol version that both sides speak. */
export function showUnsupported() {
  showGate("This page does not fit the gateway", [
    paragraph("The gateway speaks another version of the protocol. Load the page again to get the one that belongs to it."),
    reload("primary"),
  ], { focus: true });
}
