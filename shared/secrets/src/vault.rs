//! Supabase's Vault: where it exists it keeps the values, and a row of the keystore names them.
//! Values are bound parameters, so no statement's text holds one.

use tasker_seal::SealError;
use tasker_sql::{Hidden, Result, Session, Value, one};

use crate::sql;

/// Begins the value of a row whose secret the Vault keeps.
const MARK: &str = "tasker:vault:";

/// The Vault's id of a secret, if that is what the row's value says.
pub fn id_of(value: &str) -> Option<&str> {
    value.strip_prefix(MARK)
}

/// The name that the Vault knows a secret by. A row that names another row's secret finds nothing.
fn vault_name(namespace: &str, name: &str) -> String {
    format!("tasker/{}/{name}", namespace.replace('%', "%25").replace('/', "%2F"))
}

/// Whether there is one.
pub async fn exists<S: Session>(s: &mut S) -> Result<bool> {
    one(s.query(sql::VAULT_EXISTS, vec![]).await?)?.bool()
}

/// Waits until nobody else sets this secret, to the end of the transaction.
pub async fn take_turns<S: Session>(s: &mut S, key: (&str, &str)) -> Result<()> {
    let name = vault_name(key.0, key.1);
    s.query(sql::VAULT_TURN, vec![name.into()]).await.map(|_| ())
}

/// The value of a secret.
pub async fn get<S: Session>(s: &mut S, id: &str, key: (&str, &str)) -> Result<String> {
    let params: Vec<Value> = vec![id.into(), vault_name(key.0, key.1).into()];
    let found = s.query(sql::VAULT_GET, params).await?;
    let value = found.into_iter().next().map(|mut row| row.maybe_text()).transpose()?.flatten();
    let place = format!("secret {}/{} in the Vault", key.0, key.1);
    value.ok_or_else(|| SealError::Broken { place }.into())
}

/// Keeps a value; answers what the row is to hold.
pub async fn put<S: Session>(s: &mut S, key: (&str, &str), value: &str) -> Result<String> {
    let (name, value) = (vault_name(key.0, key.1), Value::Hidden(Hidden(value.to_owned())));
    let known = s.query(sql::VAULT_FIND, vec![(&name).into()]).await?;
    let id = match known.into_iter().next() {
        Some(mut row) => {
            let id = row.text()?;
            s.query(sql::VAULT_UPDATE, vec![(&id).into(), value]).await?;
            id
        }
        None => {
            let about = "kept for the keystore of tasker";
            let params = vec![value, name.into(), about.into()];
            one(s.query(sql::VAULT_CREATE, params).await?)?.text()?
        }
    };
    Ok(format!("{MARK}{id}"))
}

/// Forgets a value.
pub async fn delete<S: Session>(s: &mut S, id: &str, key: (&str, &str)) -> Result<()> {
    let params: Vec<Value> = vec![id.into(), vault_name(key.0, key.1).into()];
    s.query(sql::VAULT_DELETE, params).await.map(|_| ())
}
