// Small plots over time: bars, or a line with the exemplars that open their traces.

import { s } from "./dom.js";
import { clock, cut } from "./format.js";
import { toTrace } from "./router.js";

const WIDE = 200;
const HIGH = 34;
const PAD = 3;

function frame(label, role, children) {
  return s(
    "svg",
    {
      class: "plot",
      viewBox: `0 0 ${WIDE} ${HIGH + 2 * PAD}`,
      width: WIDE,
      height: HIGH + 2 * PAD,
      role,
      "aria-label": label,
    },
    s("path", { class: "base", d: `M0 ${HIGH + PAD}H${WIDE}` }),
    children,
  );
}

/** `[[at, value]]` as bars. */
export function bars(points, label, show, kind = "") {
  const values = points.map(([, value]) => value ?? 0);
  const most = Math.max(0, ...values);
  const step = WIDE / Math.max(points.length, 12);
  const latest = points.at(-1)?.[1] ?? 0;
  return frame(
    `${label}: most ${show(most)}, last ${show(latest)}`,
    "img",
    points.map(([at, value], index) => {
      const high = most && value ? Math.max(1.5, (value / most) * HIGH) : 0;
      return s(
        "rect",
        { class: kind, x: index * step + 0.5, y: HIGH + PAD - high, width: Math.max(1, step - 1), height: high },
        s("title", {}, `${clock(at)}: ${show(value ?? 0)}`),
      );
    }),
  );
}

/** `[[at, value]]` as a line; `exemplars`: `{at, value, trace}` as dots, each a link. */
export function line(points, label, show, exemplars = []) {
  const known = points.filter(([, value]) => Number.isFinite(value));
  const dots = exemplars.filter((it) => it.trace && Number.isFinite(it.value));
  if (!known.length && !dots.length) return frame(`${label}: nothing yet`, "img", []);
  const times = [...points.map(([at]) => at), ...dots.map((it) => it.at)];
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const values = [...known.map(([, value]) => value), ...dots.map((it) => it.value)];
  const [least, most] = [Math.min(0, ...values), Math.max(...values)];
  const x = (at) => (to > from ? PAD + ((at - from) / (to - from)) * (WIDE - 2 * PAD) : WIDE - PAD);
  const y = (value) => HIGH + PAD - (most > least ? ((value - least) / (most - least)) * HIGH : 0);
  const path = known
    .map(([at, value], index) => `${index ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`)
    .join("");
  const last = known.at(-1)?.[1];
  return frame(
    `${label}: most ${show(most)}${last === undefined ? "" : `, last ${show(last)}`}`,
    dots.length ? "group" : "img",
    [
      path && s("path", { class: "line", d: path }),
      known.length === 1 && s("circle", { class: "single", cx: x(known[0][0]), cy: y(known[0][1]), r: 1.5 }),
      dots.map((it) =>
        s(
          "a",
          { href: toTrace(it.trace), class: "exemplar", "aria-label": `Trace of ${show(it.value)} at ${clock(it.at)}` },
          s("title", {}, `${show(it.value)} at ${clock(it.at)}: open trace ${cut(it.trace, 8)}`),
          s("circle", { class: "target", cx: x(it.at), cy: y(it.value), r: 6 }),
          s("circle", { cx: x(it.at), cy: y(it.value), r: 2.6 }),
        ),
      ),
    ],
  );
}
