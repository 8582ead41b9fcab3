// Where the page is, which stands in the fragment of its address: a permalink of the view with its filters.
//
//   #view=requests&service=payments&status=5xx      #trace=ID&span=ID      #compare=ID,ID
//   #view=lines&field=customer_id%3D4711            #view=map  #view=routes  #view=metrics  #view=state

const VIEWS = ["requests", "map", "routes", "lines", "metrics", "state", "trace", "compare"];

/** The place in an address: its view, and all parameters. */
export function place(hash = location.hash) {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  let view = params.get("view");
  if (!view && params.get("compare")) view = "compare";
  if (!view && params.get("trace")) view = "trace";
  return { view: VIEWS.includes(view) ? view : "requests", params };
}

/** The fragment of a place. A parameter that is empty is left out; one that is a list stands more than once. */
export function link(params) {
  const search = params instanceof URLSearchParams ? params : new URLSearchParams();
  if (search !== params) {
    for (const [name, value] of Object.entries(params)) {
      for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") search.append(name, one);
    }
  }
  return `#${search.toString().replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":")}`;
}

/** Goes there, as a step that the browser's Back takes back. */
export function go(params) {
  location.hash = link(params);
}

/** The same without a step of its own: while somebody types. */
export function become(params) {
  history.replaceState(null, "", link(params));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Writes the place down without showing it anew. */
export function note(params) {
  history.replaceState(null, "", link(params));
}

let list = { view: "requests" };

/** The list of requests as it was last seen, with its filters: where Escape leads to. */
export const backToList = () => go(list);

/** Remembers how it is seen now. */
export function seenList(params) {
  list = new URLSearchParams(params);
  list.set("view", "requests");
}

export const permalink = () => location.href;
export const toTrace = (trace, span) => link({ trace, span });
