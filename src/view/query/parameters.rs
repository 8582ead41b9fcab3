//! The parameters of a question, from the query of its URL.

use percent_encoding::percent_decode_str;

use super::super::model::Needle;

/// Names and values. One that is empty counts as absent.
#[derive(Debug)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// Why a question cannot be answered, for whoever asked.
pub(crate) type Wrong = String;

impl Parameters {
    pub(crate) fn of(query: &str) -> Self {
        let text = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(
            pairs
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
        )
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Wrong> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("`{name}` is not a number: {text}"))
    }

    /// `within`, in milliseconds, as microseconds; a time that no clock shows is cut.
    pub(super) fn within(&self, usual: u64) -> Result<i64, Wrong> {
        let micros = self.number("within")?.unwrap_or(usual).saturating_mul(1_000);
        Ok(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// `limit`, between one and the most there may be.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, Wrong> {
        Ok(self.number("limit")?.unwrap_or(usual).clamp(1, most))
    }

    /// Each `field`, as name and value.
    pub(super) fn fields(&self) -> Result<Vec<(&str, &str)>, Wrong> {
        let fields = self.0.iter().filter(|(name, _)| name == "field").map(|(_, field)| field);
        fields
            .map(|field| field.split_once('=').ok_or_else(|| format!("`field` is no name=value: {field}")))
            .collect()
    }

    pub(super) fn needle(&self) -> Option<Needle> {
        self.text("text").and_then(Needle::new)
    }
}

#[cfg(test)]
#[test]
fn parameters_are_decoded_and_wrong_ones_are_named() {
    let parameters = Parameters::of("text=a+%26%20b&field=x=1&field=y%3D%C3%A4=2&limit=0&min=&max=long");
    assert_eq!(parameters.text("text"), Some("a & b"));
    assert_eq!(parameters.fields().unwrap(), [("x", "1"), ("y", "ä=2")]);
    assert_eq!(parameters.limit(100, 1_000), Ok(1));
    assert_eq!(parameters.number::<f64>("min"), Ok(None));
    assert_eq!(parameters.number::<f64>("max"), Err("`max` is not a number: long".to_owned()));
    assert!(Parameters::of("field=x").fields().is_err());
    let within = |text: &str| Parameters::of(text).within(7);
    assert_eq!(within("within=4294967296"), Ok(4_294_967_296_000));
    assert_eq!(within("within=18446744073709551615"), Ok(i64::MAX));
    assert_eq!((within(""), within("within=-1").is_err()), (Ok(7_000), true));
}
