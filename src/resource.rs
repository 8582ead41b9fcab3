//! Who emits: the resource attributes of this process.

use percent_encoding::percent_decode_str;

use crate::names::attribute;

/// Who emits: `service.name`, `service.instance.id` and their like, the same in all signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resource {
    // In the order of setting, each key once.
    attributes: Vec<(String, String)>,
}

impl Resource {
    /// This process: the attributes every signal needs, with a new `service.instance.id`.
    ///
    /// An empty name becomes `unknown_service:` and the executable's name, as the specification demands.
    pub(crate) fn of_process(service: &str) -> Self {
        let mut resource = Self::default();
        let name = if service.is_empty() { unknown_service() } else { service.to_owned() };
        resource.set(attribute::SERVICE_NAME, name);
        resource.set(attribute::SERVICE_INSTANCE_ID, uuid::Uuid::new_v4().to_string());
        // The name `opentelemetry` is reserved for the OpenTelemetry SDKs (resource conventions, telemetry.sdk).
        for (key, value) in [
            (attribute::TELEMETRY_SDK_LANGUAGE, "rust"),
            (attribute::TELEMETRY_SDK_NAME, env!("CARGO_PKG_NAME")),
            (attribute::TELEMETRY_SDK_VERSION, env!("CARGO_PKG_VERSION")),
            (attribute::TELEMETRY_DISTRO_NAME, env!("CARGO_PKG_NAME")),
            (attribute::TELEMETRY_DISTRO_VERSION, env!("CARGO_PKG_VERSION")),
        ] {
            resource.set(key, value);
        }
        resource
    }

    /// The value of an attribute; empty if it is not set.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }

    /// Sets an attribute, replacing an earlier value.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        match self.attributes.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.attributes.push((key, value)),
        }
    }

    /// All attributes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(key, value)| (&**key, &**value))
    }
}

fn unknown_service() -> String {
    let executable = std::env::current_exe().ok();
    let name = executable.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
    name.map_or_else(|| "unknown_service".to_owned(), |name| format!("unknown_service:{name}"))
}

/// Reads `key=value,key=value`, percent-decoded; any error discards the whole list, as the specification says.
pub(crate) fn parse_attributes(list: &str) -> Option<Vec<(String, String)>> {
    let pairs = list.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let (key, value) = (decode(key.trim_end())?, decode(value.trim_start())?);
            (!key.is_empty()).then_some((key, value))
        })
        .collect()
}

fn decode(text: &str) -> Option<String> {
    let well_formed = text.split('%').skip(1).all(|rest| {
        let code = rest.as_bytes().get(..2);
        code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
    });
    if !well_formed {
        return None;
    }
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &str) -> Option<Vec<(String, String)>> {
        parse_attributes(list)
    }

    #[test]
    fn attributes_are_percent_decoded() {
        let read = pairs(" team = a%2Cb , deployment.environment.name=prod, empty=").unwrap();
        let expected = [("team", "a,b"), ("deployment.environment.name", "prod"), ("empty", "")];
        assert_eq!(read, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn any_error_discards_all_attributes() {
        for bad in ["a=1,b", "a=1,=2", "a=%", "a=%4", "a=%zz", "a=%ff", "a=1,b=%é"] {
            assert_eq!(pairs(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_process_without_a_name_is_named_after_its_executable() {
        assert!(
            Resource::of_process("").get("service.name").starts_with("unknown_service:tower_observability")
        );
        assert_eq!(Resource::of_process("bookings").get("service.name"), "bookings");
    }

    #[test]
    fn every_process_is_an_instance_of_its_own() {
        let ids = [Resource::of_process("a"), Resource::of_process("a")];
        let ids = ids
            .each_ref()
            .map(|resource| uuid::Uuid::parse_str(resource.get("service.instance.id")).unwrap());
        assert_ne!(ids[0], ids[1]);
        assert_eq!(ids[0].get_version_num(), 4);
    }
}
