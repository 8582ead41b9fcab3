//! The command line of `observability view`.

use std::ffi::OsString;

use clap::Args;

/// Receives OTLP from any service, of any language, and shows it on one page of this machine.
#[derive(Args)]
pub(crate) struct View {
    /// Where the page is and OTLP over HTTP is received, on 127.0.0.1; 0 is a free port.
    #[arg(long, value_name = "PORT")]
    pub(super) port: Option<u16>,
    /// Where OTLP over gRPC is received, on 127.0.0.1; 4317 if that is free.
    #[arg(long, value_name = "PORT")]
    pub(super) grpc_port: Option<u16>,
    /// How much is kept of spans, lines and metrics; beyond that the oldest goes.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    pub(super) memory: usize,
    /// A command to start, with the variables set that have it send to the page.
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

impl View {
    /// The usual port, or the one that was chosen.
    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(4318)
    }
}

pub(crate) const HELP: &str = "\
A view that runs already at the port is joined: several commands, from several terminals, on one page.

The command gets these variables, unless they are set:
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318   OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
  OTEL_TRACES_EXPORTER=otlp                           OTEL_BSP_SCHEDULE_DELAY=500
  OTEL_LOGS_EXPORTER=console,otlp                     OTEL_BLRP_SCHEDULE_DELAY=500
  OTEL_METRICS_EXPORTER=otlp                          OTEL_METRIC_EXPORT_INTERVAL=2000
                                                      OTEL_METRIC_EXPORT_TIMEOUT=2000
Go's SDK takes no list of exporters: set OTEL_LOGS_EXPORTER=otlp for it.

Ctrl-C ends the command, and then the view, with the command's exit code; SIGTERM and SIGHUP are passed on to it. A command
that ends by itself, at a terminal, leaves the page open until ctrl-c, so that a crash can be looked at; elsewhere the view
ends with it.

Examples:
  observability view -- cargo run
  observability view --port 0 --memory 64 -- ./service --flag";
