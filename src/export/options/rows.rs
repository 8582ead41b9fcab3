//! The rows that every exported signal has: its own target, its own batches.

/// The nine rows of a signal's own [`Way`](crate::export::Way), the endpoint after what it is read by: the options, the
/// field that holds it, the signal's word in the variables' names, what it sends.
macro_rules! target_rows {
    ($options:ty, $($way:ident).+, $signal:literal, $items:literal) => {{
        use $crate::variable::Variable;
        [
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_PROTOCOL"),
                default: "http/protobuf",
                secret: false,
                about: concat!("The transport of ", $items, ": `http/protobuf`, or `grpc` (feature `otlp-grpc`)."),
                set: |options, text| options.$($way).+.take_protocol(text),
                show: |options| options.$($way).+.show_protocol(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_INSECURE"),
                default: "false",
                secret: false,
                about: concat!("`true`: no TLS for a gRPC endpoint without a scheme, for ", $items, " only."),
                set: |options, text| options.$($way).+.take_insecure(text),
                show: |options| options.$($way).+.show_insecure(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_ENDPOINT"),
                default: "",
                secret: false,
                about: concat!("The collector's full URL for ", $items, ", with its path; for gRPC without one. \
                               Nothing is appended."),
                set: |options, url| options.$($way).+.take_endpoint(url),
                show: |options| options.$($way).+.show_endpoint(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_HEADERS"),
                default: "",
                secret: true,
                about: concat!("Headers of exports of ", $items, "; they replace the general list."),
                set: |options, text| options.$($way).+.take_headers(text),
                show: |options| options.$($way).+.show_headers(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_TIMEOUT"),
                default: "10000",
                secret: false,
                about: concat!("Timeout of one attempt for ", $items, ", in milliseconds; 0 is no timeout."),
                set: |options, text| options.$($way).+.take_timeout(text),
                show: |options| options.$($way).+.show_timeout(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_COMPRESSION"),
                default: "none",
                secret: false,
                about: concat!("Compression of ", $items, ": `none`, or `gzip` (feature `gzip`)."),
                set: |options, text| options.$($way).+.take_compression(text),
                show: |options| options.$($way).+.show_compression(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_CERTIFICATE"),
                default: "",
                secret: false,
                about: concat!("PEM file with the CAs trusted for ", $items, " (feature `tls`)."),
                set: |options, path| options.$($way).+.own.pem.take_certificate(path),
                show: |options| options.$($way).+.show_certificate(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_KEY"),
                default: "",
                secret: false,
                about: concat!("PEM file with the client key for ", $items, " (feature `tls`)."),
                set: |options, path| options.$($way).+.own.pem.take_client_key(path),
                show: |options| options.$($way).+.show_client_key(),
            },
            Variable {
                name: concat!("OTEL_EXPORTER_OTLP_", $signal, "_CLIENT_CERTIFICATE"),
                default: "",
                secret: false,
                about: concat!("PEM file with the client certificate for ", $items, " (feature `tls`)."),
                set: |options, path| options.$($way).+.own.pem.take_client_certificate(path),
                show: |options| options.$($way).+.show_client_certificate(),
            },
        ]
    }};
}

/// The four rows of a signal's own [`Batching`](crate::export::Batching): the field that holds it, the processor's
/// word in the variables' names, its default delay, what it sends.
macro_rules! batch_rows {
    ($($batching:ident).+, $processor:literal, $delay:literal, $item:literal, $items:literal) => {{
        use $crate::variable::Variable;
        [
            Variable {
                name: concat!("OTEL_", $processor, "_SCHEDULE_DELAY"),
                default: $delay,
                secret: false,
                about: concat!(
                    "How long ",
                    $item,
                    " waits at most for a full batch, in milliseconds (500 on a terminal)."
                ),
                set: |options, text| options.$($batching).+.take_delay(text),
                show: |options| options.$($batching).+.show_delay(),
            },
            Variable {
                name: concat!("OTEL_", $processor, "_EXPORT_TIMEOUT"),
                default: "30000",
                secret: false,
                about: concat!(
                    "Timeout of a batch of ",
                    $items,
                    " over all attempts, in milliseconds; 0 is no timeout."
                ),
                set: |options, text| options.$($batching).+.take_timeout(text),
                show: |options| options.$($batching).+.show_timeout(),
            },
            Variable {
                name: concat!("OTEL_", $processor, "_MAX_QUEUE_SIZE"),
                default: "2048",
                secret: false,
                about: concat!(
                    "Capacity of the queue of finished ",
                    $items,
                    "; when it is full, the newest is dropped and counted."
                ),
                set: |options, text| options.$($batching).+.take_queue(text),
                show: |options| options.$($batching).+.queue.to_string(),
            },
            Variable {
                name: concat!("OTEL_", $processor, "_MAX_EXPORT_BATCH_SIZE"),
                default: "512",
                secret: false,
                about: concat!("Maximum number of ", $items, " in a batch; never more than the queue holds."),
                set: |options, text| options.$($batching).+.take_batch(text),
                show: |options| options.$($batching).+.show_batch(),
            },
        ]
    }};
}

pub(crate) use {batch_rows, target_rows};
