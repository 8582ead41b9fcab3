// The map of services: who calls whom, how often, with how many errors, and how long it takes.

import { Latest } from "./api.js";
import { hue, service, trouble } from "./badge.js";
import { bdi, button, h, s } from "./dom.js";
import { cut, duration, number, percent, rate } from "./format.js";
import { layout } from "./layout.js";
import { become, link } from "./router.js";
import { howTo } from "./state.js";

const WIDE = 172; // of a node, and so on, in pixels
const HIGH = 58;
const GAP = 148;
const ROOM = 34;
const EDGE = 12;
const MOST = 60; // services that are drawn
const MOST_EDGES = 500; // in the table

/** The choice of how far back is looked, of the views that have one. */
export function period(params, view) {
  const now = params.get("within") ?? "";
  const choices = [
    ["60000", "last minute"],
    ["", "last 5 minutes"],
    ["1800000", "last 30 minutes"],
    ["86400000", "all that is held"],
  ];
  return h(
    "div",
    { class: "kinds", role: "group", "aria-label": "How far back" },
    choices.map(([within, label]) =>
      button(
        label,
        () => {
          const next = new URLSearchParams(params);
          next.set("view", view);
          next.delete("within");
          if (within) next.set("within", within);
          become(next);
        },
        { "aria-pressed": String(within === now) },
      ),
    ),
  );
}

const figures = (it) => `${rate(it.rate)} · ${percent(it.errors, it.requests)} errors · p95 ${duration(it.p95)}`;

function nodeShape(node, { x, y }) {
  const bad = node.errors > 0;
  return s(
    "a",
    {
      href: link(node.outside ? { view: "requests", text: node.service } : { view: "requests", service: node.service }),
      class: `node ${node.outside ? "outside" : ""} ${bad ? "bad" : ""} hue${hue(node.service)}`,
      transform: `translate(${x} ${y})`,
    },
    node.service.length > 22 && s("title", {}, cut(node.service, 200)),
    s("rect", { width: WIDE, height: HIGH, rx: 5 }),
    s("rect", { class: "edge", width: 4, height: HIGH, rx: 2 }),
    s("text", { x: 14, y: 20, class: "nodename" }, cut(node.service, 22)),
    s("text", { x: 14, y: 36 }, `${rate(node.rate)}   p95 ${duration(node.p95)}`),
    s(
      "text",
      { x: 14, y: 50, class: bad ? "errors" : "" },
      bad ? `✕ ${percent(node.errors, node.requests)} errors` : node.outside ? "outside" : "no errors",
    ),
  );
}

/** A place on the curve between two stops. */
function along(a, b, t) {
  const bend = 3 * t * t - 2 * t * t * t;
  return {
    x: a.x + (b.x - a.x) * (0.5 * (3 * t * (1 - t) ** 2 + 3 * t * t * (1 - t)) + t ** 3),
    y: a.y + (b.y - a.y) * bend,
  };
}

function edgeShape(edge, from, to, between, lean) {
  const start = { x: from.x + WIDE, y: from.y + HIGH / 2 };
  const end = { x: to.x, y: to.y + HIGH / 2 };
  const stops = [start, ...between.map((it) => ({ x: it.x + WIDE / 2, y: it.y + HIGH / 2 })), end];
  let path = `M${start.x} ${start.y}`;
  let at;
  if (end.x <= start.x) {
    const low = Math.max(from.y, to.y) + HIGH + 16;
    path += ` C${start.x + 60} ${low} ${end.x - 60} ${low} ${end.x} ${end.y}`;
    at = { x: (start.x + end.x) / 2, y: low - 8 };
  } else {
    for (let index = 1; index < stops.length; index += 1) {
      const [a, b] = [stops[index - 1], stops[index]];
      const middle = (a.x + b.x) / 2;
      path += ` C${middle} ${a.y} ${middle} ${b.y} ${b.x} ${b.y}`;
    }
    at = stops.length > 2 ? { ...stops[1] } : along(start, end, lean);
  }
  const bad = edge.errors > 0;
  const first = `${rate(edge.rate)}${edge.kind === "http" ? "" : ` ${edge.kind}`}`;
  const second = `${bad ? `✕ ${percent(edge.errors, edge.requests)} · ` : ""}p95 ${duration(edge.p95)}`;
  const wide = Math.max(first.length, second.length) * 6.2 + 8;
  if (between.length === 0 && end.x > start.x)
    at.x = Math.min(Math.max(at.x, start.x + wide / 2 + 4), end.x - wide / 2 - 10);
  return {
    line: s(
      "path",
      { d: path, class: `way ${bad ? "bad" : ""} ${edge.kind}`, "marker-end": `url(#arrow${bad ? "bad" : ""})` },
      s("title", {}, `${cut(edge.from, 60)} → ${cut(edge.to, 60)}: ${figures(edge)}`),
    ),
    label: s(
      "g",
      { class: `label ${bad ? "bad" : ""}`, "aria-hidden": "true" },
      s("rect", { x: at.x - wide / 2, y: at.y - 15, width: wide, height: 29, rx: 3 }),
      s("text", { x: at.x, y: at.y - 3 }, first),
      s("text", { x: at.x, y: at.y + 10 }, second),
    ),
  };
}

