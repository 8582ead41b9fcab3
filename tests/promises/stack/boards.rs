//! A board as Grafana reads it. What each panel asks is in `panels.rs`; the JSON in `examples/stack/grafana/dashboards` is
//! written by `UPDATE_DOCS=1 cargo test -p tests --all-features --test promises -- stack`.

use serde_json::{Value, json};

use super::bounds;

/// One dashboard.
pub(super) struct Board {
    pub(super) uid: &'static str,
    pub(super) title: &'static str,
    pub(super) about: About,
    pub(super) panels: &'static [Panel],
}

/// The services that it shows.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum About {
    All,
    /// Those that are chosen; an alert's link chooses its own.
    Chosen,
    One,
}

/// One panel.
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: &'static str,
    /// Expression and legend of each query.
    pub(super) queries: &'static [(&'static str, &'static str)],
    /// The alerts whose bounds colour it.
    pub(super) bounds: &'static [&'static str],
}

/// A panel.
pub(super) const fn panel(
    title: &'static str,
    about: &'static str,
    kind: Kind,
    unit: &'static str,
    queries: &'static [(&'static str, &'static str)],
    bounds: &'static [&'static str],
) -> Panel {
    Panel { title, about, kind, unit, queries, bounds }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Lines, with exemplars.
    Lines,
    /// One coloured field for each series.
    Lights,
    Table,
    Heatmap,
    /// Of the log store.
    Logs,
}

use Kind::{Heatmap, Lights, Lines, Logs, Table};

impl Board {
    /// As Grafana reads it from a file.
    pub(super) fn json(&self) -> Value {
        let panels: Vec<_> = self.panels.iter().enumerate().map(|(place, panel)| panel.json(place)).collect();
        let of_job = match self.about {
            About::All => "",
            About::Chosen => ", job=~\"$job\"",
            About::One => ", job=\"$job\"",
        };
        let annotation = |name: &str, color: &str, expr: String, text: &str| {
            json!({
                "name": name, "enable": true, "hide": false, "iconColor": color, "expr": expr, "step": "10s",
                "titleFormat": text, "datasource": source("prometheus"),
            })
        };
        json!({
            "uid": self.uid,
            "title": self.title,
            "tags": ["tower-observability"],
            "timezone": "browser",
            "editable": true,
            "graphTooltip": 1,
            "refresh": if self.uid == "all-lights" { "5s" } else { "30s" },
            "schemaVersion": 39,
            "time": { "from": "now-1h", "to": "now" },
            "links": [{
                "asDropdown": false, "icon": "external link", "includeVars": true, "keepTime": true,
                "tags": ["tower-observability"], "targetBlank": false, "title": "", "tooltip": "", "type": "dashboards",
                "url": "",
            }],
            "annotations": { "list": [
                annotation("Starts", "blue", format!("changes(process_start_time_seconds{{job!=\"\"{of_job}}}[1m]) > 0"),
                    "{{job}} {{instance}} started"),
                annotation("Alerts", "red", format!("ALERTS{{alertstate=\"firing\"{of_job}}}"), "{{alertname}}"),
            ] },
            "templating": { "list": variables(self.about) },
            "panels": panels,
        })
    }
}

impl Panel {
    fn json(&self, place: usize) -> Value {
        let (name, options) = self.kind.json();
        let store = if self.kind == Logs { "loki" } else { "prometheus" };
        let target = |(number, (expr, legend)): (usize, &(&str, &str))| {
            let letter = char::from(b'A' + number as u8).to_string();
            if self.kind == Logs {
                return json!({ "refId": letter, "datasource": source(store), "expr": expr });
            }
            let is_now = matches!(self.kind, Lights | Table);
            json!({
                "refId": letter, "datasource": source(store), "expr": expr, "legendFormat": legend,
                "instant": is_now, "range": !is_now, "exemplar": self.kind == Lines,
                "format": match self.kind { Table => "table", Heatmap => "heatmap", _ => "time_series" },
            })
        };
        let targets: Vec<_> = self.queries.iter().enumerate().map(target).collect();
        // What the links of the alerts name must keep its number.
        let id = if self.kind == Logs { 20 } else { place + 1 };
        json!({
            "id": id,
            "type": name,
            "title": self.title,
            "description": self.about,
            "datasource": source(store),
            "gridPos": { "h": 8, "w": 12, "x": place % 2 * 12, "y": place / 2 * 8 },
            "targets": targets,
            "fieldConfig": {
                "defaults": {
                    "unit": self.unit,
                    "thresholds": { "mode": "absolute", "steps": self.steps() },
                    "color": { "mode": if self.kind == Lines { "palette-classic" } else { "thresholds" } },
                },
                "overrides": [],
            },
            "options": options,
        })
    }

