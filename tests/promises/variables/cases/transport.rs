//! The cases of the way to a collector: each variable for all signals, for spans, for log records, and for metrics. What a
//! feature serves is served with it, and without it answered by what to add in Cargo.toml.

use super::logs::only_records;
use super::metrics::only_metrics;
use super::*;

const GRPC: bool = cfg!(feature = "otlp-grpc");
const GZIP: bool = cfg!(feature = "gzip");
const TLS: bool = cfg!(feature = "tls");

/// For whom a variable is: its word in the name, and a scene in which that signal leaves.
struct Whose {
    word: &'static str,
    scene: fn() -> Scene,
    path: &'static str,
    service: &'static str,
}

const TRACES: Whose =
    Whose { word: "TRACES_", scene: exporting, path: "/v1/traces", service: "TraceService/Export" };
const LOGS: Whose =
    Whose { word: "LOGS_", scene: only_records, path: "/v1/logs", service: "LogsService/Export" };
const METRICS: Whose =
    Whose { word: "METRICS_", scene: only_metrics, path: "/v1/metrics", service: "MetricsService/Export" };

macro_rules! missing {
    ($before:literal, $what:literal, $feature:literal) => {
        concat!(
            "is not served: ",
            $before,
            $what,
            " is not built in; add features = [\"",
            $feature,
            "\"] to tower-observability in Cargo.toml"
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    [Whose { word: "", ..TRACES }, TRACES, LOGS, METRICS].iter().flat_map(Whose::cases).collect()
}

impl Whose {
    fn cases(&self) -> Vec<Case> {
        let mut all = vec![self.protocol(), self.insecure(), self.compression()];
        all.extend(self.files());
        all
    }

    /// The name of a variable, which lives as long as the tests.
    fn named(&self, setting: &str) -> &'static str {
        format!("OTEL_EXPORTER_OTLP_{}{setting}", self.word).leak()
    }

    fn protocol(&self) -> Case {
        let (path, service) = (self.path, self.service);
        let is_of = |path: &'static str, kind: &'static str| {
            move |seen: &Seen| seen.posted(path).iter().any(|post| post.header("content-type") == kind)
        };
        let case = of(self.named("PROTOCOL"), "http/protobuf")
            .same("http/protobuf", (self.scene)(), is_of(path, "application/x-protobuf"))
            .bad("udp", "is not http/protobuf or grpc; http/protobuf stays")
            .bad(
                "http/json",
                "is not served: what is exported leaves as http/protobuf, which goes to the same port",
            );
        if GRPC {
            case.good("grpc", (self.scene)(), is_of(service, "application/grpc")).good(
                "GRPC",
                (self.scene)(),
                is_of(service, "application/grpc"),
            )
        } else {
            case.bad("grpc", missing!("", "OTLP over gRPC", "otlp-grpc"))
        }
    }

    fn insecure(&self) -> Case {
        let case = of(self.named("INSECURE"), "false").bad("1", "is not true or false; false stays");
        if !GRPC {
            return case;
        }
        let service = self.service;
        let scene = (self.scene)().with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let scene = scene.with("OTEL_EXPORTER_OTLP_ENDPOINT", "{address}");
        let scene = scene.with("OBSERVABILITY_SHUTDOWN_TIMEOUT", "2000");
        case.good("TRUE", scene, move |seen| !seen.posted(service).is_empty())
    }

    fn compression(&self) -> Case {
        let path = self.path;
        let is_packed =
            move |seen: &Seen| seen.posted(path).iter().any(|post| post.header("content-encoding") == "gzip");
        let case = of(self.named("COMPRESSION"), "none")
            .same("none", (self.scene)(), move |seen| !seen.posted(path).is_empty() && !is_packed(seen))
            .bad("zstd", "is not gzip or none; none stays");
        if GZIP {
            case.good("gzip", (self.scene)(), is_packed).good("GZIP", (self.scene)(), is_packed)
        } else {
            case.bad("gzip", missing!("what is exported leaves uncompressed. ", "gzip", "gzip"))
        }
    }

    fn files(&self) -> Vec<Case> {
        let [ca, certificate, key] = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"];
        let all = [(ca, "{ca}"), (certificate, "{certificate}"), (key, "{key}")];
        all.map(|(setting, file)| {
            let case = of(self.named(setting), "");
            if !TLS {
                return case.bad("file.pem", missing!("", "TLS", "tls"));
            }
            let tls = if setting == ca { Tls::Shown } else { Tls::Demanded };
            let others = all.into_iter().filter(|(other, _)| *other != setting);
            let scene = (self.scene)().tls(tls).with("OBSERVABILITY_SHUTDOWN_TIMEOUT", "2000");
            let scene = others.fold(scene, |scene, (other, file)| scene.with(self.named(other), file));
            let path = self.path;
            let case = case.good(file, scene, move |seen| !seen.posted(path).is_empty());
            let wrong = if setting == key {
                "is not a file with a private key in PEM, without a password (No such file or directory (os error 2)); \
                 it is ignored"
            } else {
                "is not a file with certificates in PEM (No such file or directory (os error 2)); it is ignored"
            };
            case.bad("file.pem", wrong)
        })
        .into()
    }
}
