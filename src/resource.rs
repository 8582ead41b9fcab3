//! Owns who emits: the resource attributes of this process.

/// Who emits: `service.name`, `service.instance.id` and their like, the same in all signals.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    // In the order of setting, each key once; `service.name` and `service.instance.id` are always there.
    attributes: Vec<(String, String)>,
}

impl Resource {
    /// The value of an attribute; empty if it is not set.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }

    /// Sets an attribute, replacing an earlier value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        match self.attributes.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((key, value)),
        }
    }

    /// All attributes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(key, value)| (&**key, &**value))
    }
}
