// Two traces side by side: spans that are the same in both stand in one row, what only one has is marked.

import { ask } from "./api.js";
import { result, service, time, trouble } from "./badge.js";
import { bdi, h } from "./dom.js";
import { cut, duration, short, spanName, value } from "./format.js";
import { cell, Grid } from "./grid.js";
import { backToList, go, toTrace } from "./router.js";
import { build } from "./tree.js";

const MOST = 300; // attributes that differ
let first = null; // the trace that is marked

/** The trace that the next one is compared with. A second mark opens the comparison; the same one takes the mark back. */
export function mark(id) {
  if (id && first && first !== id) go({ compare: `${first},${id}` });
  first = first === id || (first && id) ? null : id;
}

export const marked = () => first;

const sign = ({ span }) => `${span.service}\n${span.kind}\n${spanName(span)}`;
const offset = (trace, node) => (node ? node.span.start - trace.start : Infinity);

/** Rows of both: `{depth, a, b}`; one of the two may be missing. */
function paired(one, other) {
  const out = [];
  const spans = (list) => list.filter((it) => it.span);
  const match = (left, right) => {
    const waiting = new Map();
    for (const node of right) {
      const key = sign(node);
      if (!waiting.has(key)) waiting.set(key, []);
      waiting.get(key).push(node);
    }
    const pairs = left.map((a) => ({ a, b: waiting.get(sign(a))?.shift() }));
    for (const rest of waiting.values()) for (const b of rest) pairs.push({ b });
    return pairs.sort(
      (x, y) =>
        Math.min(offset(one.trace, x.a), offset(other.trace, x.b)) -
        Math.min(offset(one.trace, y.a), offset(other.trace, y.b)),
    );
  };
  const open = match(spans(one.tree.roots), spans(other.tree.roots))
    .reverse()
    .map((it) => ({ ...it, depth: 0 }));
  while (open.length) {
    const row = open.pop();
    out.push({ ...row, key: `${row.a?.key ?? ""}/${row.b?.key ?? ""}` });
    const below = match(spans(row.a?.children ?? []), spans(row.b?.children ?? []));
    for (const pair of below.reverse()) open.push({ ...pair, depth: row.depth + 1 });
  }
  return out;
}

function bar(trace, node, longest) {
  if (!node) return null;
  const it = h("span", { class: `bar ${node.span.failed ? "bad" : ""}`, "aria-hidden": "true" });
  it.style.left = `${Math.max(0, (offset(trace, node) / 1000 / longest) * 100)}%`;
  it.style.width = `max(2px, ${(node.span.duration / longest) * 100}%)`;
  return it;
}

/** How much longer, in words of colour and sign. */
function difference(a, b) {
  if (!a || !b) return h("span", { class: "badge odd" }, a ? "only left" : "only right");
  const ms = b.span.duration - a.span.duration;
  const matters = Math.abs(ms) > 1 && Math.abs(ms) > 0.2 * a.span.duration;
  return h(
    "span",
    { class: matters ? (ms > 0 ? "longer" : "shorter") : "note" },
    `${ms >= 0 ? "+" : ""}${duration(ms)}`,
  );
}

function attributesThatDiffer({ a, b }) {
  const [left, right] = [a?.span.attributes ?? {}, b?.span.attributes ?? {}];
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  const differ = names.filter((name) => value(left[name]) !== value(right[name]));
  const node = a ?? b;
  const show = (it) => (it === undefined ? h("span", { class: "note" }, "–") : bdi(cut(value(it), 300)));
  return [
    h("h2", {}, bdi(cut(spanName(node.span), 200))),
    h("p", { class: "facts" }, service(node.span.service), h("span", {}, node.span.kind)),
    [a, b].map(
      (it, index) =>
        it?.span.failed &&
        h(
          "div",
          { class: "error" },
          h("b", {}, index ? "Right failed: " : "Left failed: "),
          bdi(cut(it.span.error ?? "no text", 600)),
        ),
    ),
    differ.length
      ? h(
          "table",
          { class: "attributes" },
          h("caption", {}, "Attributes that differ"),
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              ["name", "left", "right"].map((it) => h("th", { scope: "col" }, it)),
            ),
          ),
          h(
            "tbody",
            {},
            differ
              .slice(0, MOST)
              .map((name) =>
                h(
                  "tr",
                  {},
                  h("th", { scope: "row" }, bdi(cut(name, 80))),
                  h("td", {}, show(left[name])),
                  h("td", {}, show(right[name])),
                ),
              ),
          ),
        )
      : h("p", {}, "All attributes are the same."),
  ]
    .flat()
    .filter(Boolean);
}

