//! The proof that what needs a feature says what to add in Cargo.toml, and that nothing leaves another way.

use super::*;

fn line(feature: &str) -> String {
    format!("add features = [\"{feature}\"] to tower-observability in Cargo.toml")
}

/// Every variable says that its value is not served, with the line.
#[track_caller]
fn refused(name: &str, value: &str, feature: &str) -> Traces {
    let mut traces = to("http://c:4318");
    let said = set(&mut traces, name, value);
    assert!(
        matches!(&said, Err(Refusal::NotServed(text)) if text.contains(&line(feature))),
        "{name}={value}: {said:?}"
    );
    traces
}

#[test]
fn a_protocol_or_tls_that_is_not_built_in_exports_nothing_and_says_how_it_is_built_in() {
    for (name, value, feature) in [
        (PROTOCOL, "grpc", "otlp-grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", "otlp-grpc"),
        (ENDPOINT, "https://c:4318", "tls"),
        (OWN_ENDPOINT, "https://c:4318/v1/traces", "tls"),
        (ZIPKIN, "https://z/api/v2/spans", "tls"),
    ] {
        let mut traces = refused(name, value, feature);
        if name == ZIPKIN {
            set(&mut traces, EXPORTER, "zipkin").unwrap();
        }
        let destination = traces.destination();
        assert!(
            matches!(&destination, Destination::Refused(text) if text.contains(&line(feature))),
            "{destination:?}"
        );
    }
    let code = Traces::new().otlp(Otlp::new().endpoint("http://c:4317").grpc()).destination();
    assert!(matches!(&code, Destination::Refused(text) if text.contains(&line("otlp-grpc"))), "{code:?}");
}

#[test]
fn files_of_tls_and_compression_that_are_not_built_in_say_how_they_are_and_the_rest_leaves_as_before() {
    for word in ["", "TRACES_"] {
        for name in ["CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"] {
            let name = format!("OTEL_EXPORTER_OTLP_{word}{name}");
            let traces = refused(&name, "/file.pem", "tls");
            assert_eq!(
                (traces.destination(), show(&traces, &name)),
                (url("http://c:4318/v1/traces"), String::new())
            );
        }
        let name = format!("OTEL_EXPORTER_OTLP_{word}COMPRESSION");
        let traces = refused(&name, "gzip", "gzip");
        assert!(!traces.otlp.is_compressed());
        assert_eq!(show(&traces, &name), "none");
    }
    let code = Traces::new().otlp(Otlp::new().endpoint("http://c:4318").gzip());
    assert!(!code.otlp.is_compressed());
    let [(_, _, Refusal::NotServed(text))] = &code.advice()[..] else { panic!("{:?}", code.advice()) };
    assert!(text.contains(&line("gzip")), "{text}");
}
