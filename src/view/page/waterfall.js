// The waterfall of a trace: a row for each span, at its place in time, and one for each line below its span.

import { hue, level, service } from "./badge.js";
import { bdi, h } from "./dom.js";
import { cut, duration, spanName } from "./format.js";
import { cell, Grid } from "./grid.js";

const DEEPEST = 24; // steps of indent; a deeper span says its depth
const STEP = 14; // pixels of one
const MARKS = 5; // on the ruler at most

/** Where it lies on the time of the trace, in percent. */
function extent(trace, start, ms) {
  const whole = Math.max(trace.duration, 0.001);
  const left = Math.min(100, Math.max(0, ((start - trace.start) / 1000 / whole) * 100));
  return { left, width: Math.min(100 - left, Math.max(0, (ms / whole) * 100)) };
}

function bar(trace, kind, start, ms, text) {
  const { left, width } = extent(trace, start, ms);
  const it = h("span", { class: `bar ${kind}` });
  it.style.left = `${left}%`;
  it.style.width = `max(2px, ${width}%)`;
  const beside = h("span", { class: `beside ${left + width > 55 ? (left > 25 ? "before" : "within") : ""}` }, text);
  if (left + width <= 55) beside.style.left = `${left + width}%`;
  else if (left > 25) beside.style.right = `${100 - left}%`;
  else beside.style.left = `${left}%`;
  return [it, beside];
}

function ruler(ms) {
  const whole = Math.max(ms, 0.001);
  const rough = 10 ** Math.floor(Math.log10(whole / MARKS));
  const step = [1, 2, 5, 10].map((it) => it * rough).find((it) => whole / it <= MARKS);
  const marks = [];
  // The last one needs room for what it says.
  for (let at = 0; at <= whole * 0.85; at += step) {
    const [scale, unit] = step < 1 ? [1000, "µs"] : step < 1000 ? [1, "ms"] : [0.001, "s"];
    const it = h("span", { class: "mark" }, at ? `${Number((at * scale).toPrecision(3))} ${unit}` : "0");
    it.style.left = `${(at / whole) * 100}%`;
    marks.push(it);
  }
  return h("div", { class: "ruler", "aria-hidden": "true" }, marks);
}

/** How much is told of a group of spans: they are many, and alike. */
function groupText(spans) {
  const all = spans.map((it) => it.duration).sort((a, b) => a - b);
  return `${spans.length} × ${duration(all[Math.floor(all.length / 2)])}, in all ${duration(all.reduce((a, b) => a + b, 0))}`;
}

function twig(node, folded, withLines) {
  const children = node.children.some((it) => withLines || it.span);
  const kind = children ? (folded ? "shut" : "open") : "";
  const it = h("span", { class: `twig ${kind}`, "aria-hidden": "true" });
  it.style.marginInlineStart = `${Math.min(node.depth, DEEPEST) * STEP}px`;
  return it;
}

function lineCells(trace, node, before) {
  const { line } = node;
  const dot = h("span", { class: "dot" });
  dot.style.left = `${extent(trace, line.at, 0).left}%`;
  return [
    cell("name line", before, level(line.level), h("span", { class: "message" }, bdi(cut(line.message)))),
    cell("took", h("span", { class: "at" }, `+${duration((line.at - trace.start) / 1000)}`)),
    cell("time", dot),
  ];
}

function spanCells(trace, { span, group, depth }, before) {
  const last = group?.at(-1) ?? span;
  const ms = (last.start - span.start) / 1000 + last.duration;
  const kind = group ? "many" : span.failed ? "bad" : "";
  const failed = () => [
    h("span", { class: "mark", "aria-hidden": "true" }, "✕"),
    cut(span.attributes["error.type"] ?? "failed", 24),
  ];
  return [
    cell(
      "name",
      before,
      depth > DEEPEST && h("span", { class: "note" }, `depth ${depth} `),
      service(span.service),
      h("span", { class: "spanname" }, group && h("b", {}, `${group.length} × `), bdi(cut(spanName(span)))),
      span.failed && h("span", { class: "badge bad" }, failed()),
    ),
    cell("took", duration(ms)),
    cell("time", bar(trace, `${kind} hue${hue(span.service)}`, span.start, ms, group ? groupText(group) : "")),
  ];
}

/**
 * The table of rows as `tree.js` makes them. `state()`: the trace and whether its lines are shown; `folded(node)`; the rest is
 * as of any grid.
 */
export function waterfall({ state, folded, ...options }) {
  const time = h("span", {}, "");
  const grid = new Grid({
    label: "Waterfall",
    role: "treegrid",
    name: "waterfall",
    columns: [
      { name: "Span or line", class: "name" },
      { name: "Duration", class: "took" },
      { name: "Time", class: "time", head: [h("span", { class: "unseen" }, "Time"), time] },
    ],
    key: (node) => node.key,
    sign(node) {
      const { trace, withLines } = state();
      const { span, children, depth } = node;
      return [
        node.key,
        depth,
        folded(node),
        children.length,
        span?.start,
        span?.duration,
        span?.failed,
        trace.start,
        trace.duration,
        withLines,
      ].join(" ");
    },
    row: (node) => ({
      class: node.line ? "line" : node.span.failed ? "failed" : "",
      "aria-level": node.depth + 1,
      ...(node.children.length ? { "aria-expanded": String(!folded(node)) } : {}),
    }),
    cells(node) {
      const { trace, withLines } = state();
      const before = twig(node, folded(node), withLines);
      return node.line ? lineCells(trace, node, before) : spanCells(trace, node, before);
    },
    ...options,
  });
  return { grid, measure: (ms) => time.replaceChildren(ruler(ms)) };
}
