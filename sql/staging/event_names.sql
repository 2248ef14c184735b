/* dfpipe
version: 1
description: Names of events that are one of the four kinds; a new name needs one more line here, and nothing else.
key: [event_name]
checks:
  - not_null: [event_name, folded_name, kind]
  - unique: [folded_name]
    hint: Case and separators do not count, so one of the two lines says the same name again.
  - one_of:
      column: kind
      values: [page_view, feature_used, purchase_completed, support_chat_started]
*/
with

-- The run counts the names that nobody knows, and `unknown_event_kinds` shows them: those that are one of the
-- four kinds belong here. Case and separators do not count: `screen_opened` is `Screen Opened` and
-- `screen.opened` as well. What canonical_event() knows by itself need not be here, but may be, under
-- another kind.
names as (
    select event_name, kind
    from (values
        ('page_view',            'page_view'),
        ('feature_used',         'feature_used'),
        ('purchase_completed',   'purchase_completed'),
        ('support_chat_started', 'support_chat_started')
    ) as written (event_name, kind)
)

select
    event_name,
    -- As event_kind() folds the names that come.
    translate(lower(event_name), ' ._-/:', '') as folded_name,
    kind
from names
