// The list of requests: failed and slow ones in front, then all, the latest first.

import { Latest } from "./api.js";
import { result, service, time, trouble } from "./badge.js";
import { mark, marked } from "./compare.js";
import { bdi, button, h, say } from "./dom.js";
import { filters } from "./filters.js";
import { count, cut, duration, number, short, title } from "./format.js";
import { cell, Grid } from "./grid.js";
import { become, go, seenList, toTrace } from "./router.js";
import { howTo } from "./state.js";

const PAGE = 200;
const MOST = 1000; // of one question
const IN_FRONT = 5; // until somebody asks for all of them
const READING_MS = 2500; // after the pointer moved over a row, rows keep their places

const ASKED = ["service", "route", "status", "outcome", "min", "max", "text", "field", "kind"];
const FIELDS = [
  { name: "text", label: "Text", kind: "search", hint: "in names, attributes, lines" },
  { name: "service", label: "Service", kind: "select" },
  { name: "route", label: "Route", kind: "select" },
  { name: "status", label: "Status", kind: "select", fixed: ["2xx", "3xx", "4xx", "5xx"] },
  { name: "outcome", label: "Outcome", kind: "select" },
  { name: "min", label: "From ms", kind: "number" },
  { name: "max", label: "To ms", kind: "number" },
  { name: "field", label: "Field", kind: "field" },
];
let opened = null; // the row that was opened last: a reader comes back to it

const KINDS = [
  ["", "All"],
  ["failed", "Failed"],
  ["slow", "Slow"],
];

const COLUMNS = [
  { name: "Began", class: "when" },
  { name: "Result", class: "result" },
  { name: "Request", class: "what" },
  { name: "Service", class: "who" },
  { name: "Duration", class: "took" },
  { name: "Spans", class: "num" },
  { name: "Lines", class: "num" },
];

/** Of a request: the share of a bar, logarithmic from 1 ms to 100 s, since requests differ by that much. */
const share = (ms) => Math.min(100, Math.max(2, (Math.log10(Math.max(ms, 1)) / 5) * 100));

function cells({ head, all, trace }) {
  if (head) return [cell("heading", h("h2", {}, head), all)];
  const bar = h("span", { class: `bar ${trace.failed ? "bad" : trace.slow ? "slow" : ""}`, "aria-hidden": "true" });
  bar.style.width = `${share(trace.duration)}%`;
  const more = trace.services.length - 1;
  return [
    cell("when", time(trace.start)),
    cell("result", result(trace)),
    cell(
      "what",
      h("a", { href: toTrace(trace.id), tabindex: -1 }, bdi(cut(title(trace)))),
      !trace.root &&
        h(
          "span",
          { class: "note", title: "Its first span has not arrived, or was sent elsewhere" },
          " begins elsewhere",
        ),
      // A bare number is the status again, of some span.
      trace.error && !/^\d+$/.test(trace.error) && h("span", { class: "cause" }, bdi(cut(trace.error))),
    ),
    cell(
      "who",
      service(trace.service),
      more > 0 &&
        h(
          "span",
          {
            class: "more",
            title: trace.services
              .map((it) => cut(it, 40))
              .slice(0, 40)
              .join(", "),
          },
          `+${more}`,
        ),
    ),
    cell("took", h("span", { class: "amount" }, duration(trace.duration)), h("span", { class: "track" }, bar)),
    cell("num", number(trace.spans)),
    cell("num", number(trace.lines)),
  ];
}

const keyOf = (it) => it.head ?? `${it.front ? "front " : ""}${it.trace.id}`;

