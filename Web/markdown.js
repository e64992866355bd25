// A safe subset of Markdown, built from text nodes and a fixed set of elements. Markup in the source stays text; the
// only attribute that comes from the source is the href of a checked link.

import { copyButton, h } from "./dom.js";

const maximumDepth = 6;
const maximumLabel = 500;
const linkSchemes = new Set(["http:", "https:", "mailto:"]);

const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const heading = /^ {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/;
const rule = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const quote = /^ {0,3}> ?/;
const listItem = /^( {0,9})([-*+]|\d{1,9}[.)])(\s+|$)(.*)$/;
const tableRule = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;

const rendered = new WeakMap();

/**
 * Shows `text` inside `container`. Top-level blocks whose source did not change since the last call keep their nodes, so
 * that a streamed answer costs one block a frame and a selection in finished blocks survives.
 */
export function renderMarkdown(container, text) {
  const sources = splitBlocks(text.replace(/\r\n?/g, "\n").split("\n"));
  const before = rendered.get(container) ?? [];
  let same = 0;
  while (same < sources.length && same < before.length && before[same].key === sources[same].key) same += 1;
  for (const { node } of before.slice(same)) node.remove();
  const blocks = before.slice(0, same);
  for (const source of sources.slice(same)) {
    const node = renderBlock(source, 0);
    container.append(node);
    blocks.push({ key: source.key, node });
  }
  rendered.set(container, blocks);
}

/** The address of a link when its scheme is allowed, else null. Only absolute addresses pass. */
export function safeLink(target) {
  let url;
  try {
    url = new URL(target);
  } catch {
    return null;
  }
  return linkSchemes.has(url.protocol) ? url.href : null;
}

// ---- blocks

