// The frame around the views: which one is open, when it asks anew, and what the keys do everywhere.

import { answered, listen } from "./api.js";
import { compare } from "./compare.js";
import { button, h, say } from "./dom.js";
import { help, onKeys } from "./keys.js";
import { lines } from "./lines.js";
import { map } from "./map.js";
import { metrics } from "./metrics.js";
import { requests } from "./requests.js";
import { go, link, place } from "./router.js";
import { routes } from "./routes.js";
import { state } from "./state.js";
import { trace } from "./trace.js";

const VIEWS = { requests, map, routes, lines, metrics, state, trace, compare };
const TABS = [
  ["requests", "Requests"],
  ["map", "Map"],
  ["routes", "Routes"],
  ["lines", "Lines"],
  ["metrics", "Metrics"],
  ["state", "Held"],
];
const LEAST_MS = 700; // between two refreshes, however much arrives

const main = document.getElementById("main");
let open = null; // {view, shown}
let paused = false;
let changed = false; // something is new that the open view does not show yet
let newest; // version that was heard of
let connection = "waiting";
let planned = 0;

function tabs(view) {
  const current = { trace: "requests", compare: "requests" }[view] ?? view;
  document
    .getElementById("views")
    .replaceChildren(
      ...TABS.map(([name, title], index) =>
        h(
          "a",
          { href: link({ view: name }), "aria-current": name === current && "page", "aria-keyshortcuts": index + 1 },
          title,
        ),
      ),
    );
}

function show() {
  const { view, params } = place();
  if (open?.view === view && open.shown.update?.(params)) return;
  open?.shown.leave?.();
  tabs(view);
  main.className = view;
  main.replaceChildren();
  const shown = VIEWS[view](main, params, { title });
  // The first view of all leaves the focus where the browser puts it.
  if (open) main.focus({ preventScroll: true });
  open = { view, shown };
  changed = false;
}

function title(text) {
  document.title = `${text} · observability`;
  main.setAttribute("aria-label", text);
}

/** Asks the open view to show what is new. It may decline, while somebody reads; then a button offers it. */
function refresh() {
  planned = 0;
  // The view may have asked meanwhile, for another reason.
  if (newest === answered()) changed = false;
  if (!changed || paused || document.hidden || !open) return;
  if (open.shown.busy?.()) {
    offer(true);
    planned = setTimeout(refresh, 2 * LEAST_MS);
    return;
  }
  changed = false;
  offer(false);
  open.shown.refresh?.();
}

function offer(on) {
  let bar = document.getElementById("new");
  if (!on) return bar?.remove();
  if (bar) return;
  bar = button("Newer data has arrived: show it", showNew, { id: "new", "aria-keyshortcuts": "." });
  main.before(bar);
}

function showNew() {
  changed = false;
  offer(false);
  open?.shown.toTop?.();
  open?.shown.refresh?.();
}

function news(version) {
  newest = version;
  changed = true;
  planned ||= setTimeout(refresh, LEAST_MS);
}

function tell(how) {
  connection = how;
  const live = document.getElementById("live");
  live.dataset.state = paused ? "paused" : how;
  live.textContent = how !== "live" ? "not connected, trying again" : paused ? "paused" : "live";
}

function pause(pressed) {
  paused = !paused;
  pressed.setAttribute("aria-pressed", String(paused));
  pressed.textContent = paused ? "Go on" : "Pause";
  tell(connection);
  say(paused ? "The page stands still" : "The page is live");
  refresh();
}

function theme() {
  const select = document.getElementById("theme");
  const root = document.documentElement;
  select.value = root.dataset.theme ?? "auto";
  select.addEventListener("change", () => {
    if (select.value === "auto") delete root.dataset.theme;
    else root.dataset.theme = select.value;
    try {
      localStorage.setItem("theme", select.value);
    } catch {
      // Then it holds until the page is closed.
    }
  });
}

onKeys((key) => {
  const index = Number(key) - 1;
  if (TABS[index]) go({ view: TABS[index][0] });
  else if (key === ".") showNew();
  else return open?.shown.key?.(key) ?? false;
  return true;
});

theme();
document.getElementById("help").addEventListener("click", help);
document.getElementById("pause").addEventListener("click", (event) => pause(event.currentTarget));
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is the permalink's
  main.focus();
});
addEventListener("hashchange", () => {
  offer(false);
  show();
});
document.addEventListener("visibilitychange", refresh);
show();
listen(news, tell);
