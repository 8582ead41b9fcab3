//! An empty database in the real PostgreSQL.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::systems::POSTGRES;

/// Makes one of this name, and returns its URL.
pub async fn fresh(name: &str) -> String {
    let url = POSTGRES.value();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    for statement in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}
