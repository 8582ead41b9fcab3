//! Tests: what is made of statements, and that no value is in it whatever the statement looks like.

use proptest::prelude::*;

use super::*;

const ALL: [Dialect; 4] = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite, Dialect::Other];

fn text(statement: &str, dialect: Dialect) -> String {
    read(statement, dialect).text.into()
}

fn summary(statement: &str) -> String {
    read(statement, Dialect::Postgres).summary
}

#[test]
fn values_are_left_out_and_parameters_stay() {
    let cases = [
        ("SELECT * FROM t WHERE a = 'x' AND b = 7", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("SELECT * FROM t1 WHERE a = $1 AND b = ?", "SELECT * FROM t1 WHERE a = $1 AND b = ?"),
        ("SELECT 'it''s', E'a', 0x1F, -1.5e-3, .5, TRUE, null", "SELECT ?, E?, ?, -?, ?, ?, null"),
        ("SELECT\n\t a -- secret\n , b /* secret */ FROM t", "SELECT a , b FROM t"),
        ("a IN (1, 2,3) AND b in ($1, $2) AND c IN (SELECT 1)", "a IN (?) AND b in (?) AND c IN (SELECT ?)"),
        ("SELECT $$it's$$, $q$ $$ $q$, x::text, y[1]", "SELECT ?, ?, x::text, y[?]"),
        ("SELECT /* a /* b */ c */ 1", "SELECT ?"),
        ("SELECT a FROM t WHERE d = :day AND e = @e", "SELECT a FROM t WHERE d = :day AND e = @e"),
        (r#"SELECT "a b" FROM "s"."t" WHERE "x""y" = 1"#, r#"SELECT "a b" FROM "s"."t" WHERE ? = ?"#),
        ("SELECT 'a", "SELECT ?…"),
        ("SELECT 'a\\', 'secret'", "SELECT ?…"),
        ("", ""),
    ];
    for (statement, right) in cases {
        assert_eq!(text(statement, Dialect::Postgres), right, "{statement}");
    }
}

#[test]
fn what_databases_read_differently_is_read_as_the_named_one_does_or_left_out() {
    let quoted = r#"SELECT "secret" FROM "t" WHERE "t"."a" = 1"#;
    assert_eq!(text(quoted, Dialect::Postgres), r#"SELECT "secret" FROM "t" WHERE "t"."a" = ?"#);
    assert_eq!(text(quoted, Dialect::Sqlite), r#"SELECT ? FROM "t" WHERE "t"."a" = ?"#);
    assert_eq!(text(quoted, Dialect::Mysql), "SELECT ? FROM ? WHERE ?.? = ?");
    assert_eq!(text("a # secret\n b", Dialect::Mysql), "a b");
    assert_eq!(text("a #> b", Dialect::Postgres), "a #> b");
    assert_eq!(text("a # secret", Dialect::Other), "a ?…");
    assert_eq!(text("1--'a\nsecret'", Dialect::Mysql), "?--?");
    assert_eq!(text("1--'a\nsecret'", Dialect::Other), "??…");
    assert_eq!(text("SELECT [it's] WHERE x = 'secret'", Dialect::Other), "SELECT ?…");
    assert_eq!(text("SELECT `a` FROM `t`", Dialect::Mysql), "SELECT `a` FROM `t`");
    for oracle in ["Q'[it's secret]'", "nq'!it's secret!'"] {
        assert_eq!(text(&format!("SELECT {oracle} FROM dual"), Dialect::Other), "SELECT ?…");
    }
    for triple in ["\"\"\"a \" secret\"\"\"", "'''it's secret'''", "r'''it's secret'''"] {
        let shown = text(&format!("SELECT {triple}"), Dialect::Other);
        assert!(shown.ends_with("?…") && !shown.contains("secret"), "{shown}");
    }
    assert_eq!(text("SELECT '', '''' FROM t", Dialect::Other), "SELECT ?, ? FROM t");
    assert_eq!(text("ALTER USER ann IDENTIFIED BY secret", Dialect::Other), "ALTER USER ann ?…");
}

#[test]
fn a_summary_names_operations_and_tables_in_their_order() {
    let cases = [
        ("SELECT * FROM songs, artists WHERE a = b", "SELECT songs artists"),
        ("select a from songs s join artists a on a.id = s.id", "select songs artists"),
        ("INSERT INTO orders (a) SELECT a FROM baskets", "INSERT orders SELECT baskets"),
        ("UPDATE public.orders SET a = 1 WHERE b IN (SELECT c FROM d)", "UPDATE public.orders SELECT d"),
        ("DELETE FROM \"orders\" USING x WHERE a = 1", "DELETE orders"),
        ("SELECT EXTRACT(YEAR FROM day) FROM bookings FOR UPDATE", "SELECT bookings"),
        ("SELECT a IS DISTINCT FROM b FROM c", "SELECT c"),
        ("WITH x AS (SELECT a FROM b) SELECT * FROM x", "SELECT b SELECT x"),
        ("SELECT * FROM (SELECT a FROM b) AS c, d", "SELECT SELECT b d"),
        ("INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET c = 2", "INSERT a"),
        ("INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE c = 2", "INSERT a"),
        ("CREATE TABLE IF NOT EXISTS users (id INT)", "CREATE TABLE users"),
        ("CREATE UNIQUE INDEX i ON users (id)", "CREATE INDEX i"),
        ("DROP TABLE users", "DROP TABLE users"),
        ("BEGIN", "BEGIN"),
        ("COMMIT; SELECT 1", "COMMIT SELECT"),
        ("CALL pay(1, 2)", "CALL pay"),
        ("", ""),
        ("'only a value'", ""),
    ];
    for (statement, right) in cases {
        assert_eq!(summary(statement), right, "{statement}");
    }
}

#[test]
fn a_single_table_is_the_collection() {
    let collection = |text| read(text, Dialect::Postgres).collection;
    assert_eq!(collection("SELECT a FROM bookings b WHERE b.c = 1").as_deref(), Some("bookings"));
    assert_eq!(collection("SELECT a FROM shop.bookings").as_deref(), Some("shop.bookings"));
    assert_eq!(collection("SELECT a FROM bookings, cars"), None);
    assert_eq!(collection("INSERT INTO a SELECT b FROM c"), None);
    let named = Stated::named("find bookings");
    assert_eq!(named.get().collection.map(Interned::as_str), Some("bookings"));
    assert_eq!(Stated::named(" GET ").get().operation.as_str(), "GET");
}

#[test]
fn long_statements_are_cut() {
    let long = format!("SELECT {} FROM t WHERE a = 'secret'", "é, ".repeat(2_000));
    let cut = text(&long, Dialect::Postgres);
    assert!(cut.len() <= LONGEST_TEXT + '…'.len_utf8() && cut.ends_with('…'), "{}", cut.len());
    let tables: Vec<_> = (0..100).map(|n| format!("table_{n}")).collect();
    let many = summary(&format!("SELECT 1 FROM {}", tables.join(", ")));
    assert!(many.len() <= 255 && many.ends_with(|c: char| c.is_ascii_digit()), "{many}");
    let beyond = format!("SELECT a {} 'secret'", " ".repeat(MOST_READ));
    assert_eq!(text(&beyond, Dialect::Postgres), "SELECT a…");
    assert_eq!(cut_of(&"word ".repeat(100)).len() % 5, 4);
}

fn cut_of(text: &str) -> &str {
    summary::cut(text)
}

#[test]
fn only_statements_without_values_are_kept() {
    let known = |text: &str| matches!(Stated::read(text, Dialect::Postgres), Stated::Known(_));
    assert!(known("SELECT kept FROM a WHERE b = $1"));
    assert!(!known("SELECT kept FROM a WHERE b = 'secret'"));
    assert!(!known("SELECT kept FROM a WHERE b IN ($1, $2)"));
    assert!(!known("SELECT kept FROM a /* traceparent='00-…' */"));
    assert!(KEPT[Dialect::Postgres as usize].find("SELECT kept FROM a WHERE b = 'secret'").is_none());
}

/// Pieces of statements, each with a value in it or none, and a quote of it that every database reads as this dialect does.
fn piece(dialect: Dialect) -> impl Strategy<Value = String> {
    let quoted = prop_oneof![
        Just("'secret'"),
        Just("'it''s secret'"),
        Just("'secret -- '"),
        Just("'/* secret'"),
        Just("'\"secret'"),
        Just("N'secret'"),
        Just("7342"),
        Just("0x7342"),
        Just("1.7342e-7342"),
        Just("-- secret ' \" \n"),
        Just("/* secret ' */"),
    ];
    let plain = prop_oneof![
        Just("SELECT"),
        Just("FROM"),
        Just("IN ("),
        Just("("),
        Just(")"),
        Just(","),
        Just("$1"),
        Just("?"),
        Just("::text"),
        Just("INTO"),
        Just("UPDATE"),
        Just("t1"),
        Just("."),
        Just(";"),
        Just("\n"),
        Just("é"),
        Just("TRIM(FROM"),
        Just("="),
        Just("JOIN"),
        Just("`a`"),
        Just("WITH"),
        Just("CREATE TABLE"),
    ];
    let own = match dialect {
        Dialect::Postgres => vec!["$$ 'secret $$", "$q$ $$secret$$ $q$", "E'secret'", "/* /* */ secret */"],
        Dialect::Mysql => vec!["\"secret\"", "# secret '\n", "_utf8'secret'"],
        Dialect::Sqlite => vec!["x'7342'"],
        Dialect::Other => vec![
            "\"secret\"",
            "\"it's secret\"",
            "'secret\\' ",
            "q'[it's secret]'",
            "'''it's secret'''",
            "IDENTIFIED BY secret",
        ],
    };
    prop_oneof![
        3 => quoted.prop_map(str::to_owned),
        4 => plain.prop_map(str::to_owned),
        2 => proptest::sample::select(own).prop_map(str::to_owned),
    ]
}

fn statement() -> impl Strategy<Value = (Dialect, String)> {
    proptest::sample::select(ALL.to_vec()).prop_flat_map(|dialect| {
        let pieces = proptest::collection::vec(piece(dialect), 0..20);
        (Just(dialect), pieces.prop_map(|pieces| pieces.join(" ")))
    })
}

#[test]
fn an_errors_text_shows_no_value() {
    let cases = [
        (
            "duplicate key value violates unique constraint \"users_email\"",
            "duplicate key value violates unique constraint ?",
        ),
        ("Key (email)=(secret@example.org) already exists", "Key (email)=? already exists"),
        ("invalid input: 'secret' at 12", "invalid input: ? at ?"),
        ("can't connect to 10.0.0.7:5432 (os error 111)", "can't connect to ? (os error ?)"),
        ("never closed: 'secret", "never closed: ?"),
        ("Duplicate entry 'o'secret@example.org' for key 'users.email'", "Duplicate entry ? for key ?"),
        ("Duplicate entry 'secret' 'n' secret' for key 'shops.name'", "Duplicate entry ? for key ?"),
        ("Duplicate entry 'secret", "Duplicate entry ?"),
        ("Failing row contains (1, secret@example.org, (secret), null).", "Failing row contains ?."),
        ("The duplicate key value is (secret@example.org).", "The duplicate key value is ?."),
        ("relation (users) is gone", "relation (users) is gone"),
        ("Key (name)=(a)secret) already exists", "Key (name)=? already exists"),
        ("key (a)=(1) conflicts with existing key (a)=(secret).", "key (a)=?."),
        ("Key (name)=(secret", "Key (name)=?"),
    ];
    for (error, right) in cases {
        assert_eq!(without_values(error), right);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_value_leaves((dialect, statement) in statement(), end in 0..400_usize) {
        for statement in [&*statement, super::super::prefix(&statement, end)] {
            let read = read(statement, dialect);
            for shown in [&*read.text, &read.summary, &read.operation] {
                // A statement that is cut within a value has the rest of it as its own.
                prop_assert!(!shown.contains("secret") && !shown.contains("7342"), "{statement:?} {shown:?}");
            }
        }
    }

    #[test]
    fn every_text_is_read_to_its_end_within_the_limits(text in "\\PC{0,200}", garbage in "[-'\"`$/*\\\\ a1#\\[\\]().;,é]{0,60}") {
        for text in [text, garbage] {
            for dialect in ALL {
                let read = read(&text, dialect);
                prop_assert!(read.text.len() <= LONGEST_TEXT + 3);
                prop_assert!(read.summary.len() <= 255);
            }
        }
    }
}
