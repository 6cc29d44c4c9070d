//! Where statements go: a connection of the pool, or a transaction of the application.

use super::sql::Sql;
use tokio_postgres::{
    Error, Row,
    types::{ToSql, Type},
};

pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Something that runs a statement.
pub(super) trait Link: Sync {
    fn ask(&self, sql: &Sql, params: Params<'_>) -> impl Future<Output = Result<Vec<Row>, Error>> + Send;
}

/// Prepared once for each connection.
impl Link for deadpool_postgres::ClientWrapper {
    async fn ask(&self, sql: &Sql, params: Params<'_>) -> Result<Vec<Row>, Error> {
        let statement = self.prepare_typed_cached(sql.text, sql.types).await?;
        self.query(&statement, params).await
    }
}

impl Link for deadpool_postgres::Transaction<'_> {
    async fn ask(&self, sql: &Sql, params: Params<'_>) -> Result<Vec<Row>, Error> {
        let statement = self.prepare_typed_cached(sql.text, sql.types).await?;
        self.query(&statement, params).await
    }
}

/// Parsed each time, in the same round trip.
impl Link for tokio_postgres::Transaction<'_> {
    async fn ask(&self, sql: &Sql, params: Params<'_>) -> Result<Vec<Row>, Error> {
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            params.iter().copied().zip(sql.types.iter().cloned()).collect();
        self.query_typed(sql.text, &typed).await
    }
}
