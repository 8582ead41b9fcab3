// All metrics that were sent, by service and name.

import { Latest } from "./api.js";
import { service, trouble } from "./badge.js";
import { bdi, h } from "./dom.js";
import { filters } from "./filters.js";
import { bytes, cut, duration, number, value, visible } from "./format.js";
import { line } from "./plot.js";
import { howTo } from "./state.js";

const SERIES = 12; // of one metric that are drawn at first
const MOST = 300; // metrics drawn

const FIELDS = [
  { name: "text", label: "Name", kind: "search", hint: "part of a name" },
  { name: "service", label: "Service", kind: "select" },
];

/** How a value of this unit is written; JSON has null for what is no number. */
function shower(unit) {
  const show = shown(unit);
  return (it) => (Number.isFinite(it) ? show(it) : "–");
}

function shown(unit) {
  if (unit === "s") return (it) => duration(it * 1000);
  if (unit === "ms") return duration;
  if (unit === "By") return (it) => bytes(Math.round(it));
  const plain = unit.replace(/^\{.*\}$/, "").replace(/^1$/, "");
  return (it) => `${number(it)}${plain ? ` ${cut(plain, 12)}` : ""}`;
}

function labels(it) {
  const all = Object.entries(it);
  if (!all.length) return h("span", { class: "note" }, "no labels");
  return all.map(([name, one]) =>
    h("span", { class: "pair" }, h("i", {}, bdi(cut(name, 60)), "="), bdi(cut(value(one), 80))),
  );
}

function series(metric, it, show) {
  const mean = it.count ? (it.sum ?? NaN) / it.count : undefined;
  const latest = mean === undefined ? show(it.value ?? it.points.at(-1)?.[1]) : `${number(it.count)} × ${show(mean)}`;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, labels(it.labels)),
    h("td", { class: "num" }, h("b", {}, latest)),
    h("td", {}, line(it.points, `${cut(metric.name, 80)} over time`, show, it.exemplars ?? [])),
  );
}

function block(metric) {
  const show = shower(metric.unit ?? "");
  const body = h(
    "tbody",
    {},
    metric.series.slice(0, SERIES).map((it) => series(metric, it, show)),
  );
  const rest = metric.series.length - SERIES;
  return h(
    "section",
    { class: "metric" },
    h("h2", {}, bdi(visible(cut(metric.name, 120)))),
    h(
      "p",
      { class: "facts" },
      service(metric.service),
      h("span", {}, cut(metric.type, 30)),
      metric.unit && h("span", {}, cut(metric.unit, 20)),
      metric.scope && h("span", {}, bdi(cut(metric.scope, 60))),
    ),
    h(
      "table",
      { class: "figures" },
      h("caption", { class: "unseen" }, `Series of ${cut(metric.name, 80)}`),
      h(
        "thead",
        { class: "unseen" },
        h(
          "tr",
          {},
          ["labels", "latest", "over time"].map((it) => h("th", { scope: "col" }, it)),
        ),
      ),
      body,
    ),
    rest > 0 && h("p", { class: "note" }, `and ${rest} more series`),
  );
}

export function metrics(main, params, { title }) {
  const latest = new Latest();
  let asked = params;
  let sign = "";
  const bar = filters(FIELDS, params, "Filter metrics");
  const place = h("div", { class: "metrics" });
  main.append(h("h1", { class: "unseen" }, "Metrics"), bar.element, place);
  title("Metrics");

  async function load() {
    try {
      const answer = await latest.ask("metrics", { service: asked.get("service") });
      if (!answer) return;
      const text = (asked.get("text") ?? "").toLowerCase();
      const found = answer.metrics
        .filter((it) => it.name.toLowerCase().includes(text))
        .toSorted((a, b) => a.name.localeCompare(b.name) || a.service.localeCompare(b.service));
      if (!asked.get("service")) bar.offer("service", [...new Set(answer.metrics.map((it) => it.service))].sort());
      const now = JSON.stringify(found);
      if (now === sign) return;
      sign = now;
      if (!answer.metrics.length && !asked.get("service")) place.replaceChildren(howTo());
      else if (!found.length)
        place.replaceChildren(h("p", { class: "empty" }, "No metric that is held has such a name."));
      else
        place.replaceChildren(
          ...found.slice(0, MOST).map(block),
          found.length > MOST
            ? h("p", { class: "note" }, `${MOST} of ${found.length} metrics are shown; filter by a name.`)
            : "",
        );
    } catch (error) {
      place.replaceChildren(trouble(error));
    }
  }

  bar.offer("service", []);
  load();
  return {
    update(next) {
      asked = next;
      bar.set(next);
      load();
      return true;
    },
    refresh: load,
    busy: () => place.contains(document.activeElement),
    leave: () => latest.stop(),
  };
}
