"""The service `bookings` as somebody would write it in Python, with the official OpenTelemetry SDK and nothing of ours.

What it does, calls and sends is what examples/workshop/services/bookings.rs does, calls and sends, but for `inventory`:
it has no gRPC, and so asks over HTTP.
"""

import http.client
import json
import os
import signal
import sys
import threading
import uuid
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from opentelemetry import baggage, propagate, trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

PRICE_CENTS = 18_900

provider = TracerProvider(resource=Resource.create({"service.name": "bookings"}))
tracer = provider.get_tracer("bookings")


class Failure(Exception):
    """Another service did not do what it was asked for."""

    def __init__(self, url, status):
        super().__init__(f"{url} answered {status}")
        self.status = status


def call(method, url, body=None, headers=None):
    """Sends JSON, returns JSON."""
    at = urlsplit(url)
    connection = http.client.HTTPConnection(at.netloc, timeout=10)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, at.path, text, {"content-type": "application/json", **(headers or {})})
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        raise Failure(url, response.status)
    return json.loads(text)


def ask(method, service, path, body=None):
    """The same, to one of the eight, as a span that goes along."""
    url = os.environ[f"{service.upper()}_URL"] + path
    at = urlsplit(url)
    attributes = {
        "http.request.method": method,
        "server.address": at.hostname,
        "server.port": at.port,
        "url.full": url,
    }
    with tracer.start_as_current_span(method, kind=SpanKind.CLIENT, attributes=attributes) as span:
        headers = {}
        propagate.inject(headers)
        try:
            answer = call(method, url, body, headers)
        except Failure as failure:
            span.set_attribute("http.response.status_code", failure.status)
            raise
        span.set_attribute("http.response.status_code", 200)
        return answer


def send(queue, body):
    """Sends a message; its headers carry the context, the request that brings it to the broker does not."""
    attributes = {
        "messaging.system": "workshop-queue",
        "messaging.operation.type": "send",
        "messaging.destination.name": queue,
    }
    with tracer.start_as_current_span(f"send {queue}", kind=SpanKind.PRODUCER, attributes=attributes):
        headers = {}
        propagate.inject(headers)
        message = {"id": str(uuid.uuid4()), "headers": headers, "body": body, "delivery": 0}
        call("POST", f"{os.environ['WORKER_URL']}/queues/{queue}", message)


def book(order):
    booking_id = str(uuid.uuid4())
    customer = ask("GET", "customers", f"/customers/{order['customer_id']}")
    vehicle = ask("GET", "vehicles", f"/vehicles/{order['plate']}")
    ask("POST", "inventory", "/reservations", {"booking_id": booking_id, "part": order["part"]})
    payment = {"booking_id": booking_id, "customer_id": customer["id"], "cents": PRICE_CENTS}
    receipt = ask("POST", "payments", "/payments", payment)
    booking = {
        "booking_id": booking_id,
        "customer_id": customer["id"],
        "phone": customer["phone"],
        "plate": vehicle["plate"],
        "visits": vehicle["visits"],
        "payment_id": receipt["payment_id"],
    }
    send("bookings", booking)
    return booking


def write(level, message, **fields):
    now = datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")
    line = {"timestamp": now, "level": level, "service": "bookings", "message": message, **fields}
    # One call for a whole line: other threads write too.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        headers = {name.lower(): self.headers.get_all(name) for name in self.headers}
        body = self.rfile.read(int(self.headers["content-length"]))
        context = propagate.extract(headers)
        attributes = {
            "http.request.method": "POST",
            "http.route": self.path,
            "url.path": self.path,
            "url.scheme": "http",
        }
        # The baggage goes along wherever the current context goes: to every service that is called.
        token = attach(context)
        with tracer.start_as_current_span(f"POST {self.path}", kind=SpanKind.SERVER, attributes=attributes) as span:
            status, answer = self.answer(body)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            self.tell(span.get_span_context(), status)
        detach(token)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def answer(self, body):
        try:
            return 200, json.dumps(book(json.loads(body))).encode()
        except (Failure, OSError) as error:
            trace.get_current_span().record_exception(error)
            return 502, str(error).encode()

    def tell(self, context, status):
        write(
            "ERROR" if status >= 500 else "INFO",
            f"POST {self.path} {status}",
            trace_id=trace.format_trace_id(context.trace_id),
            span_id=trace.format_span_id(context.span_id),
            trace_flags=f"{context.trace_flags:02x}",
            tracestate=context.trace_state.to_header(),
            status=status,
            baggage=dict(baggage.get_all()),
        )

    def log_message(self, *_):
        """The line above says it all."""


def main():
    # Whoever started us ends us by closing our input; ctrl-c is meant for him.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    addresses = {"url": f"http://127.0.0.1:{server.server_port}", "admin": ""}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write("INFO", "listening", **addresses)
    if launcher := os.environ.get("LAUNCHER_URL"):
        call("POST", launcher, addresses)
    sys.stdin.buffer.read()
    server.shutdown()
    provider.shutdown()


main()
