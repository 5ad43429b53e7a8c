//! Databases that a test can look into past the store.

use std::{fmt, path::PathBuf, sync::Arc};

use tasker_store::{KeySettings, MasterKey, Result, StorageAdapter, connect_with};
use tasker_testkit::pg::{Database, Server};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// One database, and a folder of the test's own.
pub struct At {
    folder: PathBuf,
    postgres: Option<(Arc<Server>, Database)>,
}

/// An empty database of each kind.
pub async fn each() -> Vec<At> {
    let server = Arc::new(Server::obtain().unwrap());
    let database = server.database().await.unwrap();
    vec![At::new(Some((server, database))), At::new(None)]
}

/// A master key, as a setting.
pub fn key() -> String {
    MasterKey::generate().unwrap().expose().to_string()
}

/// The id of a master key.
pub fn ring(key: &str) -> String {
    MasterKey::parse(key, "").unwrap().id().to_owned()
}

/// Settings with these keys.
pub fn settings(keys: &[&str]) -> KeySettings {
    KeySettings { keys: Some(keys.join(",").into()), ..KeySettings::default() }
}

impl At {
    /// On a Postgres database, or in an SQLite file.
    pub fn new(postgres: Option<(Arc<Server>, Database)>) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("tasker-secrets-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, postgres }
    }

    pub fn is_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    pub fn folder(&self) -> &PathBuf {
        &self.folder
    }

    pub fn url(&self) -> String {
        match &self.postgres {
            Some((_, database)) => database.url().to_owned(),
            None => format!("sqlite:{}", self.folder.join("x.db").display()),
        }
    }

    pub async fn open(&self, keys: &KeySettings) -> Arc<dyn StorageAdapter> {
        self.try_open(keys).await.unwrap()
    }

    pub async fn try_open(&self, keys: &KeySettings) -> Result<Arc<dyn StorageAdapter>> {
        connect_with(&self.url(), keys).await
    }

    /// First columns of what a statement answers, past the store.
    pub async fn sql(&self, text: &str) -> Vec<String> {
        let Some((_, database)) = &self.postgres else { return self.sqlite(text) };
        let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let found = client.simple_query(text).await.unwrap();
        let first = |m: SimpleQueryMessage| match m {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        };
        found.into_iter().filter_map(first).collect()
    }

    fn sqlite(&self, text: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.folder.join("x.db")).unwrap();
        let mut statement = connection.prepare(text).unwrap();
        let first = |row: &rusqlite::Row<'_>| {
            row.get::<_, rusqlite::types::Value>(0).map(|value| match value {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(n) => n.to_string(),
                other => format!("{other:?}"),
            })
        };
        if statement.column_count() == 0 {
            statement.execute([]).unwrap();
            return Vec::new();
        }
        statement.query_map([], first).unwrap().map(|v| v.unwrap()).collect()
    }

    /// Everything in SQLite's files.
    pub fn bytes(&self) -> Option<String> {
        if self.is_postgres() {
            return None;
        }
        let read =
            |end: &str| std::fs::read(self.folder.join(format!("x.db{end}"))).unwrap_or_default();
        let all = [read(""), read("-wal")].concat();
        Some(String::from_utf8_lossy(&all).into_owned())
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_postgres() { "postgres" } else { "sqlite" })
    }
}

impl Drop for At {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
