//! The proof of every variable of traces: its good value's effect, and what is said of a bad one.

#[cfg(all(feature = "otlp-grpc", feature = "tls", feature = "gzip"))]
mod built_in;
#[cfg(not(any(feature = "otlp-grpc", feature = "tls", feature = "gzip")))]
mod missing;

use super::*;
use crate::variable::Refusal;

/// Sets a variable of traces, or a general one as `config` hands it on.
fn set(traces: &mut Traces, name: &str, value: &str) -> Result<(), Refusal> {
    if let Some(row) = Traces::VARIABLES.iter().find(|row| row.name == name) {
        return (row.set)(traces, value);
    }
    let row = Shared::VARIABLES.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"));
    (row.set)(&mut traces.otlp.general, value)
}

fn show(traces: &Traces, name: &str) -> String {
    if let Some(row) = Traces::VARIABLES.iter().find(|row| row.name == name) {
        return (row.show)(traces);
    }
    let row = Shared::VARIABLES.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"));
    (row.show)(&traces.otlp.general)
}

fn with(pairs: &[(&str, &str)]) -> Traces {
    let mut traces = Traces::new();
    for (name, value) in pairs {
        assert_eq!(set(&mut traces, name, value), Ok(()), "{name}={value}");
    }
    traces
}

/// Over OTLP, to this endpoint that code names.
fn to(endpoint: &str) -> Traces {
    Traces::new().otlp(Otlp::new().endpoint(endpoint))
}

fn url(text: &str) -> Destination {
    Destination::Url(text.to_owned())
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const OWN_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const ZIPKIN: &str = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";
const ZIPKIN_TIMEOUT: &str = "OTEL_EXPORTER_ZIPKIN_TIMEOUT";

#[test]
fn no_row_is_there_twice_and_every_row_shows_its_default() {
    let traces = Traces::new();
    let mut names: Vec<_> = Traces::VARIABLES.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Traces::VARIABLES.len());
    for row in Traces::VARIABLES {
        // These show what is in force, which is nothing before somebody says something.
        let unset = [EXPORTER, "OTEL_TRACES_SAMPLER_ARG", ZIPKIN, ZIPKIN_TIMEOUT].contains(&row.name);
        assert_eq!((row.show)(&traces), if unset { "" } else { row.default }, "{}", row.name);
    }
}

#[test]
fn without_an_endpoint_nothing_is_exported_and_an_endpoint_is_enough() {
    assert_eq!(Traces::new().destination(), Destination::None);
    let base = |base| with(&[(ENDPOINT, base)]).destination();
    assert_eq!(base("http://c:4318"), url("http://c:4318/v1/traces"));
    assert_eq!(base("http://c:4318/"), url("http://c:4318/v1/traces"));
    assert_eq!(base("http://c/prefix"), url("http://c/prefix/v1/traces"));
    assert_eq!(with(&[(EXPORTER, "otlp")]).destination(), url("http://localhost:4318/v1/traces"));
    assert_eq!(with(&[(EXPORTER, "none"), (ENDPOINT, "http://c:4318")]).destination(), Destination::Off);
}

