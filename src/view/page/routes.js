// Rate, errors and duration of each route, as small plots; a dot on one opens the trace that it stands for.

import { Latest } from "./api.js";
import { service, trouble } from "./badge.js";
import { bdi, h } from "./dom.js";
import { cut, duration, number, percent, rate } from "./format.js";
import { period } from "./map.js";
import { bars, line } from "./plot.js";
import { link } from "./router.js";
import { howTo } from "./state.js";

const MOST = 200; // routes drawn

const named = (it) => [it.service, it.route, it.method].map((part) => part ?? "").join("\n");

function row(it) {
  const name = [it.method, it.route || "(no route)"].filter(Boolean).join(" ");
  const here = `${cut(it.service, 40)} ${cut(name, 60)}`;
  // Of any span: a request has its own route only where it began.
  const filter = {
    view: "requests",
    service: it.service,
    ...(it.kind === "http" && it.route ? { field: `http.route=${it.route}` } : { text: it.route }),
  };
  const points = (of) => it.points.map((point) => [point.at, point[of]]);
  return h(
    "tr",
    { class: it.errors ? "failed" : "" },
    h("td", {}, service(it.service)),
    h(
      "th",
      { scope: "row" },
      h("a", { href: link(filter) }, bdi(cut(name, 80))),
      it.kind !== "http" && h("span", { class: "note" }, ` ${cut(it.kind, 12)}`),
    ),
    h(
      "td",
      {},
      h(
        "div",
        { class: "plotted" },
        bars(points("requests"), `Requests of ${here}`, (n) => `${number(n)} requests`),
        h("span", {}, h("b", {}, rate(it.rate)), h("small", {}, `${number(it.requests)} in all`)),
      ),
    ),
    h(
      "td",
      {},
      h(
        "div",
        { class: "plotted" },
        bars(points("errors"), `Errors of ${here}`, (n) => `${number(n)} errors`, "bad"),
        h(
          "span",
          {},
          it.errors
            ? h(
                "a",
                {
                  class: "badge bad",
                  href: link({ ...filter, kind: "failed" }),
                  "aria-label": `✕ ${percent(it.errors, it.requests)}: failed requests of ${here}`,
                },
                `✕ ${percent(it.errors, it.requests)}`,
              )
            : h("b", {}, "0 %"),
          h("small", {}, `${number(it.errors)} in all`),
        ),
      ),
    ),
    h(
      "td",
      {},
      h(
        "div",
        { class: "plotted" },
        line(points("p95"), `p95 of ${here}`, duration, it.exemplars),
        h(
          "span",
          {},
          h("b", {}, duration(it.p95)),
          h("small", {}, `p50 ${duration(it.p50)}`),
          h("small", {}, `p99 ${duration(it.p99)}`),
        ),
      ),
    ),
    h("td", { class: "note" }, it.source),
  );
}

export function routes(main, params, { title }) {
  const latest = new Latest();
  const place = h("div", { class: "routes" });
  main.append(h("div", { class: "viewhead" }, h("h1", {}, "Routes"), period(params, "routes")), place);
  title("Routes");
  let sign = "";

  async function load() {
    try {
      const answer = await latest.ask("red", { within: params.get("within"), service: params.get("service") });
      if (!answer) return;
      const now = JSON.stringify(answer.routes);
      if (now === sign) return;
      sign = now;
      const all = answer.routes.toSorted((a, b) => named(a).localeCompare(named(b)));
      if (!all.length) return place.replaceChildren(howTo());
      const heads = ["service", "route", "rate", "errors", "duration: p95", "from"];
      place.replaceChildren(
        h(
          "table",
          { class: "figures red" },
          h("caption", {}, "Rate, errors and duration; a dot is an exemplar, and opens its trace"),
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              heads.map((it) => h("th", { scope: "col" }, it)),
            ),
          ),
          h("tbody", {}, all.slice(0, MOST).map(row)),
        ),
        all.length > MOST ? h("p", { class: "note" }, `${MOST} of ${all.length} routes are shown.`) : "",
      );
    } catch (error) {
      place.replaceChildren(trouble(error));
    }
  }

  load();
  // Left alone while the keyboard is on one of its links.
  return { refresh: load, busy: () => place.contains(document.activeElement), leave: () => latest.stop() };
}
