//! Fresh databases with tasker's schema, on our own server or on a given one.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::NoTls;

use super::{Cluster, Error};

/// Names a running server's maintenance database; its user must be allowed to create databases.
pub const URL_VARIABLE: &str = "TASKER_TEST_DATABASE_URL";

/// A server for tests.
#[derive(Debug)]
pub struct Server {
    cluster: Option<Cluster>,
    /// Address of the maintenance database.
    admin: String,
    template: tokio::sync::OnceCell<String>,
}

/// A database with tasker's schema, empty. Removed when dropped.
#[derive(Debug)]
pub struct Database {
    url: String,
    name: String,
    admin: String,
}

impl Server {
    /// The server that `TASKER_TEST_DATABASE_URL` names, or one of our own.
    pub fn obtain() -> Result<Self, Error> {
        match std::env::var(URL_VARIABLE) {
            Ok(admin) if !admin.is_empty() => Ok(Self::given(admin)),
            _ => Ok(Self::of(Cluster::start()?)),
        }
    }

    /// A running server, by the address of a database on it.
    pub fn given(admin: String) -> Self {
        Self { cluster: None, admin, template: tokio::sync::OnceCell::new() }
    }

    /// Our own.
    pub fn of(cluster: Cluster) -> Self {
        let admin = cluster.url("postgres");
        Self { cluster: Some(cluster), admin, template: tokio::sync::OnceCell::new() }
    }

    /// Sets the address at which the server's maintenance database is reached.
    pub fn reached_at(mut self, admin: String) -> Self {
        self.admin = admin;
        self
    }

    /// The cluster, when it is our own: to crash it.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Address of the maintenance database.
    pub fn admin_url(&self) -> &str {
        &self.admin
    }

    /// Makes an empty database, without a schema.
    pub async fn empty_database(&self) -> Result<Database, Error> {
        self.make("template1").await
    }

    /// Makes an empty database that cannot hold every character.
    pub async fn latin1_database(&self) -> Result<Database, Error> {
        self.make("template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'").await
    }

    /// Makes a database: a copy of one that was migrated once (about 70 ms).
    pub async fn database(&self) -> Result<Database, Error> {
        self.make(self.template.get_or_try_init(|| self.migrate()).await?).await
    }

    async fn make(&self, template: &str) -> Result<Database, Error> {
        let name = new_name("test");
        let drop = format!("drop database if exists {name} with (force)");
        let create = format!("create database {name} template {template}");
        execute(&self.admin, &[&drop, &create]).await?;
        let url = on(&self.admin, &name)?;
        Ok(Database { url, name, admin: self.admin.clone() })
    }

    /// Makes the template of this server.
    async fn migrate(&self) -> Result<String, Error> {
        let name = new_name("template");
        let drop = format!("drop database if exists {name} with (force)");
        execute(&self.admin, &[&drop, &format!("create database {name}")]).await?;
        let failed = |e: tasker_store::StoreError| sql("cannot migrate", e);
        let store = tasker_store::connect(&on(&self.admin, &name)?).await.map_err(failed)?;
        store.migrate().await.map_err(failed)?;
        Ok(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let (None, Some(template)) = (&self.cluster, self.template.get()) {
            remove(self.admin.clone(), template.clone());
        }
    }
}

impl Database {
    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        remove(self.admin.clone(), self.name.clone());
    }
}

/// A name that no other process of this machine uses.
fn new_name(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("tasker_{what}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Removes a database from wherever a drop happens: in a runtime or outside of one.
fn remove(admin: String, name: String) {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let text = format!("drop database if exists {name} with (force)");
        // Best effort: the server may have been killed on purpose.
        let _ = runtime.block_on(execute(&admin, &[&text]));
        Ok::<(), std::io::Error>(())
    };
    let _ = std::thread::spawn(work).join();
}

/// Runs statements by themselves: databases are not made inside transactions.
async fn execute(url: &str, statements: &[&str]) -> Result<(), Error> {
    let what = || statements.join("; ");
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.map_err(|e| sql(what(), e))?;
    let connection = tokio::spawn(connection);
    for statement in statements {
        client.batch_execute(statement).await.map_err(|e| sql(what(), detail(&e)))?;
    }
    drop(client);
    connection.await.map_err(|e| sql(what(), e))?.map_err(|e| sql(what(), e))
}

fn detail(e: &tokio_postgres::Error) -> String {
    e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string)
}

fn sql(what: impl Into<String>, why: impl std::fmt::Display) -> Error {
    Error::Sql { what: what.into(), why: why.to_string() }
}

/// `url` with its database replaced by `database`.
fn on(url: &str, database: &str) -> Result<String, Error> {
    let (address, query) = url.split_once('?').map_or((url, None), |(a, q)| (a, Some(q)));
    let start = address
        .find("://")
        .map(|i| i + 3)
        .ok_or_else(|| sql(URL_VARIABLE, "must look like postgresql://user@host:port/database"))?;
    let end = address[start..].find('/').map_or(address.len(), |i| start + i);
    let query = query.map_or(String::new(), |q| format!("?{q}"));
    Ok(format!("{}/{database}{query}", &address[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_an_address_is_replaced() {
        let given = "postgresql://u:p@h:5/postgres?sslmode=disable";
        assert_eq!(on(given, "x").unwrap(), "postgresql://u:p@h:5/x?sslmode=disable");
        assert_eq!(on("postgres://u@%2Ftmp%2Fa", "x").unwrap(), "postgres://u@%2Ftmp%2Fa/x");
        assert!(on("nonsense", "x").is_err());
    }
}
