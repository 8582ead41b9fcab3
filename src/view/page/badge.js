// Small things that every view shows: a service with its colour, how something ended, a time.

import { bdi, h } from "./dom.js";
import { clock, cut, utc } from "./format.js";

const HUES = 12;
const given = new Map();
const taken = new Array(HUES).fill(0);

/** The number of a service's colour. By its name, so that it is the same tomorrow; the next one if that is in use. */
export function hue(service) {
  if (given.has(service)) return given.get(service);
  let hash = 7;
  for (const char of String(service).slice(0, 64)) hash = (hash * 31 + char.codePointAt(0)) % 65_521;
  let it = hash % HUES;
  const least = Math.min(...taken);
  while (taken[it] > least) it = (it + 1) % HUES;
  taken[it] += 1;
  given.set(service, it);
  return it;
}

export const service = (name) =>
  h(
    "span",
    { class: `service hue${hue(name)}` },
    h("i", { class: "swatch", "aria-hidden": "true" }),
    bdi(cut(name, 60), cut(name, 300)),
  );

/** How a request ended: its status, else its outcome; failed ones say so by more than a colour. */
export function result({ failed, slow, status, outcome }) {
  const text = status || outcome || (failed ? "error" : "ok");
  const more =
    failed && status && outcome && !["ok", "server_error", "error", "unset"].includes(outcome) ? ` ${outcome}` : "";
  const kind = failed ? "bad" : slow ? "slow" : Number(status) >= 400 ? "odd" : "good";
  return [
    h(
      "span",
      { class: `badge ${kind}` },
      failed && h("span", { class: "mark", "aria-hidden": "true" }, "✕"),
      cut(`${text}${more}`, 24),
    ),
    failed && h("span", { class: "unseen" }, " failed"),
    slow && h("span", { class: "badge slow" }, "slow"),
  ];
}

export const time = (at) => h("time", { title: utc(at) }, clock(at));

const LEVELS = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, FATAL: 4 };

export const level = (name) => {
  const known = String(name).toUpperCase();
  return h("span", { class: `level l${LEVELS[known] ?? 2}` }, cut(known, 5));
};

/** A line of a page that could not be had. */
export const trouble = (error) => h("p", { class: "trouble", role: "alert" }, error.message);