function splitBlocks(lines) {
  const blocks = [];
  const push = (kind, from, to, extra = {}) => {
    const source = lines.slice(from, to);
    blocks.push({ kind, lines: source, ...extra, key: `${kind}\n${extra.closed ?? ""}\n${source.join("\n")}` });
  };
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    if (line.trim() === "") {
      at += 1;
      continue;
    }
    const start = at;
    const opened = fence.exec(line);
    if (opened) {
      const mark = opened[1];
      const closing = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}\\s*$`);
      at += 1;
      while (at < lines.length && !closing.test(lines[at])) at += 1;
      push("code", start, Math.min(at + 1, lines.length), { language: opened[2].trim().split(/\s+/)[0], closed: at < lines.length });
      at += 1;
    } else if (heading.test(line)) {
      at += 1;
      push("heading", start, at);
    } else if (rule.test(line)) {
      at += 1;
      push("rule", start, at);
    } else if (quote.test(line)) {
      while (at < lines.length && lines[at].trim() !== "" && (quote.test(lines[at]) || !startsBlock(lines[at]))) at += 1;
      push("quote", start, at);
    } else if (listItem.test(line)) {
      at = endOfList(lines, start);
      push("list", start, at);
    } else if (line.includes("|") && at + 1 < lines.length && tableRule.test(lines[at + 1]) && lines[at + 1].includes("-")
      && cells(line).length === cells(lines[at + 1]).length) {
      at += 2;
      while (at < lines.length && lines[at].includes("|") && lines[at].trim() !== "") at += 1;
      push("table", start, at);
    } else {
      at += 1;
      while (at < lines.length && lines[at].trim() !== "" && !startsBlock(lines[at])) at += 1;
      push("paragraph", start, at);
    }
  }
  return blocks;
}

const startsBlock = (line) =>
  fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line) || listItem.test(line);

function endOfList(lines, start) {
  const indent = listItem.exec(lines[start])[1].length;
  let at = start + 1;
  while (at < lines.length) {
    const line = lines[at];
    if (line.trim() === "") {
      // A blank line ends the list unless an item or indented text follows.
      let next = at;
      while (next < lines.length && lines[next].trim() === "") next += 1;
      if (next >= lines.length) return at;
      const follows = lines[next].search(/\S/) > indent || listItem.test(lines[next]);
      if (!follows || rule.test(lines[next])) return at;
      at = next;
    } else if (line.search(/\S/) > indent || (listItem.test(line) && !rule.test(line))) {
      at += 1;
    } else if (startsBlock(line)) {
      return at;
    } else {
      at += 1;
    }
  }
  return at;
}

function renderBlock(block, depth) {
  const { kind, lines } = block;
  if (kind === "code") return codeBlock(block);
  if (kind === "rule") return h("hr");
  if (kind === "table") return table(lines);
  if (kind === "heading") {
    const [, marks, text] = heading.exec(lines[0]);
    // The page itself owns levels one and two.
    return h(`h${Math.min(6, marks.length + 2)}`, {}, inline(text));
  }
  if (kind === "quote") {
    const inner = lines.map((line) => line.replace(quote, ""));
    return h("blockquote", {}, nested(inner, depth + 1));
  }
  if (kind === "list") return list(lines, depth);
  return h("p", {}, inline(lines.map((line) => line.trimStart()).join("\n")));
}

function nested(lines, depth) {
  if (depth >= maximumDepth) return [h("p", {}, lines.join("\n"))];
  return splitBlocks(lines).map((block) => renderBlock(block, depth));
}

function codeBlock({ lines, language, closed }) {
  const code = lines.slice(1, closed ? -1 : undefined).join("\n");
  return h("figure", { class: "code" },
    h("figcaption", {}, h("span", { text: language || "text" }), copyButton("Copy code", () => code)),
    h("pre", { tabindex: "0", "aria-label": language ? `Code, ${language}` : "Code" }, h("code", { text: code })));
}

function list(lines, depth) {
  const [, lead, marker] = listItem.exec(lines[0]);
  const ordered = /\d/.test(marker);
  const first = Number.parseInt(marker, 10);
  const node = h(ordered ? "ol" : "ul", { start: ordered && first !== 1 ? first : null });
  const items = [];
  for (const line of lines) {
    const match = listItem.exec(line);
    if (match && match[1].length <= lead.length + 1) {
      items.push({ indent: match[1].length + match[2].length + 1, lines: [match[4]] });
    } else {
      const item = items[items.length - 1];
      const space = line.search(/\S/);
      item.lines.push(line.slice(Math.min(item.indent, space < 0 ? line.length : space)));
    }
  }
  for (const item of items) {
    const task = /^\[([ xX])\]\s+/.exec(item.lines[0]);
    if (task) item.lines[0] = item.lines[0].slice(task[0].length);
    const content = depth + 1 >= maximumDepth
      ? [item.lines.join("\n")]
      : splitBlocks(item.lines).flatMap((block, index) =>
        // The first paragraph of an item stands without <p>, which keeps short lists tight.
        index === 0 && block.kind === "paragraph" ? inline(block.lines.join("\n")) : [renderBlock(block, depth + 1)]);
    const box = task && h("input", { type: "checkbox", disabled: true, checked: task[1] !== " " });
    node.append(h("li", { class: task ? "task" : null }, box || null, content));
  }
  return node;
}

function cells(line) {
  const trimmed = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return trimmed.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function table(lines) {
  const titles = cells(lines[0]);
  const sides = cells(lines[1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : null);
  const row = (tag, values) => h("tr", {}, titles.map((_, index) =>
    h(tag, { class: sides[index] ? `side-${sides[index]}` : null }, inline(values[index] ?? ""))));
  return h("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" },
    h("table", {},
      h("thead", {}, row("th", titles)),
      h("tbody", {}, lines.slice(2).map((line) => row("td", cells(line))))));
}

// ---- inline

const delimiters = [["**", "strong"], ["__", "strong"], ["~~", "del"], ["*", "em"], ["_", "em"]];

/** The nodes of one run of inline text. Every search that fails is remembered, so that hostile input stays linear. */
function inline(text, depth = 0, inLink = false) {
  const out = [];
  const hopeless = new Set();
  let plain = "";
  const flush = () => {
    if (plain) out.push(document.createTextNode(plain));
    plain = "";
  };
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === "\n") {
      plain = plain.replace(/ +$/, "");
      flush();
      out.push(h("br"));
      at += 1;
      continue;
    }
    if (char === "\\" && /[!-/:-@[-`{-~]/.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
      continue;
    }
    const found = depth < maximumDepth ? span(text, at, depth, inLink, hopeless) : null;
    if (found) {
      flush();
      out.push(...found.nodes);
      at = found.end;
    } else {
      // A run of the same special character is taken whole, so that it is not tried again inside itself.
      const length = char === "`" ? runLength(text, at) : 1;
      plain += text.slice(at, at + length);
      at += length;
    }
  }
  flush();
  return out;
}

