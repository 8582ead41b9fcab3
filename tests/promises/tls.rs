//! Promise: `https://` endpoints are reached with TLS, over HTTP and gRPC; why one is not reached is said in words that
//! name the remedy.

use tower_observability::{Otlp, Traces, Work};

use crate::support::authority::{Authority, Shown};
use crate::support::child::{Child, Ended, run};
use crate::support::collector::{Answer, Collector};

const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];

#[test]
fn program() {
    run(&[("job", || job(Traces::new())), ("zipkin_in_code", zipkin_in_code)]);
}

fn job(traces: Traces) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::builder("tls").traces(traces).init().unwrap();
        Work::internal("job").run(async { tracing::info!("at work") }).await;
        println!("report: {}", observability.shutdown().await.spans);
    });
}

/// The address and the files come from what are no variables of ours.
fn zipkin_in_code() {
    let [address, ca, certificate, key] = ["ADDRESS", "CA", "CLIENT", "KEY"].map(std::env::var);
    let otlp = Otlp::new().certificate(ca.unwrap());
    let otlp = match (certificate, key) {
        (Ok(certificate), Ok(key)) => otlp.client_certificate(certificate, key),
        _ => otlp,
    };
    job(Traces::new().zipkin(address.unwrap()).otlp(otlp));
}

fn child(protocol: &str, endpoint: String) -> Child {
    let child = Child::new("tls", "job").env(ENDPOINT, endpoint).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
    child.env("OTEL_LOGS_EXPORTER", "console,otlp").env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "5000")
}

#[track_caller]
fn arrived(collector: &Collector, ended: &Ended) {
    assert_eq!(ended.said("report: "), "1 delivered, 0 unconfirmed, 0 dropped");
    assert!(collector.logs().iter().any(|log| log.body() == "at work"));
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());
}

/// Why the spans do not arrive; for a moment only, because it is tried again until the end.
fn reason(child: Child) -> String {
    let ended = child.env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "700").end().well();
    let said = ended.messages("WARN");
    let found = said.iter().find_map(|line| line.strip_prefix("traces cannot be delivered to https://"));
    let (_, reason) = found.and_then(|line| line.split_once(": ")).unwrap_or_else(|| panic!("{said:#?}"));
    reason.to_owned()
}

#[test]
fn a_collector_whose_ca_is_named_gets_spans_and_records_on_each_way() {
    let authority = Authority::new("named");
    for protocol in PROTOCOLS {
        let collector = Collector::start_tls(authority.server(Shown::Right));
        let child = child(protocol, collector.endpoint()).env(CERTIFICATE, authority.file());
        let ended = child.env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip").end().well();
        arrived(&collector, &ended);
    }
}

#[test]
fn grpc_without_a_scheme_is_grpc_with_tls() {
    let authority = Authority::new("bare");
    let collector = Collector::start_tls(authority.server(Shown::Right));
    let child = child("grpc", collector.address().to_string()).env(CERTIFICATE, authority.file());
    arrived(&collector, &child.end().well());
}

#[test]
fn a_collector_that_demands_a_certificate_gets_the_clients() {
    let authority = Authority::new("demanding");
    let (certificate, key) = authority.client();
    for protocol in PROTOCOLS {
        let collector = Collector::start_tls(authority.demanding());
        let shown = child(protocol, collector.endpoint()).env(CERTIFICATE, authority.file());
        let shown = shown.env(CLIENT_CERTIFICATE, &certificate).env(CLIENT_KEY, &key);
        arrived(&collector, &shown.end().well());
        let silent = child(protocol, collector.endpoint()).env(CERTIFICATE, authority.file());
        let reason = reason(silent);
        assert!(reason.starts_with("the collector demands a client's certificate"), "{protocol}: {reason}");
        assert!(reason.contains(CLIENT_CERTIFICATE) && reason.contains(CLIENT_KEY), "{reason}");
    }
}