export function requests(main, params, { title: titled }) {
  const latest = new Latest();
  let asked = params;
  let most = PAGE;
  let answer = null;
  let whole = false;
  let moved = 0;

  const bar = filters(FIELDS, params, "Filter requests");
  const kinds = h("div", { class: "kinds", role: "group", "aria-label": "Which requests" });
  const told = h("p", { class: "told" });
  const place = h("div", { class: "place" });
  const more = button(
    "Show earlier ones",
    () => {
      most = Math.min(MOST, most + PAGE);
      load();
    },
    { class: "earlier" },
  );
  const grid = new Grid({
    label: "Requests",
    name: "requests",
    columns: COLUMNS,
    cells,
    key: keyOf,
    sign: (it) => (it.head ? `${it.head} ${whole} ${it.number}` : JSON.stringify([it.trace, marked() === it.trace.id])),
    row: (it) =>
      it.head
        ? { class: "part" }
        : {
            class: `${it.trace.failed ? "failed" : ""} ${marked() === it.trace.id ? "marked" : ""}`,
            "data-trace": it.trace.id,
          },
    passive: (it) => Boolean(it.head),
    open,
    clicked: (it, event) => {
      opened = keyOf(it);
      if (!event.target.closest("a")) open(it);
    },
  });

  function open(it) {
    opened = keyOf(it);
    go({ trace: it.trace.id });
  }

  grid.element.addEventListener("pointermove", () => (moved = Date.now()), { passive: true });
  place.append(grid.element);
  main.append(
    h("h1", { class: "unseen" }, "Requests"),
    bar.element,
    h("div", { class: "strip" }, kinds, told),
    place,
    more,
  );
  titled("Requests");

  function switchKinds() {
    const now = asked.get("kind") ?? "";
    kinds.replaceChildren(
      ...KINDS.map(([kind, label]) =>
        button(
          label,
          () => {
            const next = new URLSearchParams(asked);
            next.delete("kind");
            if (kind) next.set("kind", kind);
            next.set("view", "requests");
            become(next);
          },
          { "aria-pressed": String(kind === now) },
        ),
      ),
    );
  }

  function items() {
    const all = answer.traces.map((trace) => ({ trace }));
    const front = asked.get("kind") ? [] : answer.attention;
    if (!front.length) return all;
    // Nothing stands in front that would be there anyway.
    if (front.every((trace, index) => trace.id === answer.traces[index]?.id)) return all;
    const shown = whole ? front : front.slice(0, IN_FRONT);
    const toggle =
      front.length > IN_FRONT &&
      button(whole ? "Show fewer" : `Show all ${front.length}`, () => {
        whole = !whole;
        draw();
      });
    return [
      { head: "Failed or slow", number: front.length, all: toggle },
      ...shown.map((trace) => ({ trace, front: true })),
      { head: "All, the latest first" },
      ...all,
    ];
  }

  function draw() {
    const nothing = !answer.traces.length;
    const filtered = ASKED.some((name) => asked.get(name));
    const size = `${answer.more ? "The latest " : ""}${count(answer.traces.length, "request")}${filtered ? " that match" : ""}`;
    const sign = marked();
    told.replaceChildren(
      nothing ? "" : size,
      ...(sign
        ? [" · comparing ", h("code", {}, short(sign)), " with the next that you mark by ", h("kbd", {}, "c")]
        : []),
    );
    more.hidden = !answer.more || most >= MOST;
    if (answer.more && most >= MOST) told.append("; filters lead to earlier ones");
    if (nothing && !filtered) place.replaceChildren(howTo());
    else if (nothing)
      place.replaceChildren(h("p", { class: "empty" }, "No request that is held matches these filters."));
    else if (!grid.element.isConnected) place.replaceChildren(grid.element);
    grid.set(items());
    if (opened) grid.find(opened, false, true);
    opened = null;
  }

  async function load(tell) {
    const question = Object.fromEntries(ASKED.map((name) => [name, asked.getAll(name)]));
    try {
      const next = await latest.ask("traces", { ...question, limit: most });
      if (!next) return;
      answer = next;
    } catch (error) {
      place.replaceChildren(trouble(error));
      return;
    }
    const { services, routes, statuses, outcomes } = answer.facets;
    bar.offer("service", services);
    bar.offer("route", routes);
    bar.offer("status", statuses);
    bar.offer("outcome", outcomes);
    draw();
    if (tell)
      say(
        answer.traces.length
          ? `${count(answer.traces.length, "request")}${answer.more ? " or more" : ""}`
          : "No request matches",
      );
  }

  for (const name of ["service", "route", "status", "outcome"]) bar.offer(name, []);
  switchKinds();
  seenList(params);
  load();
  return {
    update(next) {
      asked = next;
      seenList(next);
      most = PAGE;
      bar.set(next);
      switchKinds();
      grid.toTop();
      load(true);
      return true;
    },
    refresh: () => load(),
    busy: () => grid.element.isConnected && (grid.scrolled || Date.now() - moved < READING_MS || grid.active > 0),
    toTop() {
      grid.active = -1;
      moved = 0;
      grid.toTop();
    },
    leave: () => latest.stop(),
    key(key) {
      if (key === "c" && grid.current?.trace) {
        mark(grid.current.trace.id);
        grid.draw();
        draw();
        return true;
      }
      if (key === "Escape") {
        if (grid.active >= 0) {
          grid.active = -1;
          grid.draw();
        } else if (marked()) {
          mark(null);
          draw();
        } else go({ view: "requests" });
        return true;
      }
      return grid.key(key);
    },
  };
}
