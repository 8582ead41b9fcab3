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

/// Keys that are no character (WebDriver, 17.4.2).
pub mod key {
    pub const ENTER: &str = "\u{e007}";
    pub const ESCAPE: &str = "\u{e00c}";
    pub const TAB: &str = "\u{e004}";
    pub const END: &str = "\u{e010}";
    pub const LEFT: &str = "\u{e012}";
    pub const RIGHT: &str = "\u{e014}";
    pub const DOWN: &str = "\u{e015}";
}

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
        let logs = json!({ "browser": "ALL" });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": logs });
        let wanted = json!({ "capabilities": { "alwaysMatch": wanted } });
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

    /// The first element of a CSS selector in which a person reads this text, once there is one.
    pub async fn find_text(&self, selector: &str, text: &str) -> Element<'_> {
        let what = format!("{selector} with the text {text}");
        eventually(SOON, &what, async || self.look_for(selector, text).await).await
    }

    /// Clicks the first element of a CSS selector in which a person reads this text, once there is one that stays long enough
    /// for it.
    pub async fn click_on(&self, selector: &str, text: &str) {
        eventually(SOON, &format!("a click on {selector} with the text {text}"), async || {
            let url = self.look_for(selector, text).await?.url("click");
            let answer = ask(Method::POST, &url, &[], json!({}).to_string()).await;
            if answer.status.is_success() { Ok(()) } else { Err(answer.body) }
        })
        .await;
    }

    /// The element that has the text now; else what can be read instead.
    async fn look_for(&self, selector: &str, text: &str) -> Result<Element<'_>, String> {
        let script =
            "const [selector, text] = arguments; return [...document.querySelectorAll(selector)].find(
            (it) => it.checkVisibility() && (it.innerText ?? it.textContent).includes(text)) ?? null;";
        let found = self.run_with(script, &json!([selector, text])).await;
        match found[ELEMENT].as_str() {
            Some(id) => Ok(Element { browser: self, id: id.to_owned() }),
            None => Err(self.see().await),
        }
    }

    /// All text of the page that a person can read now.
    pub async fn see(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap_or_default().to_owned()
    }

    /// What a script returns, or what its promise comes to.
    pub async fn run(&self, script: &str) -> Value {
        self.run_with(script, &json!([])).await
    }

    /// The same of one that is given `arguments`.
    pub async fn run_with(&self, script: &str, arguments: &Value) -> Value {
        let body = json!({ "script": script, "args": arguments });
        command_of(&format!("{}/execute/sync", self.session), &body).await
    }

    /// Runs a script at the beginning of each document that is opened from now on.
    pub async fn before_each(&self, script: &str) {
        let params = json!({ "source": script });
        let body = json!({ "cmd": "Page.addScriptToEvaluateOnNewDocument", "params": params });
        command_of(&format!("{}/goog/cdp/execute", self.session), &body).await;
    }

    /// Until a script's expression is true.
    pub async fn until(&self, expression: &str) {
        eventually(SOON, expression, async || {
            let is = self.run(&format!("return Boolean({expression})")).await;
            if is == true { Ok(()) } else { Err(format!("{is}\n{}", self.see().await)) }
        })
        .await;
    }

    /// Presses these keys, one after the other, on whatever has the focus. Those that are no character are in [`key`].
    pub async fn press(&self, keys: &str) {
        let steps =
            keys.chars().flat_map(|key| ["keyDown", "keyUp"].map(|it| json!({ "type": it, "value": key })));
        let steps: Vec<Value> = steps.collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": steps });
        command_of(&format!("{}/actions", self.session), &json!({ "actions": [keyboard] })).await;
    }

    /// Makes its window so large, inside, in pixels.
    pub async fn size(&self, width: u32, height: u32) {
        let outside = self.run("return [outerWidth - innerWidth, outerHeight - innerHeight]").await;
        let more = |index: usize| outside[index].as_u64().unwrap_or_default();
        let rect = json!({ "width": u64::from(width) + more(0), "height": u64::from(height) + more(1) });
        command_of(&format!("{}/window/rect", self.session), &rect).await;
    }

    /// What the page has complained of since it was asked last: errors, and what its policy forbade.
    pub async fn complaints(&self) -> Vec<String> {
        let said = command_of(&format!("{}/se/log", self.session), &json!({ "type": "browser" })).await;
        let said = said.as_array().cloned().unwrap_or_default();
        said.iter().map(|it| it["message"].as_str().unwrap_or_default().to_owned()).collect()
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

    /// What it is to a screen reader, and how it is called.
    pub async fn told(&self) -> (String, String) {
        let role = get(&self.url("computedrole")).await.json()["value"].as_str().unwrap().to_owned();
        let label = get(&self.url("computedlabel")).await.json()["value"].as_str().unwrap().to_owned();
        (role, label)
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
