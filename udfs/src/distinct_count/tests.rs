//! What a plan does to an accumulator: batches, filters, states that are merged, groups that are given out early.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

use super::{Groups, One};

fn words(words: &[Option<&str>]) -> Vec<ArrayRef> {
    vec![Arc::new(StringArray::from(words.to_vec()))]
}

fn groups() -> Groups {
    Groups::new(&DataType::Utf8).unwrap()
}

fn counts(groups: &mut Groups, emit_to: EmitTo) -> Vec<i64> {
    let counts = groups.evaluate(emit_to).unwrap();
    counts.as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn a_value_counts_once_in_its_group_and_null_never() {
    let mut groups = groups();
    let batch = words(&[Some("x"), Some("y"), Some("x"), None, Some("x")]);
    groups
        .update_batch(&batch, &[0, 0, 0, 1, 2], None, 3)
        .unwrap();
    groups
        .update_batch(&words(&[Some("x"), Some("z")]), &[0, 0], None, 4)
        .unwrap();
    assert_eq!(counts(&mut groups, EmitTo::All), [3, 0, 1, 0]);
}

#[test]
fn a_filter_lets_only_true_through() {
    let mut groups = groups();
    let kept = BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]);
    let batch = words(&[Some("x"), Some("y"), Some("z"), None]);
    groups
        .update_batch(&batch, &[0; 4], Some(&kept), 1)
        .unwrap();
    assert_eq!(counts(&mut groups, EmitTo::All), [1]);
}

/// Sorted input gives groups out early; what stays moves up.
#[test]
fn groups_that_are_given_out_take_their_values_along() {
    let mut groups = groups();
    let batch = words(&[Some("x"), Some("y"), Some("x"), Some("z")]);
    groups.update_batch(&batch, &[0, 0, 1, 2], None, 3).unwrap();
    assert_eq!(counts(&mut groups, EmitTo::First(1)), [2]);
    groups
        .update_batch(
            &words(&[Some("x"), Some("y"), Some("z")]),
            &[0, 0, 1],
            None,
            2,
        )
        .unwrap();
    assert_eq!(counts(&mut groups, EmitTo::All), [2, 1]);
}

#[test]
fn states_are_merged_without_counting_twice() {
    let mut first = groups();
    let batch = words(&[Some("x"), None, Some("y"), Some("x")]);
    first.update_batch(&batch, &[0, 1, 2, 2], None, 4).unwrap();
    let early = first.state(EmitTo::First(2)).unwrap();
    assert_eq!(lengths(&early), [1, 0]);
    let rest = first.state(EmitTo::All).unwrap();
    assert_eq!(lengths(&rest), [2, 0]);

    let mut second = groups();
    second
        .update_batch(&words(&[Some("x"), Some("z")]), &[0, 1], None, 2)
        .unwrap();
    second.merge_batch(&early, &[0, 1], 2).unwrap();
    second.merge_batch(&rest, &[1, 2], 3).unwrap();
    // A slice of a state begins in the middle of its values.
    second.merge_batch(&[rest[0].slice(1, 1)], &[0], 3).unwrap();
    assert_eq!(counts(&mut second, EmitTo::All), [1, 3, 0]);
}

/// Where memory is short, all that was counted is given out as a state, and counting goes on.
#[test]
fn what_was_given_out_as_a_state_is_counted_anew() {
    let mut groups = groups();
    let texts: Vec<_> = (0..1000).map(|number| format!("word {number}")).collect();
    let texts: Vec<_> = texts.iter().map(|text| Some(text.as_str())).collect();
    let places: Vec<_> = (0..1000).map(|row| row % 10).collect();
    for (emitted, expected) in [
        (EmitTo::All, vec![100; 10]),
        (EmitTo::First(4), vec![100; 4]),
        // What stayed has moved up, and these words are new there.
        (EmitTo::All, [[200; 6].as_slice(), &[100; 4]].concat()),
    ] {
        groups
            .update_batch(&words(&texts), &places, None, 10)
            .unwrap();
        assert_eq!(lengths(&groups.state(emitted).unwrap()), expected);
    }
    groups
        .update_batch(&words(&texts[..2]), &[0, 0], None, 1)
        .unwrap();
    assert_eq!(counts(&mut groups, EmitTo::All), [2]);
    groups
        .update_batch(&words(&texts), &places, None, 10)
        .unwrap();
    assert_eq!(counts(&mut groups, EmitTo::All), [100; 10]);
}