function runLength(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

function span(text, at, depth, inLink, hopeless) {
  switch (text[at]) {
    case "`": return codeSpan(text, at, hopeless);
    case "*": case "_": case "~": return emphasis(text, at, depth, inLink, hopeless);
    case "!": return text[at + 1] === "[" && !inLink ? link(text, at + 1, depth, hopeless) : null;
    case "[": return inLink ? null : link(text, at, depth, hopeless);
    case "<": case "h": return inLink ? null : bareLink(text, at);
    default: return null;
  }
}

function codeSpan(text, at, hopeless) {
  const length = runLength(text, at);
  const key = `\`${length}`;
  if (hopeless.has(key)) return null;
  let close = at + length;
  for (;;) {
    close = text.indexOf("`", close);
    if (close < 0) {
      hopeless.add(key);
      return null;
    }
    const run = runLength(text, close);
    if (run === length) break;
    close += run;
  }
  const code = text.slice(at + length, close).replaceAll("\n", " ");
  const trimmed = code.length > 2 && code.startsWith(" ") && code.endsWith(" ") ? code.slice(1, -1) : code;
  return { nodes: [h("code", { text: trimmed })], end: close + length };
}

function emphasis(text, at, depth, inLink, hopeless) {
  for (const [mark, tag] of delimiters) {
    if (!text.startsWith(mark, at) || hopeless.has(mark)) continue;
    const start = at + mark.length;
    if (!text[start] || /\s/.test(text[start])) continue;
    if (mark[0] === "_" && at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1])) continue;
    let close = start;
    for (;;) {
      close = text.indexOf(mark, close + 1);
      if (close < 0) {
        hopeless.add(mark);
        break;
      }
      if (mark.length === 1 && text[close + 1] === mark) {
        close += runLength(text, close) - 1;
        continue;
      }
      // In ***both*** the inner mark closes first.
      if (mark.length === 2 && text[close + 2] === mark[0]) close += 1;
      if (/\s/.test(text[close - 1])) continue;
      if (mark[0] === "_" && /[\p{L}\p{N}]/u.test(text[close + mark.length] ?? "")) continue;
      return {
        nodes: [h(tag, {}, inline(text.slice(start, close), depth + 1, inLink))],
        end: close + mark.length,
      };
    }
  }
  return null;
}

function link(text, at, depth, hopeless) {
  if (hopeless.has("](")) return null;
  if (text.indexOf("](", at) < 0) {
    hopeless.add("](");
    return null;
  }
  let open = 0;
  let close = at;
  for (; close < text.length && close - at <= maximumLabel; close += 1) {
    if (text[close] === "\\") close += 1;
    else if (text[close] === "[") open += 1;
    else if (text[close] === "]" && --open === 0) break;
  }
  if (open !== 0 || text[close] !== "]" || text[close + 1] !== "(") return null;
  const rest = text.slice(close + 2, close + 2 + 4000);
  const match = /^\s*(?:<([^<>\n]*)>|((?:[^\s()]|\([^\s()]*\))*))(?:\s+"[^"\n]*")?\s*\)/.exec(rest);
  if (!match) return null;
  const href = safeLink(match[1] ?? match[2]);
  // A link that is not allowed stays readable, target and all.
  if (!href) return null;
  const label = text.slice(at + 1, close);
  return { nodes: [anchor(href, label ? inline(label, depth + 1, true) : [href])], end: close + 2 + match[0].length };
}

function bareLink(text, at) {
  if (text[at] === "<") {
    const match = /^<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/.exec(text.slice(at, at + 2020));
    const href = match && safeLink(match[1]);
    return href ? { nodes: [anchor(href, [match[1]])], end: at + match[0].length } : null;
  }
  if (!text.startsWith("http://", at) && !text.startsWith("https://", at)) return null;
  if (at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1])) return null;
  let [target] = /^[^\s<>"`]{1,2000}/.exec(text.slice(at, at + 2000));
  target = target.replace(/[.,;:!?'*_~]+$/, "");
  while (target.endsWith(")") && target.split(")").length > target.split("(").length) target = target.slice(0, -1);
  const href = safeLink(target);
  return href ? { nodes: [anchor(href, [target])], end: at + target.length } : null;
}

const anchor = (href, children) =>
  h("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, children);
