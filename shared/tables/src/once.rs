//! Requests that come again. Under its key a change is made once: what it was answered is kept in the
//! transaction that made it, and the same request is answered from that.

use tasker_core::{Json, json};

use super::{answer::Answer, error::QueryError, request_answers as sql};
use tasker_sql::{Backend, Row, Session, Value, Write};

/// The longest answer that is kept, bytes. Of a longer one only is kept that it was given.
pub const LONGEST_ANSWER: usize = 1 << 20;

/// What makes a request the same as another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// Whose key it is; empty for the service role.
    pub caller: String,
    /// The key.
    pub key: String,
    /// All that was asked for, or a digest of it.
    pub request: String,
}

/// What is known of a request.
#[derive(Debug)]
pub enum Known {
    /// It never came, or nothing came of it.
    Nothing,
    /// It was done and answered so.
    Answer(Json),
    /// It was done; its answer was too long to be kept.
    TooLong(u64),
    /// It was passed on, and what became of it is not known.
    Sent,
}

impl Known {
    /// The answer that is kept, if there is one.
    ///
    /// # Errors
    /// It was done, and nobody knows any more what it was answered, or whether it was.
    pub fn answer(self) -> Result<Option<Json>, QueryError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Answer(answer) => Ok(Some(answer)),
            Self::TooLong(bytes) => Err(QueryError::AnswerNotKept(bytes)),
            Self::Sent => Err(QueryError::Doubtful),
        }
    }
}

impl Once {
    fn place(&self) -> [Value; 2] {
        [(&self.caller).into(), (&self.key).into()]
    }

    /// Looks the request up, and keeps others of its name out until the transaction ends.
    pub async fn look<S: Session>(&self, s: &mut S) -> Result<Known, QueryError> {
        let turn = Write::new(sql::REQUEST_TURN, [format!("{} {}", self.caller, self.key).into()]);
        // A statement of its own: one that waits for a lock still reads as of its start.
        let mut found = s.queries(vec![turn, Write::new(sql::ANSWER, self.place())]).await?;
        match found.pop().unwrap_or_default().into_iter().next() {
            Some(row) => self.read(row),
            None => Ok(Known::Nothing),
        }
    }

    fn read(&self, mut row: Row) -> Result<Known, QueryError> {
        if row.text()? != self.request {
            return Err(QueryError::KeyReused(self.key.clone()));
        }
        let (status, answer, bytes) = (row.text()?, row.maybe_json()?, row.int()?);
        Ok(match answer {
            _ if status == "sent" => Known::Sent,
            Some(answer) => Known::Answer(answer),
            None => Known::TooLong(u64::try_from(bytes).unwrap_or(0)),
        })
    }

    /// Keeps an answer.
    pub fn keep(&self, answer: &Json) -> Write {
        let kept = (answer.get().len() <= LONGEST_ANSWER).then_some(answer);
        self.write("done", kept, answer.get().len())
    }

    fn write(&self, status: &str, answer: Option<&Json>, bytes: usize) -> Write {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let [caller, key] = self.place();
        let request = (&self.request).into();
        let all: [Value; 6] = [caller, key, request, status.into(), answer.into(), bytes.into()];
        Write::new(sql::KEEP_ANSWER, all)
    }
}

/// Whether answers are kept: a fault test leaves that out.
pub fn kept() -> bool {
    !tasker_fault::on("norecall")
}

/// Says that a request is about to be passed on to somebody who knows no keys; or what is known of
/// it already, and then it must not be passed on.
pub async fn begin<B: Backend>(backend: &B, once: &Once) -> Result<Known, QueryError> {
    let mut s = backend.begin().await?;
    match once.look(&mut s).await {
        Ok(Known::Nothing) => {
            s.commit(vec![once.write("sent", None, 0)]).await?;
            Ok(Known::Nothing)
        }
        known => {
            s.rollback().await;
            known
        }
    }
}

/// What became of a request that was passed on: its answer, or nothing at all.
pub async fn end<B: Backend>(
    backend: &B,
    once: &Once,
    answer: Option<&Json>,
) -> Result<(), QueryError> {
    let write = match answer {
        Some(answer) => once.keep(answer),
        None => Write::new(sql::FORGET_SENT, once.place()),
    };
    backend.begin().await?.commit(vec![write]).await?;
    Ok(())
}

/// An answer of the database as it is kept.
pub fn to_keep(answer: &Answer) -> Json {
    json::of(answer)
}

/// Reads one.
pub fn kept_answer(text: &Json) -> Result<Answer, QueryError> {
    serde_json::from_str(text.get()).map_err(|e| QueryError::Corrupt(e.to_string()))
}
