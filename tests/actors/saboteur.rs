//! Makes an actor of a crSocket panic for real, in the middle of its work: the source of random numbers, which each of a
//! crSocket's machines asks at each of its steps, does.
//!
//! Each actor runs as a task of its own, so the source knows who asks. It serves one crSocket at a time.

use std::cell::RefCell;

use tokio::task::{Id, try_id};

/// Who is to panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Socket,
    Receiver,
    Sender,
    /// Whichever child takes a step.
    AnyChild,
}

#[derive(Default)]
struct State {
    /// The task of the crSocket: the first that asked.
    socket: Option<Id>,
    /// The tasks of its children, those of earlier lives included, by their age. The receiver is older than the sender.
    children: Vec<Id>,
    plan: Option<Plan>,
    calls: u64,
    panics: u64,
}

struct Plan {
    part: Part,
    /// How many steps it takes before.
    spared: u32,
    /// Not once, but at every step.
    always: bool,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// What a host is given as its source of random numbers.
pub fn random() -> u64 {
    let panics = STATE.with_borrow_mut(|state| try_id().is_some_and(|task| state.asked_by(task)));
    assert!(!panics, "sabotage");
    42
}

/// Knows nobody: the next who asks is the crSocket.
pub fn forget() {
    STATE.take();
}

/// Lets a part panic at a step from now on: the next, where none are spared.
pub fn plan(part: Part, spared: u32) {
    STATE.with_borrow_mut(|state| state.plan = Some(Plan { part, spared, always: false }));
}

/// Lets a part panic at every step from now on.
pub fn plan_always(part: Part) {
    STATE.with_borrow_mut(|state| state.plan = Some(Plan { part, spared: 0, always: true }));
}

/// Lets everybody live; says whether the plan came true.
pub fn leave_alone() -> bool {
    STATE.with_borrow_mut(|state| {
        state.plan = None;
        state.panics > 0
    })
}

/// How many steps were taken.
pub fn steps() -> u64 {
    STATE.with_borrow(|state| state.calls)
}

impl State {
    fn asked_by(&mut self, task: Id) -> bool {
        self.calls += 1;
        let socket = *self.socket.get_or_insert(task);
        if task != socket && !self.children.contains(&task) {
            self.children.push(task);
            self.children.sort_unstable_by_key(|task| task.to_string().parse::<u64>().unwrap());
        }
        let Some(plan) = &mut self.plan else { return false };
        let place = self.children.iter().rev().position(|child| *child == task);
        let is_meant = match plan.part {
            Part::Socket => task == socket,
            Part::Sender => place == Some(0),
            Part::Receiver => place == Some(1),
            Part::AnyChild => task != socket,
        };
        if !is_meant {
            return false;
        }
        if plan.spared > 0 {
            plan.spared -= 1;
            return false;
        }
        if !plan.always {
            self.plan = None;
        }
        self.panics += 1;
        true
    }
}