/// Values that fit into a word of bits, one too many for it, and each of them again after it.
#[test]
fn groups_keep_their_counts_when_the_values_become_many() {
    let texts: Vec<_> = (0..65).map(|number| format!("word {number}")).collect();
    let texts: Vec<_> = texts.iter().map(|text| Some(text.as_str())).collect();
    for first in [1, 63, 64, 65] {
        let mut groups = groups();
        let places: Vec<_> = (0..65).map(|row| row % 2).collect();
        for _ in 0..2 {
            let batch = words(&texts[..first]);
            groups
                .update_batch(&batch, &places[..first], None, 3)
                .unwrap();
        }
        for _ in 0..2 {
            groups
                .update_batch(&words(&texts), &places, None, 3)
                .unwrap();
        }
        assert_eq!(counts(&mut groups, EmitTo::First(1)), [33], "{first}");
        let state = groups.state(EmitTo::All).unwrap();
        assert_eq!(lengths(&state), [32, 0], "{first}");
        let mut merged = self::groups();
        merged.merge_batch(&state, &[0, 1], 2).unwrap();
        merged
            .update_batch(&words(&texts[..2]), &[0, 1], None, 2)
            .unwrap();
        assert_eq!(counts(&mut merged, EmitTo::All), [33, 1], "{first}");
    }
}

#[test]
fn rows_that_skip_the_first_phase_become_states() {
    let numbers: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![
        Some(1),
        None,
        Some(1),
        Some(2),
    ]))];
    let kept = BooleanArray::from(vec![true, true, true, false]);
    let mut groups = Groups::new(&DataType::Int64).unwrap();
    for kept in [None, Some(&kept)] {
        let states = groups.convert_to_state(&numbers, kept).unwrap();
        assert_eq!(lengths(&states).len(), 4);
        groups.merge_batch(&states, &[0, 0, 0, 1], 2).unwrap();
    }
    assert_eq!(counts(&mut groups, EmitTo::All), [1, 1]);
}

fn lengths(states: &[ArrayRef]) -> Vec<usize> {
    states[0].as_list::<i64>().offsets().lengths().collect()
}

#[test]
fn one_group_counts_as_many_do() {
    let mut one = One::new(groups());
    assert_eq!(one.evaluate().unwrap(), 0_i64.into());
    one.update_batch(&words(&[Some("x"), None, Some("x")]))
        .unwrap();
    let state = one.state().unwrap();
    let state: Vec<_> = state
        .iter()
        .map(|value| value.to_array().unwrap())
        .collect();
    let mut other = One::new(groups());
    other.update_batch(&words(&[Some("y")])).unwrap();
    other.merge_batch(&state).unwrap();
    assert_eq!(other.evaluate().unwrap(), 2_i64.into());
    let mut empty = One::new(groups());
    assert_eq!(empty.state().unwrap().len(), 1);
}

#[test]
fn the_memory_that_values_take_is_told() {
    let mut groups = groups();
    let before = GroupsAccumulator::size(&groups);
    let many: Vec<_> = (0..10_000)
        .map(|number| format!("a value {number}"))
        .collect();
    let many: Vec<_> = many.iter().map(|value| Some(value.as_str())).collect();
    groups
        .update_batch(&words(&many), &vec![0; 10_000], None, 1)
        .unwrap();
    assert!(GroupsAccumulator::size(&groups) > before + 100_000);
    counts(&mut groups, EmitTo::All);
    assert!(GroupsAccumulator::size(&groups) < before + 100_000);
}
