//! The proof of the variables of gRPC, TLS and compression where these are built in.

use super::*;

const OWN_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";

#[test]
fn the_protocol_decides_the_default_endpoint_and_what_of_an_endpoint_is_used() {
    let grpc = |pairs: &[(&str, &str)]| {
        let traces = with(&[&[(PROTOCOL, "grpc"), (EXPORTER, "otlp")], pairs].concat());
        let url = traces.otlp.endpoint("http://c").url;
        assert_eq!(url, "http://c/opentelemetry.proto.collector.trace.v1.TraceService/Export");
        traces.destination()
    };
    assert_eq!(grpc(&[]), url("http://localhost:4317"));
    assert_eq!(grpc(&[(ENDPOINT, "http://c:4317")]), url("http://c:4317"));
    assert_eq!(grpc(&[(ENDPOINT, "https://c:4317/")]), url("https://c:4317"));
    assert_eq!(grpc(&[(ENDPOINT, "http://c:4317/v1/traces?x=1")]), url("http://c:4317"));
    assert_eq!(grpc(&[(OWN_ENDPOINT, "http://own:4317/x")]), url("http://own:4317"));
    // Without a scheme, TLS is what nobody switched off.
    assert_eq!(grpc(&[(ENDPOINT, "c:4317")]), url("https://c:4317"));
    assert_eq!(grpc(&[(INSECURE, "TRUE"), (ENDPOINT, "c:4317")]), url("http://c:4317"));
    assert_eq!(grpc(&[(INSECURE, "true"), (ENDPOINT, "https://c:4317")]), url("https://c:4317"));
    let own = [(INSECURE, "true"), ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false"), (OWN_ENDPOINT, "c:4317")];
    assert_eq!(grpc(&own), url("https://c:4317"));
}

#[test]
fn the_own_protocol_beats_the_general_one_and_both_beat_code() {
    let mut traces = Traces::new().otlp(Otlp::new().endpoint("http://c:4317").grpc());
    assert_eq!(traces.destination(), url("http://c:4317"));
    set(&mut traces, PROTOCOL, "http/protobuf").unwrap();
    assert_eq!(traces.destination(), url("http://c:4317/v1/traces"));
    set(&mut traces, OWN_PROTOCOL, "grpc").unwrap();
    assert_eq!(
        (traces.destination(), show(&traces, OWN_PROTOCOL)),
        (url("http://c:4317"), "grpc".to_owned())
    );
}

#[test]
fn what_looks_wrong_beside_a_protocol_is_doubted_and_what_fits_is_not() {
    let doubted = |protocol, endpoint| {
        let mut traces = with(&[(ENDPOINT, endpoint)]);
        set(&mut traces, OWN_PROTOCOL, protocol).unwrap();
        match &traces.advice()[..] {
            [] => String::new(),
            [(name, _, Refusal::Suspicious(remedy))] => format!("{name}: {remedy}"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(doubted("grpc", "http://c:4317"), "");
    assert_eq!(doubted("http/protobuf", "http://c:4318"), "");
    let said = doubted("grpc", "http://c:4318");
    assert!(said.starts_with(ENDPOINT) && said.contains("4317"), "{said}");
    let said = doubted("http/protobuf", "http://c:4317");
    assert!(said.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"), "{said}");
    let said = doubted("grpc", "http://c:4317/v1/traces");
    assert!(said.contains("no use for the path /v1/traces"), "{said}");
    for (endpoint, signal) in [
        ("http://c:4318/v1/traces/", "traces"),
        ("http://c:4318/v1/logs", "logs"),
        ("http://c/otlp/v1/metrics", "metrics"),
    ] {
        let said = doubted("http/protobuf", endpoint);
        let what =
            format!("/v1/traces is appended to it; write it without /v1/{signal}, or the whole URL in");
        assert!(said.contains(&what), "{said}");
    }
    assert_eq!(doubted("http/protobuf", "http://c:4318/otlp"), "");
    let off = with(&[(ENDPOINT, "http://c:4317"), (EXPORTER, "none")]);
    assert!(off.advice().is_empty());
}

#[test]
fn compression_is_of_all_signals_or_of_one() {
    let gzip = |pairs: &[(&str, &str)]| with(pairs).otlp.is_compressed();
    let (general, own) = ("OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION");
    assert!(!gzip(&[]) && gzip(&[(general, "gzip")]) && gzip(&[(own, "gzip")]));
    assert!(!gzip(&[(general, "gzip"), (own, "none")]));
    let code = Traces::new().otlp(Otlp::new().gzip());
    assert!(code.otlp.is_compressed() && code.otlp.advice().is_empty());
}

#[test]
fn a_file_that_cannot_serve_is_named_with_what_is_right_and_stays_the_reason_why_nothing_leaves() {
    for (name, what) in [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "a file with certificates in PEM"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "a file with certificates in PEM"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "a file with a private key in PEM"),
    ] {
        for (path, why) in [("/nowhere.pem", "No such file"), ("Cargo.toml", "there is none in it")] {
            let mut traces = Traces::new();
            let said = set(&mut traces, name, path);
            assert!(
                matches!(&said, Err(Refusal::Expected(text)) if text.contains(what) && text.contains(why)),
                "{name}={path}: {said:?}"
            );
            assert_eq!(show(&traces, name), "");
            let pem = traces.otlp.endpoint("").tls;
            let files = [pem.certificate, pem.client_key, pem.client_certificate];
            assert!(files.into_iter().flatten().all(|file| file.is_err_and(|text| text.starts_with(path))));
        }
    }
}
