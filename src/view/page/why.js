// What failed in a trace, and why, in the words of who knows.

import { service } from "./badge.js";
import { bdi, button, h } from "./dom.js";
import { cut, number, spanName } from "./format.js";
import { causes } from "./tree.js";

const MOST = 4; // failures told in full

/** Why it failed, in its own words: the error, what an exception says beyond that, and, of a bare number, what its caller made of it. */
function reason({ span, parent }) {
  const said = [
    span.error,
    span.attributes["exception.message"],
    ...span.events.map((it) => it.attributes["exception.message"]),
  ];
  if (/^\d*$/.test(span.error ?? "") && parent?.span.failed) said.push(parent.span.error);
  const own = [...new Set(said.filter((it) => typeof it === "string" && it))];
  return own.filter((it) => !own.some((other) => other !== it && other.includes(it))).join(" · ") || "failed";
}

/** Where it failed: `{node, times, why}`, calls of the same that failed for the same reason once. */
function failures(found) {
  const all = new Map();
  for (const node of found) {
    const why = reason(node);
    const same = `${node.span.service}\n${spanName(node.span).replace(/ #\d+$/, "")}\n${why}`;
    if (all.has(same)) all.get(same).times += 1;
    else all.set(same, { node, times: 1, why });
  }
  return [...all.values()];
}

/** Fills a section with what failed in a tree; `jump(node)` leads there. Without a failure it is hidden. */
export function tellWhy(section, tree, jump) {
  const all = failures(causes(tree));
  const item = ({ node, times, why }) =>
    h(
      "li",
      {},
      times > 1 && h("b", {}, `${number(times)} × `),
      button([service(node.span.service), bdi(cut(spanName(node.span), 80))], () => jump(node), { class: "plain" }),
      h("span", { class: "cause" }, bdi(cut(why, 400))),
    );
  section.hidden = !all.length;
  section.replaceChildren(
    h("h2", {}, all.length > 1 ? `${number(all.length)} failures` : "What failed"),
    h("ul", {}, all.slice(0, MOST).map(item)),
    all.length > MOST ? h("p", {}, "All of them, one after the other: ", h("kbd", {}, "e")) : "",
  );
}
