//! The SQL of meanings. Whatever comes from elsewhere is a parameter; only lengths of vectors stand in the text, as an
//! index can only be for one.

use std::time::Duration;

/// The table. Another number at its end is another version, with which older gateways have nothing to do.
pub(super) const TABLE: &str = "sluicegate_meanings_1";
/// What locks of PostgreSQL are known by, made up once. While the table is made:
const MAKING: i64 = 0x51_75_1c_e6_a7_e0_01;
/// While is deleted what is gone.
const SWEEPING: i64 = MAKING + 1;

/// What each connection begins with: a time after which the server gives up by itself, how many vectors a graph is
/// looked at for (of which those count that are of the partition), and that it is looked at further where these are too
/// few, which `pgvector` does since 0.8.
pub(super) const FIRST: &str = "
SET statement_timeout = '5s';
SET hnsw.ef_search = 400;
SELECT set_config('hnsw.iterative_scan', 'relaxed_order', false) FROM pg_extension
    WHERE CASE extname WHEN 'vector' THEN string_to_array(extversion, '.')::int[] >= '{0,8,0}' ELSE false END";

/// Whether there is a table or an index of this name.
pub(super) const IS_THERE: &str = "SELECT to_regclass($1) IS NOT NULL";

/// Moments are in milliseconds since 1970.
pub(super) fn make_table() -> String {
    format!(
        "SELECT pg_advisory_xact_lock({MAKING});
        CREATE EXTENSION IF NOT EXISTS vector;
        CREATE TABLE IF NOT EXISTS {TABLE} (
            key        bytea PRIMARY KEY,
            partition  bytea NOT NULL,
            tenant     text NOT NULL,
            model      text NOT NULL,
            created    bigint NOT NULL,
            kept_until bigint NOT NULL,
            bytes      bigint NOT NULL,
            dimensions integer NOT NULL,
            embedding  vector NOT NULL
        );
        CREATE INDEX IF NOT EXISTS {TABLE}_partition ON {TABLE} (partition, dimensions);
        CREATE INDEX IF NOT EXISTS {TABLE}_about ON {TABLE} (tenant, model, created);
        CREATE INDEX IF NOT EXISTS {TABLE}_created ON {TABLE} (created) INCLUDE (bytes);
        CREATE INDEX IF NOT EXISTS {TABLE}_kept_until ON {TABLE} (kept_until)"
    )
}

/// The name of the graph for vectors of a length.
pub(super) fn graph(dimensions: usize) -> String {
    format!("{TABLE}_graph_{dimensions}")
}

pub(super) fn make_graph(dimensions: usize) -> String {
    let graph = graph(dimensions);
    // Whoever writes meanwhile waits for nobody.
    format!(
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS {graph} ON {TABLE}
            USING hnsw ((embedding::vector({dimensions})) vector_cosine_ops) WHERE dimensions = {dimensions}"
    )
}

/// How many vectors of this length ($2) a partition ($1) has, not counted further than one above so many.
pub(super) fn count(most: i64) -> String {
    let most = most.saturating_add(1);
    format!("SELECT count(*) FROM (SELECT FROM {TABLE} WHERE partition = $1 AND dimensions = $2 LIMIT {most}) AS few")
}

/// Keys and similarities of those of a partition ($1) that are there after a moment ($2) and nearest to a vector ($3),
/// up to so many ($4), the nearest first.
pub(super) fn look_through(dimensions: usize) -> String {
    // By itself, the planner might take the graph.
    format!(
        "WITH of_partition AS MATERIALIZED (
            SELECT key, embedding FROM {TABLE} WHERE partition = $1 AND dimensions = {dimensions} AND kept_until > $2
        )
        SELECT key, 1 - distance FROM (
            SELECT key, embedding <=> $3::real[]::vector AS distance FROM of_partition
        ) AS near ORDER BY distance LIMIT $4"
    )
}

/// The same, of those that the graph finds.
pub(super) fn find_by_graph(dimensions: usize) -> String {
    let distance = format!("embedding::vector({dimensions}) <=> $3::real[]::vector({dimensions})");
    format!(
        "SELECT key, 1 - distance FROM (
            SELECT key, {distance} AS distance FROM {TABLE}
                WHERE partition = $1 AND dimensions = {dimensions} AND kept_until > $2
                ORDER BY {distance} LIMIT $4
        ) AS near ORDER BY distance"
    )
}

pub(super) fn put() -> String {
    format!(
        "INSERT INTO {TABLE} (key, partition, tenant, model, created, kept_until, bytes, dimensions, embedding)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::real[]::vector)
        ON CONFLICT (key) DO UPDATE SET partition = excluded.partition, tenant = excluded.tenant,
            model = excluded.model, created = excluded.created, kept_until = excluded.kept_until,
            bytes = excluded.bytes, dimensions = excluded.dimensions, embedding = excluded.embedding"
    )
}

/// All conditions that are given must hold.
pub(super) fn purge() -> String {
    format!(
        "DELETE FROM {TABLE} WHERE ($1::bytea IS NULL OR key = $1) AND ($2::text IS NULL OR tenant = $2)
            AND ($3::text IS NULL OR model = $3) AND ($4::bigint IS NULL OR created < $4)"
    )
}

/// Whether nobody else deletes what is gone; until the end of the transaction.
pub(super) fn try_to_be_alone() -> String {
    format!("SELECT pg_try_advisory_xact_lock({SWEEPING})")
}

pub(super) fn forget_expired() -> String {
    format!("DELETE FROM {TABLE} WHERE kept_until <= $1")
}

/// The newest stay, up to so many bytes.
pub(super) fn make_room() -> String {
    format!(
        "DELETE FROM {TABLE} WHERE key IN (
            SELECT key FROM (
                SELECT key, sum(bytes) OVER (ORDER BY created DESC, key) AS taken FROM {TABLE}
            ) AS newest_first WHERE taken > $1::bigint
        )"
    )
}

/// From here on, a connection's statements may take so long.
pub(super) fn for_as_long_as(time: Duration) -> String {
    format!("SET statement_timeout = {}", time.as_millis())
}

/// From here to its end, a transaction may take so long.
pub(super) fn within(time: Duration) -> String {
    format!("SET LOCAL statement_timeout = {}", time.as_millis())
}
