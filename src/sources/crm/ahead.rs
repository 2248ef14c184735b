//! Pages that are asked for before it is their turn, where their addresses are known in advance.
//!
//! Apart from the reading, which knows nothing of it: it takes page after page as ever, and finds some of them here.
//! A page that is not asked for as was foreseen makes all that was foreseen void.

use std::{collections::VecDeque, sync::Arc};

use tokio::task::JoinHandle;
use url::Url;

use super::task::Task;
use crate::http::{Failed, Page, Timeouts};

/// Requests under way, in the order of the pages.
#[derive(Default)]
pub struct Ahead(VecDeque<Request>);

/// A request under way; it is given up with this.
struct Request {
    address: Url,
    answer: JoinHandle<Result<Page, Failed>>,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

impl Ahead {
    /// Asks for the pages at `addresses`, which are next in this order, unless they were asked for already.
    pub fn expect(&mut self, addresses: &[Url], task: &Arc<Task>) {
        let pairs = self.0.iter().zip(addresses);
        let same = pairs.take_while(|(request, address)| request.address == **address);
        let same = same.count();
        self.0.truncate(same);
        for address in &addresses[same..] {
            let (task, wanted) = (Arc::clone(task), address.clone());
            self.0.push_back(Request {
                address: address.clone(),
                answer: tokio::spawn(async move { task.ask(&wanted, Timeouts::Tell).await }),
            });
        }
    }

    /// The page at `address`, once it comes.
    pub async fn page(
        &mut self,
        address: Url,
        timeouts: Timeouts,
        task: &Task,
    ) -> Result<Page, Failed> {
        if let Some(mut request) = self.0.pop_front() {
            if request.address == address
                && let Ok(answer) = (&mut request.answer).await
            {
                return answer;
            }
            self.0.clear();
        }
        task.ask(&address, timeouts).await
    }
}