#[test]
fn the_own_variable_beats_the_general_one_and_both_beat_code_in_any_order() {
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4318");
    let own = (OWN_ENDPOINT, "http://own:4318/x");
    for pairs in [[general, own], [own, general]] {
        let mut traces = to("http://code:4318");
        assert_eq!(traces.destination(), url("http://code:4318/v1/traces"));
        for (name, value) in pairs {
            set(&mut traces, name, value).unwrap();
        }
        assert_eq!(traces.destination(), url("http://own:4318/x"));
    }
    for (timeouts, millis) in [
        ([("OTEL_EXPORTER_OTLP_TIMEOUT", "1"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2")], 2),
        ([("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "1")], 2),
    ] {
        assert_eq!(with(&timeouts).batch_limits().attempt, Duration::from_millis(millis));
    }
    let headers = with(&[
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=own"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=general,b=general"),
    ]);
    assert_eq!(headers.otlp.headers(), [("a".to_owned(), "own".to_owned())]);
}

#[test]
fn what_code_switched_off_the_operator_may_switch_on() {
    let mut traces = to("http://c:4318").off();
    assert_eq!(traces.destination(), Destination::Off);
    set(&mut traces, EXPORTER, "otlp").unwrap();
    assert_eq!(traces.destination(), url("http://c:4318/v1/traces"));
}

#[test]
fn an_address_that_looks_wrong_is_taken_with_a_word_of_what_would_be_right() {
    let doubted = |name, value, protocol| {
        let mut traces = with(&[(PROTOCOL, protocol)]);
        let credentials = set(&mut traces, name, value).err().into_iter();
        let doubts = traces.advice().into_iter().map(|(_, _, refusal)| refusal);
        match &credentials.chain(doubts).collect::<Vec<_>>()[..] {
            [Refusal::Suspicious(remedy)] => (traces.destination(), remedy.clone()),
            other => panic!("{other:?}"),
        }
    };
    let (taken, remedy) = doubted(ENDPOINT, "http://c:4317", "http/protobuf");
    assert_eq!(taken, url("http://c:4317/v1/traces"));
    assert!(remedy.contains("4318") && remedy.contains("gRPC"), "{remedy}");
    let (taken, remedy) = doubted(ENDPOINT, "http://ann:s3cr3t@c:4318", "http/protobuf");
    assert_eq!(taken, url("http://ann:s3cr3t@c:4318/v1/traces"));
    assert!(remedy.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{remedy}");
    let (taken, remedy) = doubted(OWN_ENDPOINT, "http://c:4318", "http/protobuf");
    assert_eq!(taken, url("http://c:4318"));
    assert!(remedy.contains("http://c:4318/v1/traces"), "{remedy}");
    let (taken, remedy) = doubted(OWN_ENDPOINT, "http://c:4318?key=s3cr3t", "http/protobuf");
    assert_eq!(taken, url("http://c:4318?key=s3cr3t"));
    assert!(remedy.contains("http://c:4318/v1/traces?REDACTED"), "{remedy}");
}

#[test]
fn the_query_of_an_endpoint_stays_behind_the_path_and_is_never_shown() {
    let traces = with(&[(ENDPOINT, "http://h/x?api_key=s3cr3t")]);
    assert_eq!(traces.destination(), url("http://h/x/v1/traces?api_key=s3cr3t"));
    let shown = [show(&traces, ENDPOINT), show(&traces, OWN_ENDPOINT), format!("{traces:?}")];
    assert!(shown.iter().all(|shown| !shown.contains("s3cr3t")), "{shown:?}");
    assert_eq!(shown[1], "http://h/x/v1/traces?REDACTED");
    let zipkin = with(&[(ZIPKIN, "http://z:9411/api/v2/spans?key=s3cr3t")]);
    assert_eq!(zipkin.destination(), url("http://z:9411/api/v2/spans?key=s3cr3t"));
    let shown = [show(&zipkin, ZIPKIN), format!("{zipkin:?}")];
    assert!(shown.iter().all(|shown| !shown.contains("s3cr3t")), "{shown:?}");
}

#[test]
fn an_address_that_is_not_served_is_not_replaced_by_another() {
    let mut traces = to("http://code:4318");
    // Without TLS it is refused, with it it is taken.
    assert!(!matches!(set(&mut traces, ENDPOINT, "https://c:4318"), Err(Refusal::Expected(_))));
    assert_ne!(traces.destination(), url("http://code:4318/v1/traces"));
    for wrong in ["c:4318", "collector", "ftp://c", "http://", "://"] {
        let mut traces = Traces::new();
        assert!(matches!(set(&mut traces, ENDPOINT, wrong), Err(Refusal::Expected(_))), "{wrong}");
        assert_eq!(traces.destination(), Destination::None);
    }
}

#[test]
fn headers_are_decoded_and_never_shown() {
    let traces = with(&[("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cr3t%20k%C3%A9y, x-team = blue ,")]);
    assert_eq!(traces.otlp.headers()[0], ("api-key".to_owned(), "s3cr3t kéy".to_owned()));
    assert_eq!(traces.otlp.headers()[1], ("x-team".to_owned(), "blue".to_owned()));
    assert_eq!(show(&traces, "OTEL_EXPORTER_OTLP_HEADERS"), "api-key=***,x-team=***");
    let code = Otlp::new().header("more", "s3cr3t").endpoint("http://me:s3cr3t@c:4318");
    let debug = format!("{:?}", traces.otlp(code));
    assert!(debug.contains("api-key") && !debug.contains("s3cr3t"), "{debug}");
    let code = format!("{:?}", to("http://me:s3cr3t@c:4318/?key=s3cr3t"));
    assert!(!code.contains("s3cr3t"), "{code}");
    for wrong in ["s3cr3t", "a=s3cr3t;b=2", "sp ace=s3cr3t", "a=s3cr3t%0A", "a=s3cr3t%ff"] {
        let refusal = set(&mut Traces::new(), "OTEL_EXPORTER_OTLP_HEADERS", wrong).unwrap_err();
        assert!(!format!("{refusal:?}").contains("s3cr3t"), "{refusal:?}");
    }
}

#[test]
fn timeouts_are_milliseconds_and_zero_is_without_end() {
    let traces = with(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_BSP_EXPORT_TIMEOUT", "0")]);
    // No batch waits for ever.
    let hour = Duration::from_secs(3_600);
    assert_eq!((traces.batch_limits().attempt, traces.batch_limits().batch), (hour, hour));
    assert_eq!(show(&traces, "OTEL_BSP_EXPORT_TIMEOUT"), "0");
    for wrong in ["-1", "10s", "1e3"] {
        let refusal = set(&mut Traces::new(), "OTEL_EXPORTER_OTLP_TIMEOUT", wrong);
        assert_eq!(refusal, Err(Refusal::Expected("a whole number of milliseconds".to_owned())));
    }
}

#[test]
fn batch_sizes_are_bounded_by_the_queue() {
    let traces = with(&[("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BSP_SCHEDULE_DELAY", "7")]);
    assert_eq!((traces.queue_capacity(), traces.batch_limits().batch_size), (100, 100));
    assert_eq!(traces.batch_limits().delay, Duration::from_millis(7));
    assert_eq!(with(&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9")]).batch_limits().batch_size, 9);
    assert!(matches!(set(&mut Traces::new(), "OTEL_BSP_MAX_QUEUE_SIZE", "0"), Err(Refusal::Expected(_))));
}

#[test]
fn a_terminal_sees_spans_soon_unless_somebody_chose_otherwise() {
    assert_eq!(Traces::new().on_terminal().batch_limits().delay, Duration::from_millis(500));
    let chosen = with(&[("OTEL_BSP_SCHEDULE_DELAY", "5000")]).on_terminal();
    assert_eq!(chosen.batch_limits().delay, Duration::from_secs(5));
}

#[test]
fn the_spans_own_limit_beats_the_general_one() {
    let traces = with(&[
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "7"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "3"),
    ]);
    assert_eq!(traces.limits(), Limits { attributes: 7, value_length: Some(5), links: 3 });
    let own =
        with(&[("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4"), ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5")]);
    assert_eq!(own.limits().value_length, Some(4));
}

#[test]
fn each_sampler_of_the_specification_is_known() {
    let shown =
        |traces: &Traces| (show(traces, "OTEL_TRACES_SAMPLER"), show(traces, "OTEL_TRACES_SAMPLER_ARG"));
    let text = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(shown(&Traces::new()), text("parentbased_always_on", ""));
    assert_eq!(shown(&Traces::new().sample_ratio(0.1)), text("parentbased_traceidratio", "0.1"));
    assert_eq!(shown(&Traces::new().sample_ratio(0.0).follow_parent(false)), text("always_off", ""));
    for name in ["always_on", "always_off", "parentbased_always_on", "parentbased_always_off"] {
        assert_eq!(shown(&with(&[("OTEL_TRACES_SAMPLER", name)])).0, name);
    }
    let ratio = with(&[("OTEL_TRACES_SAMPLER_ARG", "0.25"), ("OTEL_TRACES_SAMPLER", "traceidratio")]);
    assert_eq!(shown(&ratio), text("traceidratio", "0.25"));
    // The argument alone changes nothing, unless code chose a ratio.
    assert_eq!(shown(&with(&[("OTEL_TRACES_SAMPLER_ARG", "0.25")])).0, "parentbased_always_on");
    let mut code = Traces::new().sample_ratio(1.0);
    set(&mut code, "OTEL_TRACES_SAMPLER_ARG", "0.25").unwrap();
    assert_eq!(shown(&code), text("parentbased_traceidratio", "0.25"));
    for wrong in ["2", "-0.1", "NaN", "ten"] {
        assert!(
            matches!(set(&mut code, "OTEL_TRACES_SAMPLER_ARG", wrong), Err(Refusal::Expected(_))),
            "{wrong}"
        );
    }
}

#[test]
fn what_is_known_but_not_served_says_what_happens_instead() {
    let not_served = [
        (EXPORTER, "logging"),
        (EXPORTER, "otlp/stdout"),
        (EXPORTER, "console,otlp/stdout"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
    ];
    for (name, value) in not_served {
        let said = set(&mut Traces::new(), name, value);
        assert!(
            matches!(&said, Err(Refusal::NotServed(text)) if !text.is_empty()),
            "{name}={value}: {said:?}"
        );
    }
    for (name, value) in [
        (EXPORTER, "otpl"),
        ("OTEL_TRACES_SAMPLER", "some"),
        (PROTOCOL, "udp"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "1"),
    ] {
        assert!(matches!(set(&mut Traces::new(), name, value), Err(Refusal::Expected(_))), "{name}={value}");
    }
}

#[test]
fn zipkin_is_chosen_by_its_name_or_by_its_address_alone() {
    assert_eq!(with(&[(EXPORTER, "zipkin")]).destination(), url("http://localhost:9411/api/v2/spans"));
    let named = ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", "http://z:9411/api/v2/spans");
    let alone = with(&[named]);
    assert_eq!((alone.destination(), alone.format()), (url(named.1), Some(Format::Zipkin)));
    let both = [named, (ENDPOINT, "http://c:4318")];
    assert_eq!(with(&both).destination(), url("http://c:4318/v1/traces"));
    assert_eq!(show(&with(&both), ZIPKIN), "", "not in force");
    let mut word = with(&both);
    set(&mut word, EXPORTER, "zipkin").unwrap();
    assert_eq!((word.destination(), show(&word, ZIPKIN)), (url(named.1), named.1.to_owned()));
    set(&mut word, EXPORTER, "none").unwrap();
    assert_eq!(word.destination(), Destination::Off);
}

#[test]
fn the_environment_beats_the_code_also_where_they_name_different_systems() {
    let code = || to("http://code:4318").zipkin("http://code:9411/api/v2/spans");
    assert_eq!(code().destination(), url("http://code:9411/api/v2/spans"));
    let mut traces = code();
    set(&mut traces, ENDPOINT, "http://env:4318").unwrap();
    assert_eq!(traces.destination(), url("http://env:4318/v1/traces"));
    let mut traces = to("http://code:4318");
    set(&mut traces, ZIPKIN, "http://env:9411/api/v2/spans").unwrap();
    assert_eq!(traces.destination(), url("http://env:9411/api/v2/spans"));
    let mut traces = code();
    set(&mut traces, EXPORTER, "otlp").unwrap();
    assert_eq!(traces.destination(), url("http://code:4318/v1/traces"));
    assert_eq!(code().off().destination(), Destination::Off);
}

#[test]
fn zipkin_has_a_timeout_of_its_own_and_none_of_the_headers_of_otlp() {
    let zipkin = Traces::new().zipkin("http://code:9411/api/v2/spans");
    assert_eq!(zipkin.batch_limits().attempt, Duration::from_secs(10));
    let mut traces = zipkin.otlp(Otlp::new().timeout(Duration::from_secs(3)));
    set(&mut traces, "OTEL_EXPORTER_OTLP_TIMEOUT", "7").unwrap();
    assert_eq!(traces.batch_limits().attempt, Duration::from_secs(3));
    set(&mut traces, ZIPKIN_TIMEOUT, "2500").unwrap();
    assert_eq!(
        (traces.batch_limits().attempt, show(&traces, ZIPKIN_TIMEOUT)),
        (Duration::from_millis(2500), "2500".into())
    );
    assert!(matches!(set(&mut traces, ZIPKIN_TIMEOUT, "2s"), Err(Refusal::Expected(_))));
}

#[test]
fn of_the_way_out_zipkin_takes_the_files_of_tls_in_code_and_what_else_code_says_is_not_dropped_without_a_word()
 {
    let otlp = Otlp::new().header("api-key", "s3cr3t").gzip().grpc().certificate("ca.pem");
    let otlp = otlp.client_certificate("client.pem", "client.key");
    let mut code = Traces::new().zipkin("https://z/api/v2/spans").otlp(otlp);
    // They are OTLP's, and the files need not be there.
    for name in ["CERTIFICATE", "CLIENT_CERTIFICATE", "TRACES_CLIENT_KEY"] {
        let _ = set(&mut code, &format!("OTEL_EXPORTER_OTLP_{name}"), "/nowhere.pem");
    }
    let endpoint = code.zipkin_endpoint("https://z/api/v2/spans");
    let (certificate, key) = (endpoint.tls.client_certificate, endpoint.tls.client_key);
    let files = [endpoint.tls.certificate, certificate, key].map(|file| file.unwrap().unwrap());
    assert_eq!(files, ["ca.pem", "client.pem", "client.key"]);
    assert!(endpoint.headers.is_empty() && !endpoint.http2 && !endpoint.is_otlp);

    let said = |traces: &Traces| -> Vec<_> {
        let doubts = traces.advice().into_iter();
        doubts.map(|(name, value, refusal)| format!("{name}={value}: {refusal:?}")).collect()
    };
    let all = said(&code);
    let begins =
        ["the headers in code=api-key: ", "the compression in code=gzip: ", "the protocol in code=grpc: "];
    assert_eq!(all.len(), begins.len(), "{all:?}");
    for (said, begin) in all.iter().zip(begins) {
        assert!(said.starts_with(begin) && said.contains("Zipkin") && !said.contains("s3cr3t"), "{said}");
    }
    assert!(
        said(&Traces::new().zipkin("http://z/api/v2/spans").otlp(Otlp::new().certificate("ca.pem")))
            .is_empty()
    );
    // Who wrote for OTLP did not choose Zipkin.
    let mut otlp = Traces::new().otlp(Otlp::new().endpoint("http://c:4318").header("api-key", "s3cr3t"));
    set(&mut otlp, EXPORTER, "zipkin").unwrap();
    assert!(said(&otlp).is_empty());
}

#[test]
fn one_system_gets_the_spans_and_the_warning_says_which() {
    for (list, to, word) in [
        ("otlp,zipkin", "http://localhost:4318/v1/traces", "zipkin is ignored, spans leave over OTLP only"),
        ("zipkin , otlp", "http://localhost:9411/api/v2/spans", "otlp is ignored, spans go to Zipkin only"),
        ("jaeger,zipkin", "http://localhost:9411/api/v2/spans", "jaeger is ignored, spans go to Zipkin only"),
    ] {
        let mut traces = Traces::new();
        let said = set(&mut traces, EXPORTER, list);
        assert!(matches!(&said, Err(Refusal::NotServed(text)) if text.starts_with(word)), "{list}: {said:?}");
        assert_eq!(traces.destination(), url(to));
    }
    assert_eq!(
        with(&[(EXPORTER, "zipkin,zipkin,none")]).destination(),
        url("http://localhost:9411/api/v2/spans")
    );
    let mut neither = to("http://c:4318");
    assert!(set(&mut neither, EXPORTER, "jaeger").is_err());
    assert_eq!(neither.destination(), url("http://c:4318/v1/traces"));
}

#[test]
fn the_console_stands_alone_or_beside_one_system() {
    let console = |list| {
        let traces = with(&[(EXPORTER, list)]);
        (traces.destination(), traces.is_shown(), show(&traces, EXPORTER))
    };
    assert_eq!(console("console"), (Destination::Console, true, "console".to_owned()));
    assert_eq!(console("none, console"), (Destination::Console, true, "console".to_owned()));
    let otlp = url("http://localhost:4318/v1/traces");
    assert_eq!(console("console,otlp"), (otlp.clone(), true, "otlp,console".to_owned()));
    let zipkin = url("http://localhost:9411/api/v2/spans");
    assert_eq!(console("zipkin,console"), (zipkin, true, "zipkin,console".to_owned()));
    // The environment beats the code, in both directions.
    let mut code = Traces::new().console();
    assert_eq!(code.destination(), Destination::Console);
    set(&mut code, ENDPOINT, "http://localhost:4318").unwrap();
    assert_eq!((code.destination(), code.is_shown()), (otlp.clone(), true));
    set(&mut code, EXPORTER, "otlp").unwrap();
    assert_eq!((code.destination(), code.is_shown()), (otlp, false));
    assert_eq!(with(&[(EXPORTER, "console")]).batch_limits().delay, Duration::from_millis(500));
}

#[test]
fn an_address_of_zipkin_that_looks_wrong_is_taken_with_a_word_of_what_would_be_right() {
    for (value, right) in [
        ("http://z:9411", "write http://z:9411/api/v2/spans"),
        ("http://z:9411/", "write http://z:9411/api/v2/spans"),
        ("http://z:9411/api/v1/spans", "write http://z:9411/api/v2/spans"),
        ("http://c:4318/v1/traces", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("http://ann:s3cr3t@z:9411/api/v2/spans", "not sent"),
    ] {
        let mut traces = Traces::new();
        let said = set(&mut traces, ZIPKIN, value);
        assert!(
            matches!(&said, Err(Refusal::Suspicious(text)) if text.contains(right) && !text.contains("s3cr3t")),
            "{value}: {said:?}"
        );
        assert_eq!(traces.destination(), url(value));
        assert!(!format!("{traces:?}").contains("s3cr3t"));
    }
    let said = set(&mut Traces::new(), ZIPKIN, "zipkin:9411");
    assert!(
        matches!(&said, Err(Refusal::Expected(text)) if text.contains("http://zipkin:9411/api/v2/spans")),
        "{said:?}"
    );
}
