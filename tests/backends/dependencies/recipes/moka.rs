//! A cache in memory, moka.

use moka::future::Cache;

async fn vehicle(vehicles: &Cache<String, String>, plate: &str) -> String {
    let seen = tower_observability::cache("vehicles");
    if let Some(vehicle) = vehicles.get(plate).await {
        seen.hit();
        return vehicle;
    }
    // Of those who ask for the same key one loads, which is the miss; the others wait for it.
    let entry = vehicles.entry_by_ref(plate).or_insert_with(seen.load(plate, from_database(plate))).await;
    if !entry.is_fresh() {
        seen.coalesced();
    }
    entry.into_value()
}

async fn from_database(plate: &str) -> String {
    tokio::task::yield_now().await;
    plate.to_lowercase()
}

mod tests {
    use futures_util::future::join_all;
    use tower_observability::Work;
    use tower_observability::testing::Instance;

    use super::{Cache, vehicle};

    #[tokio::test]
    async fn moka_has_one_miss_for_all_who_ask_at_once_and_hits_from_then_on() {
        let (seen, vehicles) = (Instance::new(), Cache::new(100));
        let _subscriber = seen.subscribe();
        let ask = |name: &'static str| Work::internal(name).run(vehicle(&vehicles, "B-WS 7"));
        let answers = join_all([ask("first"), ask("second"), ask("third")]).await;
        assert!(answers.iter().all(|answer| answer == "b-ws 7"));
        ask("fourth").await;
        let of = |result| seen.metric("cache_requests_total", &[("cache", "vehicles"), ("result", result)]);
        assert_eq!((of("miss"), of("coalesced"), of("hit")), (1.0, 2.0, 1.0));
        assert_eq!(seen.request("first").closing_line()["observability.cache.vehicles"], "miss");
        assert_eq!(seen.request("second").closing_line()["observability.cache.vehicles"], "coalesced");
        assert!(seen.request("fourth").closing_line()["observability.cache.vehicles"].is_null());
    }
}
