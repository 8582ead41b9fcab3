// What is held and what was dropped, which services were heard, and how a service is made to send something here.

import { ask, Latest } from "./api.js";
import { service, time, trouble } from "./badge.js";
import { button, copy, h } from "./dom.js";
import { ago, bytes, count, cut, number } from "./format.js";
import { link } from "./router.js";

const MOST = 500; // services

function command(text) {
  return h(
    "div",
    { class: "command" },
    h("pre", {}, h("code", {}, text)),
    button("Copy", (event) => copy(text, event.currentTarget), { "aria-label": `Copy: ${text.slice(0, 60)}` }),
  );
}

/** How a service is made to send something here: shown while nothing has come. */
export function howTo() {
  const here = `${location.protocol}//${location.host}`;
  const title = h("h2", {}, "Nothing has arrived yet");
  const other = h("p", { hidden: true });
  // Of one signal there may be much, while another was never turned on.
  ask("state").then(
    ({ held: { spans, lines, points } }) => {
      if (!spans && !lines && !points) return;
      title.textContent = "Nothing of this kind has arrived yet";
      other.textContent = `Held are ${count(spans, "span")}, ${count(lines, "line")} and ${count(points, "point")} of metrics.`;
      other.hidden = false;
    },
    () => {},
  );
  return h(
    "section",
    { class: "howto" },
    title,
    other,
    h("p", {}, "Start a service with the variables set. Several at once join this page:"),
    command("observability view -- cargo run"),
    h("p", {}, "Or set them yourself, for a service of any language that has OpenTelemetry:"),
    command(`export OTEL_EXPORTER_OTLP_ENDPOINT=${here}\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`),
    h("p", {}, "The endpoint alone sends traces. Lines and metrics join them with"),
    command("export OTEL_LOGS_EXPORTER=console,otlp OTEL_METRICS_EXPORTER=otlp"),
    h("p", { class: "note" }, "Go's SDK takes one exporter only: OTEL_LOGS_EXPORTER=otlp."),
    h("p", {}, "Then send the service a request; it appears here by itself."),
  );
}

function table(caption, heads, rows) {
  return h(
    "table",
    {},
    h("caption", {}, caption),
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
      rows.map(([first, ...others]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, first),
          others.map((it) => h("td", {}, it)),
        ),
      ),
    ),
  );
}

export function state(main, _params, { title }) {
  const latest = new Latest();
  const place = h("div", { class: "state" });
  main.append(h("h1", {}, "What is held"), place);
  title("Held");

  async function load() {
    let it;
    try {
      it = await latest.ask("state");
    } catch (error) {
      place.replaceChildren(trouble(error));
      return;
    }
    if (!it) return;
    const { held, dropped } = it;
    const meter = h("meter", { min: 0, max: held.limit, value: held.bytes, "aria-label": "Memory in use" });
    place.replaceChildren(
      h(
        "p",
        {},
        `${it.name}, at ${it.address}, since `,
        time(it.started),
        ". Nothing is written to a disk, and nothing is sent anywhere.",
      ),
      h(
        "p",
        { class: "memory" },
        meter,
        ` ${bytes(held.bytes)} of at most ${bytes(held.limit)}. When it is full, the oldest goes.`,
      ),
      table(
        "Signals",
        ["signal", "held", "dropped"],
        [
          ["traces", number(held.traces), "–"],
          ["spans", number(held.spans), number(dropped.spans)],
          ["lines", number(held.lines), number(dropped.lines)],
          ["points of metrics", number(held.points), number(dropped.points)],
        ],
      ),
      Object.keys(dropped.why).length
        ? table(
            "Why something was dropped",
            ["reason", "spans, lines and points"],
            Object.entries(dropped.why).map(([why, n]) => [cut(why, 200), number(n)]),
          )
        : "",
      it.services.length
        ? table(
            "Services heard",
            ["service", "instances", "last heard", "see its"],
            it.services.slice(0, MOST).map((one) => [
              service(one.service),
              number(one.instances),
              h("span", {}, time(one.last), ` · ${ago(one.last)}`),
              h(
                "span",
                { class: "links" },
                h(
                  "a",
                  {
                    href: link({ view: "requests", service: one.service }),
                    "aria-label": `Requests of ${cut(one.service, 60)}`,
                  },
                  "requests",
                ),
                h(
                  "a",
                  {
                    href: link({ view: "lines", service: one.service }),
                    "aria-label": `Lines of ${cut(one.service, 60)}`,
                  },
                  "lines",
                ),
              ),
            ]),
          )
        : howTo(),
      h("p", { class: "note" }, `${count(it.version, "change")} so far.`),
    );
  }

  load();
  return { refresh: load, update: () => true, leave: () => latest.stop() };
}
