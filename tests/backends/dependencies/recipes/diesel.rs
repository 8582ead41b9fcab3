//! diesel, by its instrumentation hook.

use diesel::connection::{Instrumentation, InstrumentationEvent};
use tower_observability::work::Running;
use tower_observability::{Outcome, Query};

struct Queries(Option<Running>);

impl Instrumentation for Queries {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            // What it shows ends with a comment that has the values: the span has neither.
            InstrumentationEvent::StartQuery { query, .. } => {
                self.0 = Some(Query::sql("sqlite", &query.to_string()).begin());
            }
            InstrumentationEvent::FinishQuery { error, .. } => {
                let outcome = if error.is_none() { Outcome::Ok } else { Outcome::ServerError };
                self.0.take().into_iter().for_each(|running| running.finish(outcome));
            }
            _ => {}
        }
    }
}

mod tests {
    use diesel::connection::Connection as _;
    use diesel::prelude::*;
    use tower_observability::testing::Instance;
    use tower_observability::{Kind, Work};

    use super::super::super::named;
    use super::Queries;

    diesel::table! {
        bookings (id) {
            id -> Integer,
            name -> Text,
        }
    }

    #[test]
    fn each_query_of_diesel_is_a_span_without_its_values() {
        let seen = Instance::new();
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let create = "CREATE TABLE bookings (id INTEGER PRIMARY KEY, name TEXT NOT NULL)";
        diesel::sql_query(create).execute(&mut connection).unwrap();
        connection.set_instrumentation(Queries(None));
        let _subscriber = seen.subscribe();
        let mut work = Work::internal("book").begin();
        work.within(|| {
            let row = (bookings::id.eq(471_147_114), bookings::name.eq("secret"));
            diesel::insert_into(bookings::table).values(row).execute(&mut connection).unwrap();
            diesel::insert_into(bookings::table).values(row).execute(&mut connection).unwrap_err();
            let found = bookings::table.find(471_147_114).select(bookings::name);
            assert_eq!(found.first::<String>(&mut connection).unwrap(), "secret");
        });
        work.finish(tower_observability::Outcome::Ok);
        let (job, select) = (seen.request("book").span().clone(), named(&seen, "SELECT bookings"));
        assert!(select.kind == Kind::Client && select.is_child_of(&job), "{seen}");
        assert_eq!(select.attribute("db.system.name"), "sqlite");
        let spans = seen.spans();
        let inserts: Vec<_> = spans.iter().filter(|span| span.name == "INSERT bookings").collect();
        assert!(inserts.len() == 2 && !inserts[0].is_error() && inserts[1].is_error(), "{seen}");
        let all = format!("{spans:?}");
        assert!(!all.contains("secret") && !all.contains("471147114"), "{all}");
        let ok = [("db_query_summary", "INSERT bookings"), ("error_type", "server_error")];
        assert_eq!(seen.metric("db_client_operation_duration_seconds_count", &ok), 1.0);
    }
}