#[test]
fn the_line_says_what_is_wrong_with_the_collectors_certificate() {
    let authority = Authority::new("wrong");
    let told = |shown, trusted: Option<String>| {
        let collector = Collector::start_tls(authority.server(shown));
        let mut reasons = PROTOCOLS.map(|protocol| {
            let child = child(protocol, collector.endpoint());
            reason(trusted.iter().fold(child, |child, file| child.env(CERTIFICATE, file)))
        });
        assert_eq!(reasons[0], reasons[1]);
        assert!(collector.received().is_empty());
        std::mem::take(&mut reasons[0])
    };
    // The second has its name, as a CA that was made anew.
    for stranger in [Authority::new("stranger"), Authority::called("wrong", "renewed")] {
        assert_eq!(
            told(Shown::Right, Some(stranger.file())),
            format!("the collector's certificate is not signed by a CA of {}", stranger.file())
        );
    }
    assert_eq!(
        told(Shown::OfAnother, Some(authority.file())),
        "the collector's certificate is for other.example, not for 127.0.0.1"
    );
    assert_eq!(
        told(Shown::Expired, Some(authority.file())),
        "the collector's certificate has expired on Wed, 03 Feb 2021 00:00:00 GMT"
    );
}

/// The machine's own list, in a file of its own.
fn trusting(child: Child, authority: &Authority) -> Child {
    child.env("SSL_CERT_FILE", authority.file()).without_env("SSL_CERT_DIR")
}

#[test]
fn whoever_names_no_file_trusts_whom_the_machine_trusts() {
    let authority = Authority::new("machine");
    for protocol in PROTOCOLS {
        let collector = Collector::start_tls(authority.server(Shown::Right));
        arrived(&collector, &trusting(child(protocol, collector.endpoint()), &authority).end().well());
        let stranger = Authority::new("machine-of-another");
        let reason = reason(trusting(child(protocol, collector.endpoint()), &stranger));
        assert!(
            reason.contains("not signed by a CA that this machine trusts") && reason.contains(CERTIFICATE),
            "{reason}"
        );
    }
}

