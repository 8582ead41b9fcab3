//! The running workshop of a test: eight processes, their lines as they came, and bookings at the gateway.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

const MAY_TAKE: Duration = Duration::from_secs(60);

/// Less than the 2 s for which the payment provider lets the first charge wait, and more than a busy machine needs for
/// any other: each of these may be counted.
const PROVIDER_MAY_TAKE_MS: &str = "1000";

pub const SERVICES: [&str; 8] =
    ["gateway", "bookings", "customers", "vehicles", "inventory", "payments", "worker", "notifications"];

/// Who calls whom for a booking, `inventory` over gRPC, the others over HTTP; over the queue, `bookings` reaches `worker`.
pub const CALLS: [(&str, &str); 6] = [
    ("gateway", "bookings"),
    ("bookings", "customers"),
    ("bookings", "vehicles"),
    ("bookings", "inventory"),
    ("bookings", "payments"),
    ("worker", "notifications"),
];

/// The eight. Dropping it ends them.
pub struct Workshop {
    process: Process,
    gateway: String,
    provider: String,
    addresses: BTreeMap<String, Addresses>,
}

/// One of the eight, started by hand and alone. Dropping it ends it.
pub struct Service {
    process: Process,
    pub addresses: Addresses,
}

/// Where a service listens: URLs without a path.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub url: String,
    pub admin: String,
}

/// A line of standard output, as it came and when.
#[derive(Clone, Debug)]
pub struct Line {
    pub at: SystemTime,
    pub text: String,
}

/// What a booking's customer got, and the trace that it became.
#[derive(Clone, Debug)]
pub struct Booking {
    pub answer: Answer,
    pub trace_id: String,
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Arc<Lines>,
    errors: Arc<Lines>,
}

/// What was written so far.
#[derive(Default)]
struct Lines {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    lines: Vec<Line>,
    is_all: bool,
}

/// The example as `cargo test` builds it.
pub fn program() -> PathBuf {
    built("workshop")
}

/// An example, next to the directory of the tests; what is `../` is no example.
pub fn built(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.extend(["examples", &format!("{name}{}", std::env::consts::EXE_SUFFIX)]);
    assert!(path.is_file(), "{} is missing: `cargo build --examples --bins` makes it", path.display());
    path
}

/// What is booked; the customer's number is free from 4000 to 4999.
pub fn order(customer_id: u64) -> Value {
    json!({ "customer_id": customer_id, "plate": format!("B-WS-{}", customer_id % 50), "part": "oil-filter" })
}

/// An HTTP request to a URL, with a JSON body or none.
pub fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(MAY_TAKE)).unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Answer::of(&answer)
}

impl Workshop {
    /// Starts the eight with these variables; none of the test's own telemetry options reaches them.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let process = Process::start("--lines", variables);
        let opening = process.errors.first("the workshop opens", |line| line.json_with("workshop is open"));
        let services = opening["services"].as_object().unwrap();
        let addresses = services.iter().map(|(name, at)| (name.clone(), Addresses::of(at))).collect();
        let url = |key: &str| opening[key].as_str().unwrap().to_owned();
        Self { process, gateway: url("gateway"), provider: url("provider"), addresses }
    }

    /// The public edge's URL, without a path.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// From now on the payment provider takes every charge, and takes it at once. Until then it fails by a plan that
    /// counts charges, so that how busy the machine is decides which booking meets what.
    pub fn steady_provider(&self) {
        assert_eq!(ask("PUT", &format!("{}/mood", self.provider), &[], Some(&json!("steady"))).status, 200);
    }

    pub fn addresses(&self, service: &str) -> &Addresses {
        &self.addresses[service]
    }

    /// Books at the gateway with these request headers; the trace's id comes out of the lines.
    pub fn book(&self, customer_id: u64, headers: &[(&str, &str)]) -> Booking {
        let answer = self.ask_for_booking(customer_id, headers);
        let trace_id = self.trace_of(&answer.headers["x-request-id"]);
        Booking { answer, trace_id }
    }

    /// The same where no line tells the trace's id.
    pub fn ask_for_booking(&self, customer_id: u64, headers: &[(&str, &str)]) -> Answer {
        ask("POST", &format!("{}/bookings", self.gateway), headers, Some(&order(customer_id)))
    }

    /// The trace's id on the first line with this request id, whatever the format calls it.
    pub fn trace_of(&self, request_id: &str) -> String {
        let is_id = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.process.output.first(&format!("a line of the request {request_id}"), |line| {
            let texts = line.texts();
            let is_its = texts.iter().any(|text| text == request_id);
            is_its.then(|| texts.into_iter().find(|text| is_id(text)))?
        })
    }

    /// All lines of a booking's trace, once each of the eight has written one and nothing of it is left to do.
    pub fn lines_of(&self, trace_id: &str) -> Vec<Line> {
        self.lines_of_these(&SERVICES, trace_id)
    }

    /// The same of these services, of which `worker` is one: the last to be done.
    pub fn lines_of_these(&self, services: &[&str], trace_id: &str) -> Vec<Line> {
        self.lines_once(&format!("lines of {services:?} in trace {trace_id}"), |lines| {
            let of_trace = lines.iter().filter(|line| line.text.contains(trace_id)).cloned();
            let of_trace: Vec<Line> = of_trace.collect();
            let wrote =
                |name: &&str| of_trace.iter().any(|line| line.texts().iter().any(|text| text == name));
            let is_done = of_trace.iter().any(|line| line.text.contains("process bookings ok"));
            (is_done && services.iter().all(wrote)).then_some(of_trace)
        })
    }

    /// What `choose` makes of all lines so far, once it makes something of them.
    pub fn lines_once<T>(&self, awaited: &str, choose: impl FnMut(&[Line]) -> Option<T>) -> T {
        self.process.output.once(awaited, choose)
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Line> {
        self.process.output.so_far()
    }

    pub fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// Ends the eight as their launcher does, and returns all that they ever said.
    pub fn stop(mut self) -> Vec<Line> {
        let status = self.process.end();
        assert!(status.success(), "{status}: {:#?}", self.process.errors.so_far());
        self.lines()
    }

    /// Waits for an end that somebody else has asked for.
    pub fn ended(mut self) -> (ExitStatus, Vec<Line>) {
        let status = self.process.wait();
        (status, self.lines())
    }
}

