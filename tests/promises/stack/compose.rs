//! The Compose file and the manifests, as far as no schema tells it.

use serde::Deserialize as _;
use serde_yaml_ng::Value;

use crate::readme::read;

/// Where each mount of a service stands, and whether nothing can be made below it.
fn mounts(service: &Value) -> Vec<(String, bool)> {
    let listed = |name: &str| service[name].as_sequence().cloned().unwrap_or_default();
    let volumes = listed("volumes").into_iter().map(|volume| {
        let parts: Vec<_> = volume.as_str().unwrap().split(':').map(str::to_owned).collect();
        (parts[1].clone(), parts.get(2).is_some_and(|mode| mode == "ro"))
    });
    let secrets = listed("secrets").into_iter().map(|secret| {
        let name =
            secret.as_str().or_else(|| secret["target"].as_str()).or_else(|| secret["source"].as_str());
        let name = name.unwrap().to_owned();
        (if name.starts_with('/') { name } else { format!("/run/secrets/{name}") }, false)
    });
    volumes.chain(secrets).collect()
}

#[test]
fn nothing_is_mounted_below_what_is_mounted_read_only() {
    let file: Value = serde_yaml_ng::from_str(&read("examples/stack/compose.yml")).unwrap();
    let services = file["services"].as_mapping().unwrap();
    assert!(services.len() > 10);
    for (name, service) in services {
        let mounts = mounts(service);
        for (above, _) in mounts.iter().filter(|(_, is_read_only)| *is_read_only) {
            // Its mount point would have to be made there, and the container does not start.
            let below = mounts.iter().find(|(target, _)| target.starts_with(&format!("{above}/")));
            assert!(below.is_none(), "{name:?}: {below:?} is below {above}");
        }
    }
}

/// What of a place to scrape makes a target one of the readiness probes.
fn probes(place: &Value, relabelings: &str, target: &str) -> Vec<(String, String)> {
    let relabelings = place[relabelings].as_sequence().unwrap();
    let of = |label: &str| relabelings.iter().find(|one| one[target] == label).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let labels =
        ["__param_target", "__address__"].map(|label| (label.to_owned(), text(&of(label)["replacement"])));
    let module = ("module".to_owned(), text(&place["params"]["module"][0]));
    labels.into_iter().chain([module]).collect()
}

#[test]
fn readiness_is_asked_in_kubernetes_as_it_is_by_compose() {
    let compose: Value = serde_yaml_ng::from_str(&read("examples/stack/prometheus/prometheus.yml")).unwrap();
    let jobs = compose["scrape_configs"].as_sequence().unwrap();
    let job = jobs.iter().find(|job| job["job_name"] == "readiness").unwrap();
    let manifests = read("examples/stack/kubernetes/monitoring.yml");
    let manifests =
        serde_yaml_ng::Deserializer::from_str(&manifests).map(|one| Value::deserialize(one).unwrap());
    let monitor = manifests.into_iter().find(|one| one["metadata"]["name"] == "readiness").unwrap();
    let pods = &monitor["spec"]["podMetricsEndpoints"][0];
    assert_eq!((&job["metrics_path"], &pods["path"]), (&Value::from("/probe"), &Value::from("/probe")));
    assert_eq!(probes(job, "relabel_configs", "target_label"), probes(pods, "relabelings", "targetLabel"));
    // By these the rules know it.
    let labels = serde_yaml_ng::to_string(&pods["relabelings"]).unwrap();
    assert!(
        labels.contains("targetLabel: job\n  replacement: readiness")
            && labels.contains("targetLabel: service"),
        "{labels}"
    );
}

#[test]
fn a_file_of_secrets_that_alertmanager_names_is_one_that_it_gets() {
    let file: Value = serde_yaml_ng::from_str(&read("examples/stack/compose.yml")).unwrap();
    let has = mounts(&file["services"]["alertmanager"]);
    let configuration = read("examples/stack/alertmanager/alertmanager.yml");
    let named = configuration.split([' ', '\n']).filter(|word| word.contains("/secrets/"));
    let missing: Vec<_> = named.filter(|name| !has.iter().any(|(target, _)| target == name)).collect();
    assert!(missing.is_empty() && !has.is_empty(), "{missing:?}");
}
