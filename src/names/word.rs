//! Values of `error.type` for a call that got no response: what prevented it.
//!
//! They are the same on span, metric and log line. They are derived from the error and its causes, as hyper-util's
//! client, the pools built from its parts, and reqwest report them, also inside a box. TLS failures are recognised as
//! rustls and OpenSSL report them.

names! {
    CONNECTION_ERROR = "connection_error",
        "No connection, for a reason that no other word covers: a proxy refused, a permission is missing.";
    CONNECTION_REFUSED = "connection_refused",
        "Nothing listens at the address.";
    CONNECTION_RESET = "connection_reset",
        "The connection ended before the response head: reset, closed, or stale in the pool.";
    CONNECTION_TIMEOUT = "connection_timeout",
        "No connection in time. The outcome is `timeout`.";
    DNS_ERROR = "dns_error",
        "The host name could not be resolved.";
    HOST_UNREACHABLE = "host_unreachable",
        "There is no route to the host or to its network.";
    INVALID_REQUEST = "invalid_request",
        "The request could not be sent: it has no scheme, no host, or no absolute URI.";
    PROTOCOL_ERROR = "protocol_error",
        "The response is not HTTP, or HTTP/2 ended the exchange.";
    REDIRECT_ERROR = "redirect_error",
        "Too many redirects, or one without a valid target (reqwest).";
    REQUEST_BODY_ERROR = "request_body_error",
        "The body of the request failed while it was sent.";
    TIMEOUT = "timeout",
        "No response in time. The outcome is `timeout`.";
    TLS_ERROR = "tls_error",
        "TLS failed: an untrusted certificate, no common version, a broken handshake.";
}
