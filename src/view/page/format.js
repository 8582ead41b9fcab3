// How values are written: durations with their unit, times in local time, text that cannot play tricks.

const two = (n) => String(n).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Milliseconds, with three digits that matter. */
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 0) return `−${duration(-ms)}`;
  if (ms === 0) return "0 ms";
  if (ms < 0.9995) return `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms < 9.995) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** Microseconds since 1970, as a clock on the wall here shows them; with the day, unless it is today. */
export function clock(at) {
  if (!Number.isFinite(at) || at <= 0 || at > 8.64e18) return "–";
  const date = new Date(at / 1000);
  const ms = String(date.getMilliseconds()).padStart(3, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
  const today = date.toDateString() === new Date().toDateString();
  return today ? time : `${date.getDate()} ${MONTHS[date.getMonth()]} ${time}`;
}

/** The same in UTC, to the microsecond. */
export function utc(at) {
  if (!Number.isFinite(at) || at <= 0 || at > 8.64e18) return "no time";
  const micros = String(Math.floor(at % 1000)).padStart(3, "0");
  return `${new Date(at / 1000).toISOString().slice(0, -1)}${micros} UTC`;
}

export function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() - at / 1000) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

export function rate(perSecond) {
  if (!Number.isFinite(perSecond)) return "–";
  if (perSecond >= 100) return `${Math.round(perSecond)}/s`;
  if (perSecond >= 1) return `${perSecond.toFixed(1)}/s`;
  const perMinute = perSecond * 60;
  return perSecond === 0 ? "0/s" : `${perMinute < 10 ? perMinute.toFixed(1) : Math.round(perMinute)}/min`;
}

export function percent(part, whole) {
  if (!whole || !part) return "0 %";
  const value = (part / whole) * 100;
  return `${value < 10 ? Number(value.toPrecision(2)) : Math.round(value)} %`;
}

export function bytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1024 ** 2) return `${(n / 1024).toFixed(1)} KiB`;
  return `${(n / 1024 ** 2).toFixed(1)} MiB`;
}

export function number(n) {
  if (!Number.isFinite(n)) return "–";
  return n.toLocaleString("en", { maximumFractionDigits: Math.abs(n) < 10 ? 3 : 1 });
}

export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

// Controls, and what turns the direction of text round or hides in it: shown by their numbers.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text as it may be shown. */
export function visible(text) {
  return String(text ?? "").replace(
    UNSEEN,
    (it) => `⟨U+${it.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
  );
}

/** One line of at most so many characters. */
export function cut(text, most = 240) {
  const whole = String(text ?? "");
  const line = visible(whole.slice(0, most)).replace(/\s+/g, " ");
  return whole.length > most ? `${line}…` : line;
}

/** A value of an attribute as text. */
export function value(it) {
  return typeof it === "string" ? it : (JSON.stringify(it) ?? "");
}

/** A value of an attribute where there is little room: a fraction has as many digits as matter. */
export const brief = (it) =>
  typeof it === "number" && !Number.isInteger(it) ? String(Number(it.toPrecision(5))) : value(it);

export const short = (id) => String(id ?? "").slice(0, 8);

/** What a call's name leaves out by the conventions, since it has many values: where it goes, and which attempt it is. */
function target(span) {
  const all = span.attributes ?? {};
  if (span.kind !== "client" || span.name.includes("/") || !all["http.request.method"]) return "";
  const attempt = Number(all["http.request.resend_count"]);
  let to = all["url.template"] ?? "";
  if (!to && URL.canParse(all["url.full"])) to = new URL(all["url.full"]).pathname;
  if (!to) to = [all["server.address"], all["server.port"]].filter(Boolean).join(":");
  return ` ${to}${attempt ? ` #${attempt + 1}` : ""}`;
}

/** What a span is called in a row. */
export const spanName = (span) => `${span.name || "(no name)"}${target(span)}`;

/** What a trace of the list is called. */
export function title(trace) {
  return trace.name || [trace.method, trace.route].filter(Boolean).join(" ") || "(no name)";
}
