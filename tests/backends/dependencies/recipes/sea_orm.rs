//! SeaORM on the real PostgreSQL: it asks through sqlx, so nothing is to be done.

use ::sea_orm::entity::prelude::*;
use ::sea_orm::{ActiveValue, Database, Schema};
use tower_observability::testing::Instance;
use tower_observability::{Kind, Work};

use super::super::named;
use crate::support::systems::POSTGRES;

#[allow(unreachable_pub)] // as its macros want it
mod entity {
    use ::sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sea_bookings")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn each_query_of_seaorm_is_a_span_of_its_request_without_a_line_of_code() {
    let seen = Instance::new();
    let database = Database::connect(POSTGRES.value()).await.unwrap();
    let schema = Schema::new(database.get_database_backend());
    database.execute_unprepared("DROP TABLE IF EXISTS sea_bookings").await.unwrap();
    database.execute(&schema.create_table_from_entity(entity::Entity)).await.unwrap();
    let _subscriber = seen.subscribe();
    Work::internal("book")
        .run(async {
            let (id, name) = (ActiveValue::Set(471_147_114), ActiveValue::Set("secret".to_owned()));
            entity::Entity::insert(entity::ActiveModel { id, name }).exec(&database).await.unwrap();
            let found = entity::Entity::find_by_id(471_147_114).one(&database).await.unwrap();
            assert_eq!(found.unwrap().name, "secret");
        })
        .await;
    let job = seen.request("book").span().clone();
    for name in ["INSERT sea_bookings", "SELECT sea_bookings"] {
        let span = named(&seen, name);
        assert!(span.kind == Kind::Client && span.is_child_of(&job), "{seen}");
        assert_eq!(span.attribute("db.system.name"), "postgresql");
    }
    let all = format!("{:?}", seen.spans());
    assert!(!all.contains("secret") && !all.contains("471147114"), "{all}");
    let select = [("db_collection_name", "sea_bookings"), ("db_operation_name", "SELECT")];
    assert_eq!(seen.metric("db_client_operation_duration_seconds_count", &select), 1.0);
}
