//! The page of `observability view`, as a person sees and uses it in a real browser: a failed payment is followed to its
//! cause and its customer, hostile names stay text, 50,000 spans stay readable, keys lead everywhere, links lead back.

mod access;
mod feed;
mod hostile;
mod payment;
mod reading;
mod size;

use std::process::Command;

use crate::support::browser::Browser;
use crate::support::stack::{Server, free_port};
use crate::support::workshop::built;

/// The program, and a browser that has its page open. Dropping it ends both.
struct Page {
    server: Server,
    browser: Browser,
}

impl Page {
    /// With nothing held yet.
    async fn open(name: &str) -> Self {
        let port = free_port();
        let mut command = Command::new(built("../observability"));
        command.args(["view", "--port", &port.to_string()]);
        let server = Server::listening(&mut command, &format!("127.0.0.1:{port}")).await;
        let browser = Browser::start(name).await;
        browser.size(1280, 800).await;
        let page = Self { server, browser };
        page.go("").await;
        page
    }

    /// Opens a fragment of it in a fresh document.
    async fn go(&self, fragment: &str) {
        self.browser.open("about:blank").await;
        self.browser.open(&format!("{}/{fragment}", self.server.url)).await;
    }

    /// The fragment that it is at.
    async fn fragment(&self) -> String {
        self.browser.run("return location.hash").await.as_str().unwrap().to_owned()
    }

    /// The text of the row of a table that the keyboard is on, in one line.
    async fn chosen(&self) -> String {
        let row =
            self.browser.run("return document.querySelector('[aria-selected=true]')?.innerText ?? ''").await;
        row.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Nothing was forbidden by the page's policy, and nothing failed.
    async fn is_clean(&self) {
        let complaints = self.browser.complaints().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}
