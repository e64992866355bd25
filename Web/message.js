// How one message looks.

import { clockTime, compact, copyButton, dayName, fullTime, h, icon } from "./dom.js";
import { renderMarkdown } from "./markdown.js";
import { tokenCount } from "./transcript.js";

/** The node of an item, made on first use and up to date. `actions`: `again(item)`, `discard(item)`. */
export function nodeFor(item, actions) {
  if (!item.node) {
    if (item.kind === "system") return (item.node = h("p", { class: "system", text: item.text }));
    item.body = h("div", { class: item.kind === "user" ? "bubble" : "body", dir: "auto" });
    item.above = h("div", { class: "above" });
    item.foot = h("div", { class: "foot" });
    item.node = h("article", { class: `message ${item.kind}` }, item.above, item.body, item.foot);
    draw(item, actions);
  } else {
    draw(item, actions);
  }
  return item.node;
}

/** Brings the node of an item up to date; what did not change is not touched. */
export function draw(item, actions) {
  if (item.kind === "system") return;
  item.node.dataset.state = item.state;
  item.node.setAttribute("aria-label", `${item.kind === "user" ? "You" : "JARVIS"}, ${clockTime(item.at)}`);
  if (item.shown !== item.text) {
    if (item.kind === "user") item.body.textContent = item.text;
    else renderMarkdown(item.body, item.text);
    item.shown = item.text;
  }
  item.body.hidden = item.text === "";
  const face = JSON.stringify([item.state, item.stopping, item.error, item.activity, item.at, item.model, item.usage,
    item.tools, item.text === ""]);
  if (item.face === face) return;
  item.face = face;
  drawTools(item);
  drawFoot(item, actions);
}

function drawFoot(item, actions) {
  const parts = [];
  const retry = () => h("button", { type: "button", class: "link", on: { click: () => actions.again(item) } }, "Try again");
  if (item.kind === "user") {
    const states = { sending: "Sending…", waiting: "Waiting for the connection" };
    if (states[item.state]) parts.push(h("span", { text: states[item.state] }));
    if (item.state === "failed") {
      parts.push(h("span", { class: "problem" }, icon("alert"), `Not sent: ${item.error}`), retry(),
        h("button", { type: "button", class: "link", on: { click: () => actions.discard(item) } }, "Discard"));
    }
  } else if (item.state === "streaming") {
    parts.push(h("span", { class: "working" }, h("i", { "aria-hidden": "true" }),
      item.stopping ? "Stopping…" : item.activity || (item.text ? "Writing…" : "Working on it…")));
  } else if (item.state === "stopped") {
    parts.push(h("span", { class: "badge", text: "Stopped" }));
  } else if (item.state === "error") {
    parts.push(h("span", { class: "problem" }, icon("alert"), item.error || "The answer failed."), retry());
  }
  if (item.state !== "streaming") {
    parts.push(h("time", { datetime: new Date(item.at).toISOString(), title: fullTime(item.at), text: clockTime(item.at) }));
  }
  if (item.kind === "assistant" && item.state !== "streaming") {
    if (item.model) parts.push(h("span", { class: "model", text: item.model }));
    const tokens = tokenCount(item.usage);
    if (tokens) parts.push(h("span", { text: `${compact(tokens)} tokens` }));
    if (item.text) parts.push(copyButton("Copy answer", () => item.text, "quiet"));
  }
  item.foot.replaceChildren(...parts);
}

function drawTools(item) {
  const details = (summary, ...content) => h("details", { class: "tool" }, h("summary", {}, summary), ...content);
  const part = (label, text) => text ? [h("p", { class: "label", text: label }), h("pre", { tabindex: "0", text })] : [];
  const nodes = (item.tools ?? []).map((tool) => {
    const state = tool.failed ? "failed" : tool.done ? "" : "running…";
    return details([icon("tool"), h("span", { text: tool.name }), state ? h("span", { class: "tool-state", text: state }) : ""],
      ...part("Input", tool.input === undefined ? "" : JSON.stringify(tool.input, null, 2)), ...part("Result", tool.output));
  });
  if (item.thinking) nodes.unshift(details("Thoughts", h("pre", { class: "thoughts", tabindex: "0", text: item.thinking })));
  item.above.replaceChildren(...nodes);
}

/** The line between two days. */
export const daySeparator = (at) => h("p", { class: "day" }, h("span", { text: dayName(at) }));
