// Questions to the program behind the page, and word of what changed.

let version; // of what is held, as the last answer to a view said
const AGAIN_MS = 5000;

/** The version of what is held that the open view shows, once it has its answer. */
export const answered = () => version;

/** Asks; the answer is JSON. Throws an `Error` whose message is for a person, and whose `status` is HTTP's. */
export async function ask(path, params = {}, signal = undefined) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") search.append(name, one);
  }
  const query = search.size ? `?${search}` : "";
  let answer;
  try {
    answer = await fetch(`/api/${path}${query}`, { signal, headers: { accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The program behind this page does not answer. Is `observability view` still running?");
  }
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw Object.assign(new Error(body.error || `The program answered ${answer.status}.`), { status: answer.status });
}

/**
 * Calls `changed` with the version of what is held, at first and when it is a new one, and `state` with `live` or
 * `waiting`. Only while the page is in sight: a browser has six connections to an address, for all of its tabs.
 */
export function listen(changed, state) {
  let source = null;
  const close = () => {
    source?.close();
    source = null;
  };
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource("/api/live");
    source.addEventListener("open", () => state("live"));
    source.addEventListener("change", (event) => changed(JSON.parse(event.data).version));
    source.addEventListener("error", () => {
      state("waiting");
      // The browser tries again, unless it was refused: too many pages are open.
      if (source?.readyState !== EventSource.CLOSED) return;
      close();
      setTimeout(open, AGAIN_MS);
    });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

/** A view's own question, one at a time: the answer to an older one is not wanted any more. */
export class Latest {
  #running = null;

  /** The answer, or `null` if another question came meanwhile. */
  async ask(path, params) {
    this.#running?.abort();
    const own = (this.#running = new AbortController());
    try {
      const answer = await ask(path, params, own.signal);
      if (this.#running !== own) return null;
      version = answer.version;
      return answer;
    } catch (error) {
      if (this.#running !== own || error.name === "AbortError") return null;
      throw error;
    }
  }

  stop() {
    this.#running?.abort();
    this.#running = null;
  }
}
