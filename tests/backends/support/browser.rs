//! A browser that a test drives as a person would: Chromium, by ChromeDriver (W3C WebDriver).

use std::process::{Child, Command, Stdio};

use http::Method;
use serde_json::{Value, json};

use super::http::{ask, get};
use super::stack::{Folder, free_port};
use super::systems::{CHROMEDRIVER, CHROMIUM};
use super::wait::{SOON, eventually};

/// The key of a reference to an element (WebDriver, 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Dropping it ends the browser and its driver, and removes what it kept.
pub struct Browser {
    driver: Child,
    session: String,
    profile: Folder,
}

/// An element of the page that is open.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    /// Starts one of its own, with an empty profile.
    pub async fn start(name: &str) -> Self {
        let (port, profile) = (free_port(), Folder::new(name));
        let mut command = Command::new(CHROMEDRIVER.path());
        command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let url = format!("http://127.0.0.1:{port}");
        let mut browser = Self { driver: command.spawn().unwrap(), session: String::new(), profile };
        eventually(SOON, "the browser's driver", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
            let status = get(&format!("{url}/status")).await.json();
            if status["value"]["ready"] == true { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
        let options = json!({ "binary": CHROMIUM.path(), "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--window-size=1280,2000", format!("--user-data-dir={}", browser.profile.0.display()),
        ] });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let session = command_of(&format!("{url}/session"), &wanted).await;
        browser.session = format!("{url}/session/{}", session["sessionId"].as_str().unwrap());
        browser
    }

    pub async fn open(&self, url: &str) {
        command_of(&format!("{}/url", self.session), &json!({ "url": url })).await;
    }

    /// The first element that a CSS selector finds, once there is one.
    pub async fn find(&self, selector: &str) -> Element<'_> {
        let wanted = json!({ "using": "css selector", "value": selector }).to_string();
        let url = format!("{}/element", self.session);
        let found = eventually(SOON, selector, async || {
            let answer = ask(Method::POST, &url, &[], wanted.clone()).await;
            if answer.status.is_success() { Ok(answer.json()) } else { Err(answer.body) }
        })
        .await;
        Element { browser: self, id: found["value"][ELEMENT].as_str().unwrap().to_owned() }
    }

    /// What a script returns.
    pub async fn run(&self, script: &str) -> Value {
        command_of(&format!("{}/execute/sync", self.session), &json!({ "script": script, "args": [] })).await
    }

    /// What the page shows in its window, as a PNG.
    pub async fn picture(&self) -> Vec<u8> {
        use base64::Engine as _;
        let picture = get(&format!("{}/screenshot", self.session)).await.json();
        base64::prelude::BASE64_STANDARD.decode(picture["value"].as_str().unwrap()).unwrap()
    }
}

impl Element<'_> {
    fn url(&self, of: &str) -> String {
        format!("{}/element/{}/{of}", self.browser.session, self.id)
    }

    pub async fn click(&self) {
        command_of(&self.url("click"), &json!({})).await;
    }

    /// Types into it.
    pub async fn enter(&self, text: &str) {
        command_of(&self.url("value"), &json!({ "text": text })).await;
    }

    /// The text that a person sees.
    pub async fn text(&self) -> String {
        get(&self.url("text")).await.json()["value"].as_str().unwrap().to_owned()
    }
}

async fn command_of(url: &str, body: &Value) -> Value {
    ask(Method::POST, url, &[], body.to_string()).await.json()["value"].take()
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends its browser, if it is asked to end itself.
        let _ = Command::new("kill").arg(self.driver.id().to_string()).status();
        let _ = self.driver.wait();
    }
}
