//! Two inputs over TCP that cannot be had here, by their documented rules: Logstash's with the codec
//! `json_lines`, and GELF's.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use serde_json::{Map, Value};

use super::{hostile_lines, lines_as, texts};
use crate::support::opensearch::Index;

/// What comes out of a connection, cut at this byte; what has no such end is never seen, and left out.
fn received(sent: Vec<u8>, end: u8) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let sender = std::thread::spawn(move || TcpStream::connect(address).unwrap().write_all(&sent).unwrap());
    let mut bytes = Vec::new();
    listener.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
    sender.join().unwrap();
    let whole = bytes.iter().rposition(|byte| *byte == end).map_or(0, |last| last + 1);
    let frames = bytes[..whole].split(|byte| *byte == end).filter(|frame| !frame.is_empty());
    frames.map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect()
}

/// What stands on standard output.
fn output(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

fn object(frame: &str) -> Map<String, Value> {
    serde_json::from_str(frame).unwrap()
}

/// Would Logstash make an event of this, without a tag that tells of a failure?
fn is_event(event: &Map<String, Value>) {
    let time = event["@timestamp"].as_str().unwrap();
    assert!(time.len() >= 20 && time.as_bytes()[10] == b'T' && time.ends_with('Z'), "{time}");
    assert_eq!(event["@version"], "1");
    assert!(event["message"].is_string(), "{event:?}");
    // The tags are texts, `@metadata` never leaves Logstash, and brackets are the syntax of references.
    assert!(event.get("tags").is_none_or(Value::is_array), "{event:?}");
    assert!(!event.contains_key("@metadata"), "{event:?}");
    assert!(event.keys().all(|key| !key.contains(['[', ']'])), "{event:?}");
}

/// Is this a message by GELF 1.1, which Graylog takes?
fn is_message(message: &Map<String, Value>) {
    assert_eq!(message["version"], "1.1");
    for needed in ["host", "short_message"] {
        assert!(message[needed].as_str().is_some_and(|text| !text.is_empty()), "{message:?}");
    }
    assert!(message["timestamp"].as_f64().is_some_and(|seconds| seconds > 1.7e9), "{message:?}");
    assert!(message["level"].as_u64().is_some_and(|level| level < 8), "{message:?}");
    for (key, value) in message {
        assert!(value.is_string() || value.is_number(), "{key}: {value}");
        let known = ["version", "host", "short_message", "full_message", "timestamp", "level"];
        let Some(own) = key.strip_prefix('_') else {
            assert!(known.contains(&&**key), "{key}");
            continue;
        };
        assert!(!own.is_empty() && own != "id", "{key}");
        assert!(own.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c)), "{key}");
    }
}

#[tokio::test]
async fn logstash_makes_an_event_of_every_line() {
    let (_, lines) = lines_as("logstash");
    let hostile = hostile_lines("logstash");
    let index = Index::fresh("from-logstash").await;
    for lines in [&lines].into_iter().chain(&hostile) {
        let events = received(output(lines), b'\n');
        assert_eq!(&events, lines);
        events.iter().for_each(|event| is_event(&object(event)));
    }
    assert_eq!(index.add(texts(&lines)).await, Vec::<Value>::new());
}

#[tokio::test]
async fn graylog_takes_every_line_whose_end_became_a_null_byte() {
    let (_, lines) = lines_as("gelf");
    let hostile = hostile_lines("gelf");
    for lines in [&lines].into_iter().chain(&hostile) {
        let output = output(lines);
        assert_eq!(received(output.clone(), 0), [""; 0], "as it is on standard output it has no end");
        let ended = output.into_iter().map(|byte| if byte == b'\n' { 0 } else { byte });
        let messages = received(ended.collect(), 0);
        assert_eq!(&messages, lines);
        messages.iter().for_each(|message| is_message(&object(message)));
    }
    // Stored without the underscores, as Graylog and Logstash do it.
    let stored: Vec<String> = lines.iter().map(|line| stripped(&object(line))).collect();
    assert_eq!(Index::fresh("from-gelf").await.add(texts(&stored)).await, Vec::<Value>::new());
}

fn stripped(message: &Map<String, Value>) -> String {
    let fields =
        message.iter().map(|(key, value)| (key.strip_prefix('_').unwrap_or(key).to_owned(), value.clone()));
    Value::Object(fields.collect()).to_string()
}