function arrow(id) {
  return s(
    "marker",
    { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    s("path", { d: "M0 0 8 4 0 8z" }),
  );
}

function drawing({ nodes, edges }) {
  const shown = nodes.slice(0, MOST);
  const it = layout(
    shown.map((node) => node.service),
    edges.map((edge) => [edge.from, edge.to]),
  );
  const spot = (node) => ({ x: EDGE + node.layer * (WIDE + GAP), y: EDGE + node.row * (HIGH + ROOM) });
  const tallest = Math.max(...it.layers.map((layer) => layer.length));
  const width = 2 * EDGE + it.layers.length * (WIDE + GAP) - GAP;
  const height = 2 * EDGE + tallest * (HIGH + ROOM) - ROOM + 20;
  const ways = edges
    .filter((edge) => it.nodes.has(edge.from) && it.nodes.has(edge.to) && edge.from !== edge.to)
    .map((edge) => {
      const [from, to] = [it.nodes.get(edge.from), it.nodes.get(edge.to)];
      // A label leans to the end at which fewer edges meet.
      const lean = from.out.length > to.in.length ? 0.68 : from.out.length < to.in.length ? 0.32 : 0.5;
      return edgeShape(edge, spot(from), spot(to), (it.ways.get(`${edge.from}\n${edge.to}`) ?? []).map(spot), lean);
    });
  return s(
    "svg",
    {
      class: "map",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "group",
      "aria-label": "Services and their calls; the table below says the same",
    },
    s("defs", {}, arrow("arrow"), arrow("arrowbad")),
    ways.map((way) => way.line),
    shown.map((node) => nodeShape(node, spot(it.nodes.get(node.service)))),
    ways.map((way) => way.label),
  );
}

function table(edges) {
  const heads = ["from", "to", "by", "calls", "rate", "errors", "p95"];
  return h(
    "table",
    { class: "figures" },
    h("caption", {}, "Calls"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heads.map((it) => h("th", { scope: "col" }, it)),
      ),
    ),
    h(
      "tbody",
      {},
      edges
        .slice(0, MOST_EDGES)
        .map((edge) =>
          h(
            "tr",
            { class: edge.errors ? "failed" : "" },
            h("td", {}, service(edge.from)),
            h("td", {}, service(edge.to)),
            h("td", {}, bdi(cut(edge.kind, 20))),
            h("td", { class: "num" }, number(edge.requests)),
            h("td", { class: "num" }, rate(edge.rate)),
            h(
              "td",
              { class: "num" },
              edge.errors
                ? h("span", { class: "badge bad" }, `✕ ${number(edge.errors)} (${percent(edge.errors, edge.requests)})`)
                : "0",
            ),
            h("td", { class: "num" }, duration(edge.p95)),
          ),
        ),
    ),
  );
}

export function map(main, params, { title }) {
  const latest = new Latest();
  const place = h("div", { class: "maps" });
  const top = h("div", { class: "viewhead" }, h("h1", {}, "Map of services"), period(params, "map"));
  main.append(top, place);
  title("Map");
  let sign = "";

  async function load() {
    try {
      const answer = await latest.ask("map", { within: params.get("within") });
      if (!answer) return;
      const { nodes, edges } = answer;
      const now = JSON.stringify([nodes, edges]);
      if (now === sign) return;
      sign = now;
      if (!nodes.length) place.replaceChildren(howTo());
      else {
        const left = place.querySelector(".scroll")?.scrollLeft ?? 0;
        const scroll = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Map" }, drawing(answer));
        place.replaceChildren(
          scroll,
          nodes.length > MOST ? h("p", { class: "note" }, `${MOST} of ${nodes.length} services are drawn.`) : "",
          table(edges),
        );
        scroll.scrollLeft = left;
      }
    } catch (error) {
      place.replaceChildren(trouble(error));
    }
  }

  load();
  // Left alone while the keyboard is on one of its services.
  const busy = () => place.contains(document.activeElement);
  return { refresh: load, busy, leave: () => latest.stop() };
}