#[test]
fn zipkin_is_reached_with_tls() {
    let authority = Authority::new("zipkin");
    let zipkin = Collector::start_tls(authority.server(Shown::Right));
    zipkin.always(Answer::Status(202));
    let child = Child::new("tls", "job").env("OTEL_TRACES_EXPORTER", "zipkin");
    let child = child.env("OTEL_EXPORTER_ZIPKIN_ENDPOINT", format!("{}/api/v2/spans", zipkin.endpoint()));
    let ended = trusting(child, &authority).end().well();
    assert_eq!(ended.said("report: "), "1 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!(zipkin.received()[0].path, "/api/v2/spans");
}

#[test]
fn what_is_said_of_a_zipkin_names_no_variable_that_it_does_not_hear() {
    let authority = Authority::new("demanding-zipkin");
    let told = |config, trusted: &Authority| {
        let zipkin = Collector::start_tls(config);
        let child = Child::new("tls", "job").env("OTEL_TRACES_EXPORTER", "zipkin");
        let endpoint = format!("{}/api/v2/spans", zipkin.endpoint());
        reason(trusting(child.env("OTEL_EXPORTER_ZIPKIN_ENDPOINT", endpoint), trusted))
    };
    let untrusted = told(authority.server(Shown::Right), &Authority::new("zipkin-of-another"));
    assert!(untrusted.ends_with("belongs into SSL_CERT_FILE"), "{untrusted}");
    let demanded = told(authority.demanding(), &authority);
    assert!(demanded.contains("Otlp::client_certificate() names its files"), "{demanded}");
}

#[test]
fn zipkin_takes_the_files_that_code_names_and_a_variable_that_it_does_not_hear_is_said() {
    let authority = Authority::new("zipkin-in-code");
    let (certificate, key) = authority.client();
    let child = |zipkin: &Collector| {
        zipkin.always(Answer::Status(202));
        let child = Child::new("tls", "zipkin_in_code").env("CA", authority.file());
        child.env("ADDRESS", format!("{}/api/v2/spans", zipkin.endpoint()))
    };
    let zipkin = Collector::start_tls(authority.demanding());
    let ended = child(&zipkin).env("CLIENT", &certificate).env("KEY", &key).end().well();
    assert_eq!(ended.said("report: "), "1 delivered, 0 unconfirmed, 0 dropped");
    assert_eq!(ended.messages("WARN"), Vec::<String>::new());

    let zipkin = Collector::start_tls(authority.server(Shown::Right));
    let ended = child(&zipkin).env(CLIENT_KEY, &key).end().well();
    assert_eq!(ended.said("report: "), "1 delivered, 0 unconfirmed, 0 dropped");
    let said = ended.messages("WARN");
    let begin = format!(
        "{CLIENT_KEY}={key} changes nothing: spans go to Zipkin, for which no variable of OTLP counts"
    );
    assert!(said.len() == 1 && said[0].starts_with(&begin), "{said:#?}");

    let stranger = Authority::new("zipkin-of-a-stranger");
    let zipkin = Collector::start_tls(stranger.server(Shown::Right));
    let reason = reason(child(&zipkin));
    assert!(reason.contains("is not signed by a CA of ") && reason.contains(&authority.file()), "{reason}");
}

#[test]
fn who_does_not_speak_tls_is_told_from_who_cannot_be_trusted() {
    let authority = Authority::new("plain");
    for protocol in PROTOCOLS {
        let collector = Collector::start();
        let endpoint = collector.endpoint().replace("http://", "https://");
        let reason = reason(child(protocol, endpoint).env(CERTIFICATE, authority.file()));
        assert!(reason.starts_with("what listens there "), "{protocol}: {reason}");
    }
}

#[test]
fn a_file_that_cannot_serve_is_named_and_the_service_runs_without_that_export() {
    let authority = Authority::new("files");
    let (certificate, key) = authority.client();
    let warned = |files: &[(&str, &str)]| {
        let child =
            files.iter().fold(child("grpc", "https://127.0.0.1:9".to_owned()), |child, (name, file)| {
                child.env(name, file)
            });
        child.end().well().messages("WARN")
    };
    let said = warned(&[(CERTIFICATE, "/nowhere/ca.pem")]);
    let begins = |begin: &str| said.iter().filter(|line| line.starts_with(begin)).count();
    assert_eq!(
        begins(&format!("{CERTIFICATE}=/nowhere/ca.pem is not a file with certificates in PEM (No such")),
        1
    );
    assert_eq!(begins("traces are not exported; the warning before says why"), 1);
    assert_eq!(
        said.iter().filter(|line| line.contains("No such")).count(),
        1,
        "a reason is said once: {said:#?}"
    );
    let ca = authority.file();
    for (files, right) in [
        (&[(CERTIFICATE, &*ca), (CLIENT_KEY, &*key)][..], "a client's key needs its certificate"),
        (&[(CERTIFICATE, &ca), (CLIENT_CERTIFICATE, &certificate)], "a client's certificate needs its key"),
        (
            &[(CERTIFICATE, &ca), (CLIENT_CERTIFICATE, &ca), (CLIENT_KEY, &key)],
            "client.key is not the key of the certificate in",
        ),
    ] {
        let said = warned(files);
        let told = |line: &&String| line.starts_with("traces are not exported: ") && line.contains(right);
        assert_eq!(said.iter().filter(told).count(), 1, "{right}: {said:#?}");
    }
}

#[cfg(unix)]
#[test]
fn a_certificate_that_is_a_fifo_does_not_hold_up_the_start() {
    let fifo = std::env::temp_dir().join(format!("tower-observability-tls-fifo-{}", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for variable in [CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, "SSL_CERT_FILE"] {
        let begin = std::time::Instant::now();
        let child = child("http/protobuf", "https://127.0.0.1:9".to_owned());
        let ended = child.env(variable, &fifo).env("OBSERVABILITY_SHUTDOWN_TIMEOUT", "200").end().well();
        assert!(begin.elapsed() < std::time::Duration::from_secs(10), "{variable}");
        let said = ended.messages("WARN");
        assert!(said.iter().any(|line| line.contains("not a regular file")), "{variable}: {said:#?}");
    }
    std::fs::remove_file(fifo).unwrap();
}
