// The instance's colour: on the name plate as it is, elsewhere shifted until it is readable on the page's backgrounds.

import { byId } from "./dom.js";

const fallback = "#4a6b8a";
const lightPage = [246, 245, 242];
const darkPage = [27, 29, 33];
const readable = 4.6;

const parse = (text) => [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
const format = (rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

function luminance(rgb) {
  const [r, g, b] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

/** Mixes `rgb` with `towards` in small steps until it reads on `page`. */
function shifted(rgb, towards, page) {
  for (let share = 0; share <= 1; share += 0.04) {
    const mixed = rgb.map((part, index) => part + (towards[index] - part) * share);
    if (contrast(mixed, page) >= readable) return mixed;
  }
  return towards;
}

/** Colours header, accents, the browser's own bar and the tab icon. */
export function paint(color) {
  const valid = /^#[0-9a-f]{6}$/i.test(color ?? "") ? color.toLowerCase() : fallback;
  const rgb = parse(valid);
  const ink = contrast(rgb, [255, 255, 255]) >= contrast(rgb, [20, 21, 24]) ? "#ffffff" : "#141518";
  const { style } = document.documentElement;
  style.setProperty("--plate", valid);
  style.setProperty("--plate-ink", ink);
  style.setProperty("--accent-light", format(shifted(rgb, [0, 0, 0], lightPage)));
  style.setProperty("--accent-dark", format(shifted(rgb, [255, 255, 255], darkPage)));
  document.querySelector('meta[name="theme-color"]').content = valid;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${valid}"/>`
    + `<path d="M19 7v12a5 5 0 0 1-10 0" fill="none" stroke="${ink}" stroke-width="3.4" stroke-linecap="round"/>`
    + `<circle cx="24" cy="23" r="2.4" fill="${ink}"/></svg>`;
  document.querySelector('link[rel="icon"]').href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  byId("plate").title = "This gateway's profile";
}