    /// Green, and the colours of the alerts' bounds, as the guide has them.
    fn steps(&self) -> Value {
        if self.title == "Services" {
            return json!([{ "color": "green", "value": null }, { "color": "orange", "value": 1 }, { "color": "red", "value": 2 }]);
        }
        if matches!(self.title, "Processes" | "Journeys" | "Budget left") {
            let least = if self.title == "Budget left" { 0.1 } else { 1.0 };
            return json!([{ "color": "red", "value": null }, { "color": "green", "value": least }]);
        }
        let rows = bounds();
        let mut steps = vec![json!({ "color": "green", "value": null })];
        for alert in self.bounds {
            let row = super::row(&rows, alert);
            let number = |cell: &str| -> f64 {
                let bound = cell.split('`').nth(1).unwrap();
                bound.split(' ').nth(1).unwrap().parse().unwrap()
            };
            match (row[3].as_str(), row[4].as_str()) {
                (warning, "") => steps.push(json!({ "color": "orange", "value": number(warning) })),
                (_, incident) => steps.push(json!({ "color": "red", "value": number(incident) })),
            }
        }
        Value::Array(steps)
    }
}

impl Kind {
    /// Grafana's name of the panel, and its options.
    fn json(self) -> (&'static str, Value) {
        let calculation = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self {
            Lines => (
                "timeseries",
                json!({
                    "legend": { "calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": true },
                    "tooltip": { "mode": "multi", "sort": "desc" },
                }),
            ),
            Lights => (
                "stat",
                json!({
                    "colorMode": "background", "graphMode": "none", "justifyMode": "center", "orientation": "auto",
                    "reduceOptions": calculation, "textMode": "value_and_name", "wideLayout": true,
                    "showPercentChange": false, "percentChangeColorMode": "standard",
                }),
            ),
            Table => ("table", json!({ "showHeader": true, "cellHeight": "sm", "frameIndex": 0 })),
            Heatmap => (
                "heatmap",
                json!({
                    "calculate": false, "cellGap": 1, "showValue": "never",
                    "color": { "mode": "scheme", "scheme": "Spectral", "steps": 64, "exponent": 0.5, "fill": "dark-orange", "reverse": false },
                    "exemplars": { "color": "rgba(255,0,255,0.7)" },
                    "filterValues": { "le": 1e-9 },
                    "legend": { "show": true },
                    "rowsFrame": { "layout": "auto" },
                    "tooltip": { "mode": "single", "yHistogram": false, "showColorScale": false },
                    "yAxis": { "axisPlacement": "left", "reverse": false, "unit": "s" },
                }),
            ),
            Logs => (
                "logs",
                json!({
                    "dedupStrategy": "none", "enableLogDetails": true, "prettifyLogMessage": false, "showLogContextToggle": false, "showCommonLabels": false,
                    "showLabels": false, "showTime": true, "sortOrder": "Descending", "wrapLogMessage": true,
                }),
            ),
        }
    }
}

fn source(store: &str) -> Value {
    json!({ "type": store, "uid": store })
}

/// The services or the service, and of the latter a route and an instance. One that pushes its metrics has no `up`.
fn variables(about: About) -> Value {
    let variable = |name: &str, query: &str, all: bool| {
        let mut variable = json!({
            "name": name, "type": "query", "datasource": source("prometheus"), "query": { "query": query, "refId": name },
            "definition": query, "refresh": 2, "sort": 1, "hide": 0, "includeAll": all, "multi": all, "options": [],
            "regex": "", "skipUrlSync": false,
            "current": if all { json!({ "text": ["All"], "value": ["$__all"] }) } else { json!({ "text": "", "value": "" }) },
        });
        if all {
            variable["allValue"] = json!(".*");
        }
        variable
    };
    let jobs = "label_values({__name__=~\"up|target_info\"}, job)";
    match about {
        About::All => json!([]),
        About::Chosen => json!([variable("job", jobs, true)]),
        About::One => json!([
            variable("job", jobs, false),
            variable(
                "instance",
                "label_values({__name__=~\"up|target_info\", job=\"$job\"}, instance)",
                true
            ),
            variable("route", "label_values(job_route:requests:rate1m{job=\"$job\"}, http_route)", true),
        ]),
    }
}
