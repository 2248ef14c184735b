//! The machine as a table: what is seen, one thing after the other, and what is done about each.

use super::{
    Action::{self, Done, Look, Stop as Stops, Submit},
    Class,
    Seen::{
        self, Absent, Bad, Conflict, Foreign, Good, Late, Lost, OtherBytes, Refused, Running,
        Unanswered, Unsent,
    },
    State, Stop, next,
};

fn walk(from: State, seen: &[Seen]) -> (State, Vec<Action>) {
    let mut state = from;
    let mut actions = vec![];
    for seen in seen {
        let (after, action) = next(&state, *seen);
        state = after;
        actions.push(action);
    }
    (state, actions)
}

#[track_caller]
fn does(seen: &[Seen], expected: &[Action]) -> State {
    let (state, actions) = walk(State::default(), seen);
    assert_eq!(actions, expected, "{seen:?}");
    state
}

#[test]
fn a_job_is_looked_for_before_it_is_submitted_and_waited_for_after() {
    let state = does(
        &[Absent, Running, Running, Good],
        &[Submit, Look(1), Look(2), Done],
    );
    assert_eq!((state.attempt, state.submissions), (0, 1));
}

#[test]
fn a_job_that_is_there_already_is_adopted_without_a_submission() {
    for seen in [&[Good][..], &[Running, Good]] {
        let (state, actions) = walk(State::resumed(3, true), seen);
        assert_eq!(actions.last(), Some(&Done));
        assert_eq!((state.attempt, state.submissions), (3, 0));
    }
}

#[test]
fn a_lost_answer_is_followed_by_the_same_id() {
    let state = does(
        &[Absent, Lost, Absent, Lost, Good],
        &[Submit, Look(1), Submit, Look(2), Done],
    );
    assert_eq!(state.attempt, 0);
}

#[test]
fn slow_down_is_followed_by_the_same_id_and_by_no_doubt() {
    let slow = Refused(Class::Passing);
    let state = does(
        &[Absent, slow, Absent, slow],
        &[Submit, Look(1), Submit, Look(2)],
    );
    assert!(!state.is_doubtful);
}

#[test]
fn what_the_service_refuses_for_good_stops() {
    for class in [Class::Denied, Class::Quota, Class::Invalid, Class::Absent] {
        does(&[Absent, Refused(class)], &[Submit, Stops(Stop::Refused)]);
    }
}

#[test]
fn another_runs_job_is_never_adopted() {
    does(&[Foreign], &[Stops(Stop::Taken)]);
    does(
        &[Absent, Conflict, Foreign],
        &[Submit, Look(0), Stops(Stop::Taken)],
    );
}

#[test]
fn other_bytes_never_complete_an_old_load() {
    does(&[OtherBytes], &[Stops(Stop::OtherBytes)]);
}

#[test]
fn a_conflict_is_looked_at_although_the_job_is_not_found_at_first() {
    does(
        &[Absent, Conflict, Absent, Absent, Good],
        &[Submit, Look(0), Look(1), Look(2), Done],
    );
    let (_, actions) = walk(
        State::default(),
        &[&[Absent, Conflict][..], &[Absent; 10]].concat(),
    );
    assert!(!actions[1..].contains(&Submit), "{actions:?}");
    assert_eq!(actions.last(), Some(&Stops(Stop::Unknown)));
}

#[test]
fn only_a_job_that_failed_is_followed_by_another_attempt() {
    let state = does(
        &[Absent, Running, Bad(Class::Passing), Absent, Running, Good],
        &[Submit, Look(1), Look(1), Submit, Look(1), Done],
    );
    assert_eq!(state.attempt, 1);
}

#[test]
fn attempts_of_one_process_are_bounded() {
    let round = [Absent, Bad(Class::Passing)];
    let (state, actions) = walk(State::default(), &round.repeat(6));
    assert_eq!(actions.last(), Some(&Stops(Stop::Failed)));
    assert_eq!(state.attempt, 5);
}

#[test]
fn what_is_wrong_with_the_rows_stops_this_process_and_is_stepped_over_by_the_next() {
    let wrong = Bad(Class::Invalid);
    let state = does(
        &[Absent, Running, wrong],
        &[Submit, Look(1), Stops(Stop::Failed)],
    );
    let (state, actions) = walk(State::resumed(state.attempt, false), &[wrong, Absent]);
    assert_eq!(actions, [Look(0), Submit]);
    assert_eq!(state.attempt, 1);
}

#[test]
fn a_job_that_goes_on_is_never_abandoned() {
    does(
        &[Absent, Running, Late],
        &[Submit, Look(1), Stops(Stop::Unknown)],
    );
    does(
        &[Absent, Running, Unanswered],
        &[Submit, Look(1), Stops(Stop::Unknown)],
    );
}

#[test]
fn nothing_is_in_doubt_before_anything_was_sent() {
    does(&[Unanswered], &[Stops(Stop::Refused)]);
    does(&[Absent, Unsent], &[Submit, Stops(Stop::Refused)]);
    does(
        &[Absent, Lost, Unanswered],
        &[Submit, Look(1), Stops(Stop::Unknown)],
    );
    let (_, actions) = walk(State::resumed(0, true), &[Unanswered]);
    assert_eq!(actions, [Stops(Stop::Unknown)]);
}

#[test]
fn a_job_that_failed_is_in_doubt_no_longer() {
    let seen = [Absent, Running, Bad(Class::Quota)];
    let (state, actions) = walk(State::resumed(0, true), &seen);
    assert_eq!(actions.last(), Some(&Stops(Stop::Failed)));
    assert!(!state.is_doubtful);
}

#[test]
fn submissions_are_bounded_and_leave_the_outcome_open() {
    let (state, actions) = walk(State::default(), &[Absent, Lost].repeat(7));
    assert_eq!(actions[12], Stops(Stop::Unknown));
    assert_eq!((state.attempt, state.submissions), (0, 6));
}
