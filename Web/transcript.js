// From the gateway's transcript to what the conversation shows.

function blocks(message) {
  const { content } = message;
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content : [];
}

/** The text of a message; pictures are named. */
export function messageText(message) {
  return blocks(message).map((block) => {
    if (block.type === "text") return block.text ?? "";
    return block.type === "image" ? "*[picture]*" : "";
  }).filter(Boolean).join("\n\n");
}

/** A tool's result as text. */
export function plain(value) {
  if (typeof value === "string") return value;
  if (Array.isArray(value?.content ?? value)) {
    const text = (value.content ?? value).map((block) => block?.text ?? "").join("\n");
    if (text) return text;
  }
  return JSON.stringify(value, null, 2) ?? "";
}

/** Turns a transcript into what is shown: tool calls and results are gathered under the answer they led to. */
export function readHistory(messages) {
  const items = [];
  let tools = [];
  let thinking = "";
  const flush = (at) => {
    if (tools.length > 0) items.push({ kind: "assistant", text: "", at, state: "done", tools });
    tools = [];
    thinking = "";
  };
  for (const message of messages) {
    const { id, runId, timestamp: at = Date.now() } = message;
    if (message.role === "user") {
      flush(at);
      items.push({ kind: "user", id, runId, text: messageText(message), at, state: "sent" });
    } else if (message.role === "toolResult") {
      const tool = tools.find((other) => other.id === message.toolCallId);
      if (tool) Object.assign(tool, { done: true, failed: message.isError === true, output: plain(message) });
    } else if (message.role === "assistant") {
      for (const block of blocks(message)) {
        if (block.type === "toolCall") tools.push({ id: block.id, name: block.name, input: block.arguments, done: true });
        if (block.type === "thinking") thinking += block.thinking ?? "";
      }
      const text = messageText(message);
      const state = { aborted: "stopped", error: "error" }[message.stopReason] ?? "done";
      if (!text && state === "done") continue;
      items.push({
        kind: "assistant", id, runId, text, at, state, tools, thinking, error: message.errorMessage ?? "",
        model: message.model, usage: message.usage,
      });
      tools = [];
      thinking = "";
    } else {
      flush(at);
      items.push({ kind: "system", id, text: messageText(message), at, state: "note" });
    }
  }
  flush(Date.now());
  return items;
}

/** All tokens of a turn; 0 when the provider did not count. */
export function tokenCount(usage) {
  if (!usage) return 0;
  return usage.totalTokens ?? (usage.input ?? 0) + (usage.output ?? 0);
}
