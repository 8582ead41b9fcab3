//! What the launcher puts between the services, and what it turns at one of them, where something is to be broken on purpose.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::sync::watch;

use super::proxy::Proxy;
use crate::plumbing::BoxError;

/// Nothing of it, unless somebody wants it.
pub(super) struct Plan {
    proxies: BTreeMap<&'static str, Proxy>,
    /// Of a service, or of all where its name is empty.
    variables: Vec<(&'static str, String, String)>,
    /// The service whose lines are not read; none, if empty.
    unread: watch::Sender<&'static str>,
    /// The service whose standard output is a file, and the file.
    pub(super) file: Option<(&'static str, PathBuf)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { proxies: BTreeMap::new(), variables: Vec::new(), unread: watch::Sender::new(""), file: None }
    }
}

impl Plan {
    /// Whoever calls one of these gets there by a proxy.
    pub(super) fn with_proxies(names: &[&'static str]) -> Self {
        Self { proxies: names.iter().map(|name| (*name, Proxy::default())).collect(), ..Self::default() }
    }

    pub(super) fn set(&mut self, service: &'static str, name: &str, value: &str) {
        self.variables.push((service, name.to_owned(), value.to_owned()));
    }

    pub(super) fn variables_of(&self, service: &str) -> impl Iterator<Item = (&str, &str)> {
        let of_it = self.variables.iter().filter(move |(of, ..)| of.is_empty() || *of == service);
        of_it.map(|(_, name, value)| (&**name, &**value))
    }

    /// The URL by which others find what listens at this one.
    pub(super) async fn published(&self, name: &str, url: &str) -> Result<String, BoxError> {
        match self.proxies.get(name) {
            Some(proxy) => proxy.start(url).await,
            None => Ok(url.to_owned()),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.proxies.contains_key(name)
    }

    pub(super) fn proxy(&self, name: &str) -> Result<&Proxy, BoxError> {
        Ok(self.proxies.get(name).ok_or_else(|| format!("no proxy before {name}"))?)
    }

    /// Stops to read the lines of this service, until another name is given.
    pub(super) fn leave_unread(&self, service: &'static str) {
        self.unread.send_replace(service);
    }

    pub(super) fn unread(&self) -> watch::Receiver<&'static str> {
        self.unread.subscribe()
    }
}