function card(side, { trace, tree }) {
  const root = tree.roots.find((it) => it.span)?.span;
  const all = root?.attributes ?? {};
  return h(
    "section",
    { class: "card" },
    h("h2", {}, `${side}: `, h("a", { href: toTrace(trace.id) }, bdi(cut(root?.name ?? "trace", 80)))),
    h(
      "p",
      { class: "facts" },
      root &&
        h(
          "span",
          {},
          result({
            failed: root.failed,
            status: all["http.response.status_code"],
            outcome: all["observability.outcome"],
          }),
        ),
      h("b", {}, duration(trace.duration)),
      time(trace.start),
      h("span", {}, `${trace.spans.length} spans`),
      h("code", {}, short(trace.id)),
    ),
  );
}

export function compare(main, params, { title }) {
  const ids = (params.get("compare") ?? "").split(",").slice(0, 2);
  const side = h("aside", { class: "side", "aria-label": "What differs", tabindex: -1 });
  let grid = null;
  main.append(h("h1", {}, "Two traces side by side"));
  title("Compare");

  async function load() {
    let both;
    try {
      if (ids.length < 2) throw new Error("Two traces are needed: #compare=ID,ID");
      both = await Promise.all(ids.map((id) => ask(`trace/${encodeURIComponent(id)}`)));
    } catch (error) {
      main.append(trouble(error));
      return;
    }
    const [one, other] = both.map((trace) => ({ trace, tree: build(trace, false) }));
    const longest = Math.max(one.trace.duration, other.trace.duration, 0.001);
    const only = (it) => (it ? duration(it.span.duration) : "–");
    const indent = (depth) => {
      const it = h("span", { class: "twig", "aria-hidden": "true" });
      it.style.marginInlineStart = `${Math.min(depth, 24) * 14}px`;
      return it;
    };
    grid = new Grid({
      label: "Spans of both traces",
      role: "treegrid",
      name: "compared",
      columns: [
        { name: "Span", class: "name" },
        { name: "Left", class: "took" },
        { name: "Right", class: "took" },
        { name: "Difference", class: "took" },
        { name: "Left over time", class: "time" },
        { name: "Right over time", class: "time" },
      ],
      key: (it) => it.key,
      sign: (it) => it.key,
      row: (it) => ({ class: it.a?.span.failed || it.b?.span.failed ? "failed" : "", "aria-level": it.depth + 1 }),
      cells: ({ a, b, depth }) => {
        const { span } = a ?? b;
        const failed = [a?.span.failed && "left", b?.span.failed && "right"].filter(Boolean).join(", ");
        return [
          cell(
            "name",
            indent(depth),
            service(span.service),
            h("span", { class: "spanname" }, bdi(cut(spanName(span)))),
            failed && h("span", { class: "badge bad" }, `✕ ${failed}`),
          ),
          cell("took", only(a)),
          cell("took", only(b)),
          cell("took", difference(a, b)),
          cell("time", bar(one.trace, a, longest)),
          cell("time", bar(other.trace, b, longest)),
        ];
      },
      chosen: (it) => side.replaceChildren(...attributesThatDiffer(it)),
      open: () => side.focus(),
    });
    main.append(
      h("div", { class: "cards" }, card("Left", one), card("Right", other)),
      h("div", { class: "split" }, grid.element, side),
    );
    grid.set(paired(one, other));
    grid.choose(0, false);
  }

  load();
  return {
    key(key) {
      if (key === "Escape" && side.contains(document.activeElement)) grid.element.focus();
      else if (key === "Escape") backToList();
      else if (side.contains(document.activeElement) && key.length > 1) return false;
      else return grid?.key(key) ?? false;
      return true;
    },
  };
}
