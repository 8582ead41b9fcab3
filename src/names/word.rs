//! The words that say what kept a call from its answer: values of `error.type` beside a status and an outcome.

names! {
    CONNECTION_ERROR = "connection_error",
        "No connection came about, for a reason that none of the others names: a proxy refused, a permission is missing.";
    CONNECTION_REFUSED = "connection_refused",
        "Nobody listens at the address.";
    CONNECTION_RESET = "connection_reset",
        "The connection ended before the head of the answer: reset, closed, or lost in the pool.";
    CONNECTION_TIMEOUT = "connection_timeout",
        "No connection came about in time. The outcome is `timeout`.";
    DNS_ERROR = "dns_error",
        "The host's name was not resolved.";
    HOST_UNREACHABLE = "host_unreachable",
        "No way leads to the host or to its network.";
    INVALID_REQUEST = "invalid_request",
        "The request was never sent, because no client could: no scheme, no host, no absolute address.";
    PROTOCOL_ERROR = "protocol_error",
        "What came back is no HTTP, or HTTP/2 ended the exchange.";
    REDIRECT_ERROR = "redirect_error",
        "reqwest followed too many redirects, or one that leads nowhere.";
    REQUEST_BODY_ERROR = "request_body_error",
        "The body that was to be sent failed.";
    TIMEOUT = "timeout",
        "The answer did not come in time. The outcome is `timeout`.";
    TLS_ERROR = "tls_error",
        "No TLS, or none that both sides accept: a certificate that is not trusted, a handshake that failed.";
}
