//! Postgres over TLS, with certificates made for the test.

use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use tasker_store::{StoreError, connect};
use tasker_testkit::{
    pg::{Cluster, Options},
    process::free_port,
};
use tokio_postgres::NoTls;

fn openssl(folder: &Path, args: &str) {
    let done = Command::new("openssl").current_dir(folder).args(args.split(' ')).output().unwrap();
    assert!(done.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Two authorities, and a certificate of the first for `localhost`.
fn certificates(folder: &Path) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    for authority in ["ca", "other"] {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={authority} -keyout {authority}.key -out {authority}.crt"
            ),
        );
    }
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    std::fs::write(
        folder.join("names"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt",
    );
}

/// Gives the server its certificate and turns TLS on.
async fn turn_on(cluster: &Cluster, folder: &Path) {
    let (client, connection) =
        tokio_postgres::connect(&cluster.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    let row = client.query_one("show data_directory", &[]).await.unwrap();
    let data = PathBuf::from(row.get::<_, String>(0));
    let owner = std::fs::metadata(&data).unwrap();
    for name in ["server.crt", "server.key"] {
        let to = data.join(name);
        std::fs::copy(folder.join(name), &to).unwrap();
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&to, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    client.batch_execute("alter system set ssl = on").await.unwrap();
    client.batch_execute("select pg_reload_conf()").await.unwrap();
    for _ in 0..100 {
        let on: String = client.query_one("show ssl", &[]).await.unwrap().get(0);
        if on == "on" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("TLS is not on");
}

/// Why the store cannot be used at this address.
async fn refused(url: String) -> String {
    match connect(&url).await {
        Ok(store) => store.next_deadline().await.unwrap_err().to_string(),
        Err(error) => error.to_string(),
    }
}

/// The store is used at this address, and its connections are encrypted or not.
async fn is_let_in(observer: &tokio_postgres::Client, url: &str, encrypted: bool) {
    let store = connect(url).await.unwrap();
    store.functions().await.unwrap_or_else(|e| panic!("{url}: {e}"));
    // The connection that says who lives is encrypted as well.
    let slot = store.hold_slot("p").await.unwrap();
    let seen = "select count(*), count(*) filter (where ssl) from pg_stat_ssl s join pg_stat_activity a \
                using (pid) where application_name = 'tasker'";
    let row = observer.query_one(seen, &[]).await.unwrap();
    let (all, with): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!((all, with), (2, if encrypted { 2 } else { 0 }), "{url}");
    drop((slot, store));
    for _ in 0..100 {
        if observer.query_one(seen, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_address_decides() {
    let folder = std::env::temp_dir().join(format!("tasker-tls-{}", std::process::id()));
    certificates(&folder);
    let port = free_port().unwrap();
    let cluster = Cluster::with(Options { port: Some(port), ..Options::default() }).unwrap();
    let url =
        |host: &str, query: &str| format!("postgres://postgres@{host}:{port}/postgres{query}");

    let without = refused(url("localhost", "?sslmode=require")).await;
    assert!(without.contains("TLS"), "a server without TLS: {without}");
    connect(&url("localhost", "")).await.unwrap().migrate().await.unwrap();

    turn_on(&cluster, &folder).await;
    let at = |file: &str| folder.join(file).display().to_string().replace('/', "%2F");
    let (ca, other) = (at("ca.crt"), at("other.crt"));
    let (observer, connection) =
        tokio_postgres::connect(&cluster.url("postgres"), NoTls).await.unwrap();
    tokio::spawn(connection);
    let ok = [
        ("localhost", "?sslmode=disable".to_owned(), false),
        ("localhost", String::new(), true),
        ("127.0.0.1", "?sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("?sslmode=verify-ca&sslrootcert={ca}"), true),
        ("127.0.0.1", format!("?sslmode=require&sslrootcert={ca}"), true),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={ca}"), true),
    ];
    for (host, query, encrypted) in ok {
        is_let_in(&observer, &url(host, &query), encrypted).await;
    }
    let wrong = [
        ("localhost", format!("?sslmode=verify-full&sslrootcert={other}"), "UnknownIssuer"),
        ("localhost", format!("?sslmode=verify-ca&sslrootcert={other}"), "UnknownIssuer"),
        ("localhost", format!("?sslmode=require&sslrootcert={other}"), "UnknownIssuer"),
        ("127.0.0.1", format!("?sslmode=verify-full&sslrootcert={ca}"), "not valid for name"),
        ("localhost", "?sslmode=verify-full".to_owned(), "UnknownIssuer"),
        (
            "localhost",
            "?sslmode=verify-full&sslrootcert=%2Fnowhere".to_owned(),
            "sslrootcert /nowhere",
        ),
        ("localhost", "?sslmode=sure".to_owned(), "verify-full"),
    ];
    for (host, query, why) in wrong {
        let error = refused(url(host, &query)).await;
        assert!(error.contains(why), "{host}{query}: {error}");
    }
    let _ = std::fs::remove_dir_all(&folder);
}

#[tokio::test]
async fn a_passwords_address_is_never_repeated() {
    for url in [
        "postgres://u:hush@h:nonsense/d",
        "postgres://u:hush@h/d?sslmode=x&y",
        "postgres://u:hush@h/d?odd=1",
    ] {
        let Err(StoreError::Unavailable(error)) = connect(url).await else { panic!("{url}") };
        assert!(!error.contains("hush"), "{error}");
    }
}