impl Service {
    /// Starts it; `OTEL_EXPORTER_PROMETHEUS_PORT` gives it the same admin port each time. Its lines must stay
    /// JSON on standard output: one of them tells the addresses.
    pub fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let process = Process::start(name, variables);
        let listening = process.output.first("it listens", |line| line.json_with("listening"));
        Self { process, addresses: Addresses::of(&listening) }
    }

    /// Ends it, and returns all that it ever said.
    pub fn stop(mut self) -> Vec<Line> {
        let status = self.process.end();
        assert!(status.success(), "{status}: {:#?}", self.process.errors.so_far());
        self.process.output.so_far()
    }
}

impl Addresses {
    fn of(value: &Value) -> Self {
        let text = |key| value[key].as_str().unwrap_or_default().to_owned();
        Self { url: text("url"), admin: text("admin") }
    }
}

impl Line {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn json_with(&self, message: &str) -> Option<Value> {
        Some(self.json()).filter(|line| line["message"] == message)
    }

    /// Every text in a JSON line, whatever its key.
    pub fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        collect(self.json(), &mut texts);
        texts
    }
}

/// How many spans each of the eight sent, as it says at its end; all of the one trace, where nothing else was asked.
pub fn spans_sent(lines: &[Line]) -> BTreeMap<String, usize> {
    let sent = |line: &Line| {
        let (_, account) = line.text.split_once("observability ends: spans: ")?;
        let sent = account.split(' ').next()?.parse().ok()?;
        Some((line.json()["service"].as_str()?.to_owned(), sent))
    };
    let sent: BTreeMap<_, _> = lines.iter().filter_map(sent).collect();
    assert_eq!(sent.len(), SERVICES.len(), "{sent:?}");
    sent
}

/// How many spans there are of each service.
pub fn spans_of<'a>(services: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut spans = BTreeMap::new();
    services.for_each(|service| *spans.entry(service.to_owned()).or_default() += 1);
    spans
}

fn collect(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, value)| collect(value, texts)),
        _ => {}
    }
}

/// A body that came in chunks: each is its length in hex digits, a line's end, so many bytes and a line's end.
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    loop {
        let (length, rest) = chunks.split_once("\r\n").expect("a chunk");
        let length = usize::from_str_radix(length, 16).expect("a length");
        if length == 0 {
            return body;
        }
        body += &rest[..length];
        chunks = rest[length..].strip_prefix("\r\n").expect("a chunk's end");
    }
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let headers: BTreeMap<_, _> =
            headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let in_chunks = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        Self {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            body: if in_chunks { joined(body) } else { body.to_owned() },
            headers,
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }
}

impl Process {
    fn start(argument: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let is_option = ["OTEL_", "OBSERVABILITY_", "RUST_LOG"].iter().any(|of| name.starts_with(of));
            if is_option || name.ends_with("_COMMAND") {
                command.env_remove(&*name);
            }
        }
        command.env("PROVIDER_MAY_TAKE_MS", PROVIDER_MAY_TAKE_MS);
        command.arg(argument).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = Lines::read(child.stdout.take().unwrap());
        let errors = Lines::read(child.stderr.take().unwrap());
        Self { input: child.stdin.take(), child, output, errors }
    }

    fn end(&mut self) -> ExitStatus {
        drop(self.input.take());
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        self.output.wait_for_all();
        self.errors.wait_for_all();
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Lines {
    fn read(pipe: impl Read + Send + 'static) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let into = lines.clone();
        std::thread::spawn(move || {
            for text in BufReader::new(pipe).lines().map_while(Result::ok) {
                into.said.lock().unwrap().lines.push(Line { at: SystemTime::now(), text });
                into.more.notify_all();
            }
            into.said.lock().unwrap().is_all = true;
            into.more.notify_all();
        });
        lines
    }

    fn so_far(&self) -> Vec<Line> {
        self.said.lock().unwrap().lines.clone()
    }

    fn first<T>(&self, awaited: &str, choose: impl Fn(&Line) -> Option<T>) -> T {
        self.once(awaited, |lines| lines.iter().find_map(&choose))
    }

    fn once<T>(&self, awaited: &str, mut choose: impl FnMut(&[Line]) -> Option<T>) -> T {
        self.wait(awaited, |said| choose(&said.lines))
    }

    fn wait_for_all(&self) {
        self.wait("the end", |said| said.is_all.then_some(()));
    }

    fn wait<T>(&self, awaited: &str, mut choose: impl FnMut(&Said) -> Option<T>) -> T {
        let deadline = Instant::now() + MAY_TAKE;
        let mut said = self.said.lock().unwrap();
        loop {
            if let Some(chosen) = choose(&said) {
                return chosen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || said.is_all {
                // Not while the lock is held: whoever reads on must not fail as well.
                let lines: Vec<String> = said.lines.iter().map(|line| line.text.clone()).collect();
                drop(said);
                panic!("in vain: {awaited}\n{}", lines.join("\n"));
            }
            said = self.more.wait_timeout(said, left).unwrap().0;
        }
    }
}
