// Where a trace begins: the page makes the ids and sends them with its request (W3C Trace Context, level 2).
const JAEGER = "http://127.0.0.1:16686";

// Random bytes in hexadecimal digits.
function random(bytes) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}

// Shows the outcome, and where its trace is; text stays text.
function show(outcome, traceId) {
  const link = document.createElement("a");
  link.href = `${JAEGER}/trace/${traceId}`;
  link.textContent = traceId;
  document.getElementById("answer").replaceChildren(`${outcome}. Trace `, link);
}

async function book(event) {
  event.preventDefault();
  const traceId = random(16);
  const order = Object.fromEntries(new FormData(event.target));
  order.customer_id = Number(order.customer_id);
  try {
    const response = await fetch("api/bookings", {
      method: "POST",
      // Sampled, and of random bytes.
      headers: { "content-type": "application/json", traceparent: `00-${traceId}-${random(8)}-03` },
      body: JSON.stringify(order),
    });
    show(response.ok ? "Booked" : `Failed with ${response.status}`, traceId);
  } catch (error) {
    show(`No response (${error.message})`, traceId);
  }
}

document.getElementById("booking").addEventListener("submit", book);
